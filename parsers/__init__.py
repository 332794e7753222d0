"""Cycler files in, tables of the common schema out.

::

    import parsers
    reading = parsers.read("file.mpr")
    reading.measurements, reading.spectra, reading.about, reading.warnings, reading.format

Every format is one module of this package (see :mod:`parsers.contract`); nothing lists them twice.
"""

from __future__ import annotations

import hashlib
import importlib
import pkgutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from os import PathLike
from pathlib import Path
from typing import BinaryIO, Final
from zoneinfo import ZoneInfo

from parsers._ends import refuse_cut
from parsers._tail import Tail, join_tail, read_tail_of
from parsers._zips import unpack_only_file
from parsers.contract import SITE_ZONE, Format, Kind, Known, Peek, Reading, Source
from warehouse.errors import FormatUnknown, ParseError, UsageError

__all__ = [
    "Format",
    "Known",
    "Peek",
    "Reading",
    "Source",
    "Tail",
    "detect",
    "fingerprint_readers",
    "formats",
    "join_tail",
    "open_source",
    "read",
    "read_as",
    "read_tail",
]

FINGERPRINT_DIGITS: Final = 16
NO_DATA: Final = "the file has its header and no data yet"


@cache
def formats() -> dict[str, Format]:
    """Return every format by name, in alphabetical order."""
    found = {}
    for module in pkgutil.iter_modules(__path__):
        if not module.name.startswith("_") and module.name != "contract":
            declared: Format = importlib.import_module(f"{__name__}.{module.name}").FORMAT
            found[declared.name] = declared
    return dict(sorted(found.items()))


def fingerprint_readers() -> str:
    """Return a hash over the names and versions of all readers: others may judge a file differently."""
    versions = "\n".join(f"{declared.name}:{declared.version}" for declared in formats().values())
    return hashlib.sha256(versions.encode()).hexdigest()[:FINGERPRINT_DIGITS]


@contextmanager
def open_source(
    path: str | PathLike[str], name: str | None = None, zone: ZoneInfo = SITE_ZONE
) -> Iterator[tuple[Source, list[Format]]]:
    """Open a file as a source; a zip that no format claims and that holds one file stands for that file.

    Yields the source with the formats that claim it: a workbook's sheets are looked at once, not once more to read.

    Args:
        path: where the bytes are.
        name: the name to show and to take as a label; the path's own by default.
        zone: the site's zone, for wall clocks without one.

    Raises:
        ParseError: it is a zip whose only file cannot be unpacked, or not within limits.
    """
    source = Source(Path(path), name or Path(path).name, zone)
    claimants = claims(source)
    if claimants:
        yield source, claimants
        return
    with tempfile.TemporaryDirectory(prefix="cellar-") as folder:
        inside = Path(folder) / "member"
        member = unpack_only_file(source.path, inside, source.name)
        if member is None:
            yield source, claimants
            return
        unpacked = replace(source, path=inside, name=f"{source.name}!{member}")
        yield unpacked, claims(unpacked)


def claims(source: Source) -> list[Format]:
    """Return every format that claims the source; a healthy source has exactly one."""
    peek = Peek(source.path, source.name.rpartition("!")[2])
    return [declared for declared in formats().values() if declared.sniff(peek)]


def detect(path: str | PathLike[str], name: str | None = None) -> list[Format]:
    """Return every format that claims a file, reading no more than its start."""
    try:
        with open_source(path, name) as (_, claimants):
            return claimants
    except ParseError:
        # A zip whose only file cannot be unpacked; reading it says why.
        return []


def read(path: str | PathLike[str], name: str | None = None, zone: ZoneInfo = SITE_ZONE) -> Reading:
    """Read one cycler file.

    Args:
        path: the file.
        name: its name as the user knows it, if the path is another.
        zone: the site's zone, for wall clocks without one.

    Returns:
        The reading, with the format that claimed the file and the kind of its content.

    Raises:
        FormatUnknown: no format, or more than one, claims the file.
        ParseError: the file breaks its format's rules.
    """
    with open_source(path, name, zone) as (source, claimants):
        return _read_claimed(source, claimants)


def read_as(
    path: str | PathLike[str], format_name: str, name: str | None = None, zone: ZoneInfo = SITE_ZONE
) -> Reading:
    """Read one file with the named format, whatever detection would say.

    Raises:
        UsageError: there is no such format.
        ParseError: the file breaks that format's rules.
    """
    declared = _named(format_name)
    with open_source(path, name, zone) as (source, _):
        return _read_claimed(source, [declared])


def read_tail(
    file: BinaryIO, format_name: str, known: Known, name: str = "", zone: ZoneInfo = SITE_ZONE
) -> Tail | None:
    """Read what a file has more than an earlier version of it, at the cost of what is more.

    Args:
        file: the whole file as it is now; read at its head and from shortly before the known end on.
        format_name: the format that read the earlier version.
        known: how long that was and how many rows of measurements it gave.
        name: the file's name as the user knows it.
        zone: the site's zone.

    Returns:
        The last known rows and all new ones for :func:`join_tail`; None where only the whole file tells.

    Raises:
        UsageError: there is no such format.
    """
    return read_tail_of(_named(format_name), file, known, name, zone)


def _named(format_name: str) -> Format:
    if format_name not in formats():
        raise UsageError(f"there is no format {format_name!r}; 'cellar formats' lists them")
    return formats()[format_name]


def _read_claimed(source: Source, claimants: list[Format]) -> Reading:
    if source.path.stat().st_size == 0:
        # Nothing to recognise and nothing to lose: an empty file is data that has not come yet.
        return Reading(warnings=("the file is empty",))
    if len(claimants) > 1:
        names = ", ".join(declared.name for declared in claimants)
        raise FormatUnknown(source.name, f"claimed by {names}", code="format_ambiguous")
    if not claimants:
        refuse_cut(source)
        raise FormatUnknown(source.name, "no format claims this file")
    declared = claimants[0]
    reading = declared.read(source)
    kind = _kind_of(declared, reading)
    warnings = (*reading.warnings, NO_DATA) if kind == "empty" else reading.warnings
    return replace(reading, format=declared.name, kind=kind, warnings=warnings)


def _kind_of(declared: Format, reading: Reading) -> Kind:
    if declared.kind == "companion":
        return "companion"
    if reading.measurements.height:
        return "cycling"
    return "eis" if reading.spectra.height else "empty"
