"""Bit rot: one flipped bit anywhere in what is stored is found, and what can be rebuilt is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from bitrot import find_missed, make_home, stored_files

from flows.ingest import repair_home
from warehouse.home import Home
from warehouse.verify import check_home

FLIPS = 300
ASKED = ("tests", "steps", "cycles", "fade", "measurements")


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Home]:
    """A home with every kind of stored file."""
    with closing(make_home(tmp_path)) as home:
        yield home


def test_every_kind_of_file_is_there(kept: Home) -> None:
    """The home that rots has whole sources, pieces, parts, steps, marts and answers."""
    names = " ".join(path.as_posix() for path in stored_files(kept))
    assert all(kind in names for kind in (".pieces", "/measurements/", "/steps/", "mart-", "fade-", "summary-"))


def test_every_flipped_bit_is_found(kept: Home) -> None:
    """Each of some hundred flipped bits is found; ``dev.py prove`` flips ten thousand."""
    assert find_missed(kept, FLIPS, seed=7) == []


@pytest.mark.parametrize("place", ["measurements", "steps", "cycles", "fade"])
def test_rotten_table_is_rebuilt(kept: Home, place: str) -> None:
    """A rotten table is rebuilt from the archive, or from its parts, and every answer is as before."""
    before = {name: kept.query(name).drop("revision", strict=False) for name in ASKED}
    path = next(path for path in stored_files(kept) if f"/{place}/" in path.as_posix())
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 4
    path.write_bytes(raw)
    repair_home(kept, list(check_home(kept)))
    assert not [finding for finding in check_home(kept) if finding.serious]
    assert all(kept.query(name).drop("revision", strict=False).equals(frame) for name, frame in before.items())


def test_rotten_source_is_healed_from_the_inbox(kept: Home, tmp_path: Path) -> None:
    """A source that rotted in the archive is mended by a file that still has its bytes."""
    short = next(
        path for path in stored_files(kept) if path.read_bytes() == (tmp_path / "in" / "short.csv").read_bytes()
    )
    raw = bytearray(short.read_bytes())
    raw[7] ^= 1
    short.write_bytes(raw)
    kept.archive.capture(tmp_path / "in" / "short.csv", "short.csv")
    assert not [finding for finding in check_home(kept) if finding.serious]
