"""Cycler files in, tables of the common schema out.

::

    import parsers
    reading = parsers.read("file.mpr")
    reading.measurements, reading.spectra, reading.about, reading.warnings, reading.format

Every format is one module of this package (see :mod:`parsers.contract`); nothing lists them twice.
"""

from __future__ import annotations

import importlib
import pkgutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from os import PathLike
from pathlib import Path
from zoneinfo import ZoneInfo

from parsers.contract import SITE_ZONE, Format, Kind, Peek, Reading, Source, open_member
from warehouse.errors import FormatUnknown, UsageError

__all__ = ["Format", "Peek", "Reading", "Source", "detect", "formats", "open_source", "read", "read_as"]


@cache
def formats() -> dict[str, Format]:
    """Return every format by name, in alphabetical order."""
    found = {}
    for module in pkgutil.iter_modules(__path__):
        if not module.name.startswith("_") and module.name != "contract":
            declared: Format = importlib.import_module(f"{__name__}.{module.name}").FORMAT
            found[declared.name] = declared
    return dict(sorted(found.items()))


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
    """
    source = Source(Path(path), name or Path(path).name, zone)
    claimants = claims(source)
    member = None if claimants else open_member(source.path)
    if member is None:
        yield source, claimants
        return
    with tempfile.TemporaryDirectory(prefix="cellar-") as folder:
        inside = Path(folder) / "member"
        inside.write_bytes(member[1].getbuffer())
        unpacked = replace(source, path=inside, name=f"{source.name}!{member[0]}")
        yield unpacked, claims(unpacked)


def claims(source: Source) -> list[Format]:
    """Return every format that claims the source; a healthy source has exactly one."""
    peek = Peek(source.path, source.name.rpartition("!")[2])
    return [declared for declared in formats().values() if declared.sniff(peek)]


def detect(path: str | PathLike[str], name: str | None = None) -> list[Format]:
    """Return every format that claims a file, reading no more than its start."""
    with open_source(path, name) as (_, claimants):
        return claimants


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
    if format_name not in formats():
        raise UsageError(f"there is no format {format_name!r}; 'cellar formats' lists them")
    with open_source(path, name, zone) as (source, _):
        return _read_claimed(source, [formats()[format_name]])


def _read_claimed(source: Source, claimants: list[Format]) -> Reading:
    if source.path.stat().st_size == 0:
        # Nothing to recognise and nothing to lose: an empty file is data that has not come yet.
        return Reading(warnings=("the file is empty",))
    if len(claimants) > 1:
        names = ", ".join(declared.name for declared in claimants)
        raise FormatUnknown(source.name, f"claimed by {names}", code="format_ambiguous")
    if not claimants:
        raise FormatUnknown(source.name, "no format claims this file")
    declared = claimants[0]
    reading = declared.read(source)
    return replace(reading, format=declared.name, kind=_kind_of(declared, reading))


def _kind_of(declared: Format, reading: Reading) -> Kind:
    if declared.kind == "companion":
        return "companion"
    if reading.measurements.height:
        return "cycling"
    return "eis" if reading.spectra.height else "empty"
