"""A tester's file that grows: its versions, and what reading them one after the other gives beside each read whole."""

from __future__ import annotations

import io
import random
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from corpus_files import cases

import parsers
from parsers import Known, Reading
from parsers._nda import find_span
from warehouse.errors import QuarantineError
from warehouse.schema import MEASUREMENTS

Versions = Callable[[bytes, list[int]], Iterator[bytes]]

FEWEST_ROWS: Final = 200
RECORDS: Final = b"VMP data"
LONG_MARK: Final = b"\xff\xff\xff\xff"
# Byte of the first record in a data module, by its version.
FIRST_RECORD: Final = {0: 1007, 2: 405, 3: 406}


@dataclass
class Growth:
    """How often the end of a version was enough, and how often the whole version was read."""

    resumed: int = 0
    whole: int = 0

    @property
    def share(self) -> float:
        """The part of the versions that went on where the one before ended."""
        return self.resumed / max(self.resumed + self.whole, 1)


def grow(name: str, versions: Iterator[bytes], folder: Path) -> Growth:
    """Take in the versions of a file one after the other; each must give what reading it whole gives.

    Args:
        name: format of the file.
        versions: its bytes, time after time.
        folder: where to put them.

    Raises:
        AssertionError: the rows differ from those of the whole version.
    """
    growth = Growth()
    path = folder / "growing"
    before: bytes = b""
    rows: pl.DataFrame | None = None
    for version in versions:
        path.write_bytes(version)
        whole = read_or_none(path, name)
        joined = go_on(name, before, version, rows) if rows is not None else None
        if joined is not None:
            assert whole is not None, f"{len(version)} bytes are refused, and yet the file went on"
            assert_same(joined, whole.measurements, f"{len(before)} to {len(version)} bytes")
        if rows is not None:
            growth.resumed, growth.whole = growth.resumed + (joined is not None), growth.whole + (joined is None)
        before = version
        rows = whole.measurements if whole is not None and whole.measurements.height else None
    return growth


def go_on(name: str, before: bytes, version: bytes, rows: pl.DataFrame) -> pl.DataFrame | None:
    """Return the rows of a version from those of the one before and its own end; None where that is not enough."""
    tail = parsers.read_tail(io.BytesIO(version), name, Known(len(before), rows.height))
    if tail is None or before[slice(*tail.same)] != version[slice(*tail.same)]:
        return None
    new = parsers.join_tail(rows.tail(tail.overlap), tail)
    return None if new is None else pl.concat([rows, new], how="diagonal")


def read_or_none(path: Path, name: str) -> Reading | None:
    """Read a version whole; None where it is refused."""
    try:
        return parsers.read_as(path, name, path.name)
    except QuarantineError:
        return None


def assert_same(joined: pl.DataFrame, whole: pl.DataFrame, which: str) -> None:
    """Compare two tables: columns in their order, types, nulls, and every value to the last bit."""
    names = [name for name in MEASUREMENTS.names if name in joined.columns]
    filled = [name for name in names if name in MEASUREMENTS.required or joined[name].null_count() < joined.height]
    assert filled == whole.columns, which
    for name in filled:
        left, right = joined[name], whole[name]
        assert left.dtype == right.dtype, f"{which}: {name}"
        assert left.equals(right), f"{which}: {name}"
        if left.dtype.is_float():
            bits, expected = (series.fill_null(0.0).to_numpy().view(np.int64) for series in (left, right))
            assert np.array_equal(bits, expected), f"{which}: {name}"


def random_places(size: int, count: int, seed: int) -> list[int]:
    """Return where a file of this size ends, time after time; the last place is its own end."""
    generator = random.Random(seed)  # noqa: S311 places to cut need no secrecy
    return sorted({*(generator.randrange(1, size) for _ in range(count - 1)), size})


def cut_versions(content: bytes, places: list[int]) -> Iterator[bytes]:
    """Return the file up to each place, as a tester leaves a text."""
    return (content[:place] for place in places)


def mpr_versions(content: bytes, places: list[int]) -> Iterator[bytes]:
    """Return a .mpr up to each place as EC-Lab leaves it: whole records, their number and length written into it."""
    header, begin, width, rows = _mpr_records(content)
    for place in places:
        here = max(0, min(rows, (place - begin) // width))
        end = content[begin + rows * width :] if place == len(content) else b""
        yield _announce(content, header, begin, here, width) + content[begin : begin + here * width] + end


def nda_versions(content: bytes, places: list[int]) -> Iterator[bytes]:
    """Return an .nda up to each place, the length of its records written into it where it states one."""
    wide = content[14] in {129, 130}
    place_of, form = (82, "<QQ") if wide else (64, "<II")
    begin, length = struct.unpack_from(form, content, place_of)
    stop = begin + length if length else len(content)
    # BTS 9 is read by the length alone, which is one of whole records.
    width = find_span(io.BytesIO(content)).width if wide else 1
    for place in places:
        here = max(begin, min(stop, place))
        here -= (here - begin) % width
        version = bytearray(content[:here])
        if length:
            struct.pack_into(form, version, place_of, begin, here - begin)
        yield bytes(version) + (content[stop:] if place == len(content) else b"")


def _mpr_records(content: bytes) -> tuple[int, int, int, int]:
    """Return where the data module's header and its first record begin, bytes of a record and their number."""
    header = content.index(RECORDS) - len(b"MODULE")
    long = content[header + 41 : header + 45] == LONG_MARK
    place = header + (45 if long else 41)
    length, version = struct.unpack_from("<II", content, place)
    offset = place + (20 if long else 16)
    begin = offset + FIRST_RECORD[version]
    (rows,) = struct.unpack_from("<I", content, offset)
    return header, begin, (offset + length - begin) // rows, rows


def _announce(content: bytes, header: int, begin: int, rows: int, width: int) -> bytes:
    long = content[header + 41 : header + 45] == LONG_MARK
    place = header + (45 if long else 41)
    offset = place + (20 if long else 16)
    head = bytearray(content[:begin])
    struct.pack_into("<I", head, place, begin - offset + rows * width)
    struct.pack_into("<I", head, offset, rows)
    return bytes(head)


VERSIONS: Final[dict[str, Versions]] = {"biologic_mpr": mpr_versions, "neware_nda": nda_versions}


def provable(corpus: Path) -> list[tuple[str, Path]]:
    """Return format and path of every real file that is long enough to go on where it ended."""
    resumable = {name for name, declared in parsers.formats().items() if declared.excerpt}
    chosen = [case for case in cases() if case.format in resumable and case.rows >= FEWEST_ROWS and not case.spectra]
    # A zipped file does not grow.
    return [(case.format, corpus / case.file) for case in chosen if not case.file.endswith(".zip")]


def prove(files: list[tuple[str, Path]], increments: int, seed: int, folder: Path) -> dict[str, Growth]:
    """Let each file grow by random increments; returns the growth by format.

    Args:
        files: format and path of each.
        increments: how many versions of each file there are.
        seed: for the places.
        folder: where to put the versions.
    """
    found: dict[str, Growth] = {}
    for number, (name, path) in enumerate(files):
        content = path.read_bytes()
        places = random_places(len(content), increments, seed + number)
        growth = grow(name, VERSIONS.get(name, cut_versions)(content, places), folder)
        total = found.setdefault(name, Growth())
        total.resumed, total.whole = total.resumed + growth.resumed, total.whole + growth.whole
    return found
