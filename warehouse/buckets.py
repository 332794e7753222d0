"""Buckets: a firm's cells in groups of a few, so that a change costs its group and not its firm.

A cell's bucket is the beginning of a hash over its name, with as many bits as the number of the firm's cells asks for.
A cell stays in its bucket until the firm has twice as many. Of two buckets with names of different lengths, the longer
one's cells were in the shorter one if its name begins with the shorter one's.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

# More cells make a changed cell cost more; fewer make a night write more files, each of which is synced to the disk.
MOST_CELLS: Final = 16
HASH_BYTES: Final = 8


@dataclass(frozen=True)
class Bucket:
    """Some cells of a firm.

    Args:
        name: the first bits of their hashes, as zeros and ones; empty where one bucket holds them all.
        cells: their names in order; a test without a cell stands for a cell of its own name.
    """

    name: str
    cells: tuple[str, ...]


def divide_cells(cells: Collection[str]) -> tuple[Bucket, ...]:
    """Divide a firm's cells into buckets, in the order of their names."""
    bits = max(0, math.ceil(math.log2(len(cells) / MOST_CELLS))) if cells else 0
    found: dict[str, list[str]] = {}
    for cell in sorted(cells):
        found.setdefault(hash_cell(cell)[:bits], []).append(cell)
    return tuple(Bucket(name, tuple(found[name])) for name in sorted(found))


def hash_cell(cell: str) -> str:
    """Return the bits that a cell's bucket is named by."""
    number = int.from_bytes(hashlib.sha256(cell.encode()).digest()[:HASH_BYTES])
    return f"{number:0{8 * HASH_BYTES}b}"


def overlap(one: str, other: str) -> bool:
    """Say whether two buckets may have a cell in common."""
    return one.startswith(other) or other.startswith(one)
