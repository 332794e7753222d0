"""Damaged copies of a file: cut at every byte, or with bytes changed, and what a reader makes of each."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

from parsers.contract import Peek, Reading, Source
from warehouse.errors import QuarantineError
from warehouse.schema import MEASUREMENTS, SPECTRA

# One for every byte; the usual run takes a sample that begins elsewhere for each format.
CUT_STRIDE: Final = int(os.environ.get("CELLAR_DAMAGE_STRIDE", "37"))
MUTATIONS: Final = int(os.environ.get("CELLAR_DAMAGE_MUTATIONS", "100"))
INTERESTING: Final = b'\x00\x01\x7f\x80\xff,\n\r-+."0123456789'


def cut(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Return the content cut at every so many bytes, and at the last ones."""
    places = {
        *range(len(content) % CUT_STRIDE, len(content), CUT_STRIDE),
        *range(max(0, len(content) - 3), len(content)),
    }
    for place in sorted(places):
        yield f"cut at byte {place}", content[:place]


def mutate(content: bytes, seed: int = 7) -> Iterator[tuple[str, bytes]]:
    """Return copies with some bytes changed, removed, repeated or inserted."""
    chance = random.Random(seed)  # noqa: S311 damage need not be secret
    for number in range(MUTATIONS):
        damaged = bytearray(content)
        for _ in range(chance.randint(1, 4)):
            place, length = chance.randrange(len(damaged)), chance.randint(1, 8)
            match chance.randrange(5):
                case 0:
                    damaged[place] = chance.randrange(256)
                case 1:
                    damaged[place] = chance.choice(INTERESTING)
                case 2:
                    del damaged[place : place + length]
                case 3:
                    damaged[place:place] = damaged[place : place + length]
                case _:
                    damaged[place : place + length] = chance.randbytes(length)
        yield f"mutation {number}", bytes(damaged)


def survives(
    damaged: Iterable[tuple[str, bytes]], path: Path, sniff: Callable[[Peek], bool], read: Callable[[Source], Reading]
) -> int:
    """Read every damaged copy; return how many gave a reading.

    A reading holds to the schema and has no NaN, a refusal is one of ours and names the file, sniffing never fails.
    """
    readings = 0
    for what, content in damaged:
        path.write_bytes(content)
        sniff(Peek(path, path.name))
        reading = read_or_refuse(path, read)
        if isinstance(reading, QuarantineError):
            assert reading.path.startswith(path.name), what
            continue
        readings += 1
        for frame, table in ((reading.measurements, MEASUREMENTS), (reading.spectra, SPECTRA)):
            assert sum(frame.select(table.required).null_count().row(0)) == 0, what
            floats = [column for column in frame if column.dtype.is_float()]
            assert all(column.drop_nulls().is_finite().all() for column in floats), what
            for name in ("test_time_second", "step_count"):
                assert name not in frame.columns or not (frame[name].drop_nulls().diff() < 0).any(), what
    return readings


def read_or_refuse(path: Path, read: Callable[[Source], Reading]) -> Reading | QuarantineError:
    """Return the reading or the refusal; any other error is a defect and passes through."""
    try:
        return read(Source(path, path.name))
    except QuarantineError as refusal:
        return refusal
