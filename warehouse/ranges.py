"""Ranges of bytes: sorted, disjoint pairs of begin and end, and what can be asked of them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from typing import Final

Range = tuple[int, int]

# Compared first in large blocks, which is fast, then in small ones, which wastes little.
BLOCK: Final = 1 << 16
PAGE: Final = 1 << 12
# A range costs 16 bytes to tell; equal bytes between two differences are worth that only if there are more of them.
WORTH_TELLING: Final = 64


def join_ranges(ranges: Iterable[Range], gap: int = 0) -> list[Range]:
    """Return sorted ranges with those joined that touch, or are no further apart than ``gap``."""
    joined: list[Range] = []
    for begin, end in ranges:
        if joined and begin <= joined[-1][1] + gap:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        elif begin < end:
            joined.append((begin, end))
    return joined


def intersect(one: Sequence[Range], other: Sequence[Range]) -> list[Range]:
    """Return what lies in both."""
    found: list[Range] = []
    i = j = 0
    while i < len(one) and j < len(other):
        begin, end = max(one[i][0], other[j][0]), min(one[i][1], other[j][1])
        if begin < end:
            found.append((begin, end))
        if one[i][1] < other[j][1]:
            i += 1
        else:
            j += 1
    return found


def complement(ranges: Sequence[Range], begin: int, end: int) -> list[Range]:
    """Return what lies between ``begin`` and ``end`` and in none of the ranges."""
    found: list[Range] = []
    for first, last in ranges:
        if begin < min(first, end):
            found.append((begin, min(first, end)))
        begin = max(begin, last)
    return [*found, (begin, end)] if begin < end else found


def within(ranges: Sequence[Range], begin: int, end: int) -> Sequence[Range]:
    """Return the ranges, whole, that reach into ``begin`` to ``end``."""
    first = bisect_right(ranges, begin, key=lambda each: each[1])
    return ranges[first : bisect_left(ranges, end, key=lambda each: each[0])]


def count_bytes(ranges: Iterable[Range]) -> int:
    """Return how many bytes lie in the ranges."""
    return sum(end - begin for begin, end in ranges)


def find_equal(new: bytes, old: bytes) -> list[Range]:
    """Return where two runs of bytes agree at the same offsets, as far as both go."""
    size = min(len(new), len(old))
    if new[:size] == old[:size]:
        return [(0, size)] if size else []
    blocks = (range_ for range_ in _cut(0, size, BLOCK) if not _agree(new, old, *range_))
    pages = (range_ for block in blocks for range_ in _cut(*block, PAGE) if not _agree(new, old, *range_))
    different = join_ranges((_trim(new, old, *page) for page in pages), WORTH_TELLING)
    # What is left at the edges of a run that differs throughout agrees by chance.
    return [(begin, end) for begin, end in complement(different, 0, size) if end - begin >= WORTH_TELLING]


def _cut(begin: int, end: int, step: int) -> Iterable[Range]:
    return ((first, min(first + step, end)) for first in range(begin, end, step))


def _agree(new: bytes, old: bytes, begin: int, end: int) -> bool:
    return new[begin:end] == old[begin:end]


def _trim(new: bytes, old: bytes, begin: int, end: int) -> Range:
    """Narrow a range that differs somewhere down to its first and last byte that differ."""
    # Once a beginning differs, every longer one does: the first place is found by halving.
    first = bisect_left(range(begin, end), True, key=lambda place: not _agree(new, old, begin, place + 1))
    equal_end = bisect_left(range(end, begin, -1), True, key=lambda place: not _agree(new, old, place - 1, end))
    return begin + first, end - equal_end
