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
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO, Final
from zoneinfo import ZoneInfo

from parsers._described_table import make_format
from parsers._description import Description, make_description
from parsers._ends import refuse_cut
from parsers._folder import folder_view
from parsers._maps import WaferMap, read_wafer_maps
from parsers._pack import add_files, pack_files, read_chunks
from parsers._propose import propose_description
from parsers._tail import ReadPart, Tail, join_tail, read_tail_of
from parsers._workbook import refuse_sparse
from parsers._zips import unpack_only_file
from parsers.contract import SITE_ZONE, Format, Kind, Known, Peek, Reading, Source
from warehouse.errors import FormatUnknown, ParseError, UsageError

__all__ = [
    "Description",
    "Format",
    "Known",
    "Peek",
    "Reading",
    "Source",
    "Tail",
    "WaferMap",
    "detect",
    "fingerprint_readers",
    "formats",
    "gather_folders",
    "join_tail",
    "make_description",
    "open_source",
    "pack_files",
    "pack_lost",
    "propose_description",
    "read",
    "read_as",
    "read_tail",
    "read_wafer_maps",
]

FINGERPRINT_DIGITS: Final = 16
# Of formats that belong to no program: they give way to whoever knows the file better.
ANY_VENDOR: Final = "any"
NO_DATA: Final = "the file has its header and no data yet"
NO_PROFILE: Final[Mapping[str, str]] = MappingProxyType({})


def formats(tables: Sequence[Description] = ()) -> dict[str, Format]:
    """Return every format by name: the built-in ones in alphabetical order, then the tables that a site describes."""
    if not tables:
        return _built_in()
    return _built_in() | {each.format_name: make_format(each) for each in tables}


@cache
def _built_in() -> dict[str, Format]:
    found = {}
    for module in pkgutil.iter_modules(__path__):
        if not module.name.startswith("_") and module.name != "contract":
            declared: Format = importlib.import_module(f"{__name__}.{module.name}").FORMAT
            found[declared.name] = declared
    return dict(sorted(found.items()))


def fingerprint_readers(tables: Sequence[Description] = ()) -> str:
    """Return a hash over the names and versions of all readers: others may judge a file differently."""
    versions = "\n".join(f"{declared.name}:{declared.version}" for declared in formats(tables).values())
    return hashlib.sha256(versions.encode()).hexdigest()[:FINGERPRINT_DIGITS]


def gather_folders(names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return the folders among these paths that are one source each, with their files in the order to pack them.

    Args:
        names: paths with forward slashes, of one tree.
    """
    found: dict[str, tuple[str, ...]] = {}
    for declared in formats().values():
        if declared.gather is not None:
            found |= {root: tuple(files) for root, files in declared.gather(names).items() if root not in found}
    return found


def pack_lost(before: Path, now: Path, format_name: str) -> bool:
    """Add to a packed folder what its tester has overwritten since the version before. Returns whether there is any.

    Args:
        before: the packed version before.
        now: the packed folder, to be changed.
        format_name: the format that read the version before.

    Raises:
        ParseError: one of them is damaged.
    """
    declared = formats().get(format_name)
    if declared is None or declared.find_lost is None:
        return False
    with folder_view(Source(before, before.name)) as old, folder_view(Source(now, now.name)) as new:
        lost = declared.find_lost(old, new)
        if lost:
            add_files(now, {name: old[there] for name, there in lost.items()})
    return bool(lost)


@contextmanager
def open_source(
    path: str | PathLike[str],
    name: str | None = None,
    zone: ZoneInfo = SITE_ZONE,
    profile: Mapping[str, str] = NO_PROFILE,
    *,
    tables: Sequence[Description] = (),
) -> Iterator[tuple[Source, list[Format]]]:
    """Open a file, or a folder that is one source; a zip that no format claims stands for the only file it holds.

    Yields the source with the formats that claim it: a workbook's sheets are looked at once, not once more to read.

    Args:
        path: where the bytes are.
        name: the name to show and to take as a label; the path's own by default.
        zone: the site's zone, for wall clocks without one.
        profile: what the site says of the cycler, see :class:`Source`.
        tables: that the site describes, from :func:`make_description`.

    Raises:
        ParseError: it is a zip whose only file cannot be unpacked, or not within limits, or a folder of several tests.
        FormatUnknown: it is a folder that is no source.
    """
    source = Source(Path(path), name or Path(path).absolute().name, zone, profile=profile)
    if source.path.is_dir():
        with tempfile.TemporaryDirectory(prefix="cellar-") as folder:
            packed = replace(source, path=Path(folder) / "folder")
            _pack_folder(source, packed.path)
            yield packed, claims(packed, tables)
        return
    claimants = claims(source, tables)
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
        yield unpacked, claims(unpacked, tables)


def claims(source: Source, tables: Sequence[Description] = ()) -> list[Format]:
    """Return every format that claims the source; a healthy source has exactly one."""
    peek = Peek(source.path, source.name.rpartition("!")[2])
    found = [declared for declared in formats(tables).values() if peek.is_of(declared)]
    # What a site says of its own exports comes before what headings alone suggest.
    described = any(declared.described for declared in found)
    return [declared for declared in found if not (described and declared.vendor == ANY_VENDOR)]


def detect(path: str | PathLike[str], name: str | None = None, *, tables: Sequence[Description] = ()) -> list[Format]:
    """Return every format that claims a file or folder, reading no more than its start."""
    if Path(path).is_dir():
        names = _names_below(Path(path))
        return [declared for declared in formats().values() if declared.gather is not None and declared.gather(names)]
    try:
        with open_source(path, name, tables=tables) as (_, claimants):
            return claimants
    except ParseError:
        # A zip whose only file cannot be unpacked; reading it says why.
        return []


def read(
    path: str | PathLike[str],
    name: str | None = None,
    zone: ZoneInfo = SITE_ZONE,
    profile: Mapping[str, str] = NO_PROFILE,
    *,
    tables: Sequence[Description] = (),
) -> Reading:
    """Read one cycler file, or a folder that is one test.

    Args:
        path: the file or folder.
        name: its name as the user knows it, if the path is another.
        zone: the site's zone, for wall clocks without one.
        profile: what the site says of the cycler: ``cycler`` (its name), ``current_unit``.
        tables: that the site describes, from :func:`make_description`.

    Returns:
        The reading, with the format that claimed the file and the kind of its content.

    Raises:
        FormatUnknown: no format, or more than one, claims the file.
        ParseError: the file breaks its format's rules.
    """
    with open_source(path, name, zone, profile, tables=tables) as (source, claimants):
        return _read_claimed(source, claimants)


def read_as(
    path: str | PathLike[str],
    format_name: str,
    name: str | None = None,
    zone: ZoneInfo = SITE_ZONE,
    profile: Mapping[str, str] = NO_PROFILE,
    *,
    tables: Sequence[Description] = (),
) -> Reading:
    """Read one file with the named format, whatever detection would say.

    Raises:
        UsageError: there is no such format.
        ParseError: the file breaks that format's rules.
    """
    declared = _named(format_name, tables)
    with open_source(path, name, zone, profile, tables=tables) as (source, _):
        return _read_claimed(source, [declared])


def read_tail(
    file: BinaryIO,
    format_name: str,
    known: Known,
    name: str = "",
    zone: ZoneInfo = SITE_ZONE,
    *,
    tables: Sequence[Description] = (),
    read_part: ReadPart | None = None,
) -> Tail | None:
    """Read what a file has more than an earlier version of it, at the cost of what is more.

    Args:
        file: the whole file as it is now; read at its head and from shortly before the known end on.
        format_name: the format that read the earlier version.
        known: how long that was and how many rows of measurements it gave.
        name: the file's name as the user knows it.
        zone: the site's zone.
        tables: that the site describes, from :func:`make_description`.
        read_part: reads an excerpt with a format, if not here and now.

    Returns:
        The last known rows and all new ones for :func:`join_tail`; None where only the whole file tells.

    Raises:
        UsageError: there is no such format.
    """
    return read_tail_of(_named(format_name, tables), file, known, name, zone, read_part=read_part)


def _names_below(folder: Path) -> list[str]:
    return [path.as_posix() for path in folder.absolute().rglob("*") if path.is_file()]


def _pack_folder(source: Source, target: Path) -> None:
    found = gather_folders(_names_below(source.path))
    if not found:
        raise FormatUnknown(source.name, "no format claims this folder")
    if len(found) > 1:
        detail = f"{len(found)} folders that are a test each ({', '.join(sorted(found))}): read one of them"
        raise ParseError(source.name, detail, code="several_tests")
    ((root, members),) = found.items()
    try:
        pack_files(target, root, members, lambda name: read_chunks(Path(name)))
    except OSError as error:
        raise ParseError(source.name, f"cannot be read: {error}", code="cannot_open") from error


def _named(format_name: str, tables: Sequence[Description]) -> Format:
    found = formats(tables)
    if format_name not in found:
        raise UsageError(f"there is no format {format_name!r}; 'cellar formats' lists them")
    return found[format_name]


def _read_claimed(source: Source, claimants: list[Format]) -> Reading:
    if source.path.stat().st_size == 0:
        # Nothing to recognise and nothing to lose: an empty file is data that has not come yet.
        return Reading(warnings=("the file is empty",))
    if len(claimants) > 1:
        names = ", ".join(declared.name for declared in claimants)
        raise FormatUnknown(source.name, f"claimed by {names}", code="format_ambiguous")
    if not claimants:
        refuse_cut(source)
        refuse_sparse(source.path, source.name)
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
