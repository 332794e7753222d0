"""Reads files in a process of their own, which may die of them.

Off for whoever calls the functions here from Python; the commands switch it on by the environment, which what they
start inherits. A process is started at the first file, kept, and replaced when it died or has grown. What kills a
reader is the file's fault: it is set aside with a reason, and the next one is read. Why so: docs/decisions/0012.
"""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import polars as pl
import pyarrow as pa
import pyarrow.ipc

import parsers
from flows import reader_pool
from flows.reader_pool import ReaderDied, is_on
from parsers._apart import TABLES, Job
from parsers.contract import Reading, Source
from warehouse import errors
from warehouse.errors import ParseError, QuarantineError, UsageError

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

log: Final = logging.getLogger("cellar.apart")

MIB: Final = 1 << 20
# A file may take this much, and so many times its size: an .ndax unpacks to fifty times its size, of small ones.
MEMORY: Final = 2048 * MIB
MEMORY_PER_BYTE: Final = 16
# The slowest readers take a tenth of that.
SECONDS: Final = 60
SECONDS_PER_MIB: Final = 1.0
CODES: Final = {"memory": "reader_memory", "time": "reader_time", "died": "reader_died", "defect": "reader_died"}


def read(
    path: Path,
    name: str,
    zone: ZoneInfo,
    profile: Mapping[str, str],
    *,
    tables: Sequence[parsers.Description] = (),
    format_name: str | None = None,
) -> Reading:
    """Read a file by its content, or with the named format; see :func:`parsers.read`, :func:`parsers.read_as`.

    Raises:
        QuarantineError: what these raise; and the file killed its reader, or took more than a file may.
        UsageError: there is no such format.
    """
    if is_on():
        source = Source(path, name, zone, profile=dict(profile))
        return _read_apart("read", source, tables, format_name)
    if format_name is not None:
        return parsers.read_as(path, format_name, name, zone, profile, tables=tables)
    return parsers.read(path, name, zone, profile, tables=tables)


def read_part(declared: parsers.Format, source: Source) -> Reading:
    """Read an excerpt with its format's reader."""
    if not is_on() or declared.described:
        return declared.read(source)
    return _read_apart("part", source, (), declared.name)


def detect(path: Path, name: str, *, tables: Sequence[parsers.Description] = ()) -> list[str]:
    """Return the names of the formats that claim a file; none where looking at it kills the looker."""
    if not is_on():
        return [declared.name for declared in parsers.detect(path, name, tables=tables)]
    with tempfile.TemporaryDirectory(prefix="cellar-") as folder:
        job = _make_job("detect", Source(path, name), Path(folder), tables)
        try:
            return cast("list[str]", _ask(job)["claimed"])
        except QuarantineError:
            return []


def _read_apart(
    what: str, source: Source, tables: Sequence[parsers.Description], format_name: str | None = None
) -> Reading:
    with tempfile.TemporaryDirectory(prefix="cellar-") as folder:
        job = _make_job(what, source, Path(folder), tables, format_name)
        told = _ask(job)
        places = {name: Path(f"{job.target}.{name}") for name in TABLES}
        found = {name: _map_table(place) for name, place in places.items() if place.exists()}
    return Reading(
        **found,
        about=told["about"],
        warnings=tuple(told["warnings"]),
        incomplete=told["incomplete"],
        format=told["format"],
        kind=told["kind"],
    )


def _map_table(place: Path) -> pl.DataFrame:
    """Return a table without copying it into our memory: its file is gone when nobody uses it any more."""
    if os.name == "nt":
        # What is mapped cannot be deleted there.
        return pl.read_ipc(place)
    with pa.memory_map(str(place)) as file:
        return cast("pl.DataFrame", pl.from_arrow(pa.ipc.open_file(file).read_all()))


def _make_job(
    what: str, source: Source, folder: Path, tables: Sequence[parsers.Description], format_name: str | None = None
) -> Job:
    size = source.path.stat().st_size
    seconds = SECONDS + round(size / MIB * SECONDS_PER_MIB)
    memory = min(MEMORY + MEMORY_PER_BYTE * size, _physical_memory())
    return Job(what, source, folder / "table", format_name, tuple(tables), memory, seconds)


def _physical_memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return sys.maxsize


def _ask(job: Job) -> dict[str, Any]:
    """Have a job done; what ended without our doing is tried once more, for it may have been something else."""
    try:
        told = reader_pool.POOL.ask(job)
    except ReaderDied as died:
        log.warning("%s: its reader died (%s)", job.source.name, died)
        if died.cause == "died":
            try:
                told = reader_pool.POOL.ask(job)
            except ReaderDied as again:
                raise _refusal(job, again.cause, str(again)) from again
        else:
            raise _refusal(job, died.cause, str(died)) from died
    if "failed" in told:
        raise _error_of(job, told)
    return told


def _error_of(job: Job, told: Mapping[str, Any]) -> Exception:
    failed = told["failed"]
    if failed == "system":
        return OSError(told["errno"], told["detail"])
    if failed in CODES:
        return _refusal(job, failed, told["detail"])
    if failed == "UsageError":
        return UsageError(told["detail"])
    kind: type[QuarantineError] = getattr(errors, failed)
    places = {name: told[name] for name in ("code", "byte", "line", "column")}
    return kind(told["path"], told["detail"], **places)


def _refusal(job: Job, cause: str, detail: str) -> ParseError:
    return ParseError(job.source.name, detail, code=CODES[cause])
