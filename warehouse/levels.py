"""How large the currents of a test are, block by block, and up to which current a record is therefore at rest.

A block is an instrument's step or, without any, a run of one sign. Each is counted by its root mean square and its mean
current, both as quarters of an octave, and by how long it is: a table of whole numbers, which is the same whatever the
increments in which the blocks came. Only the last two blocks may still change, by growing and by what follows them, so
they are kept as sums. A sum goes from one multiple of a fixed number of rows to the next, and these parts are added
in their order: the same additions, whether the rows come at once or one by one.

The limit is made of these counts alone. It moves in steps of at least a quarter of an octave, so it stands still while
a test goes on as it did.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from warehouse.derivation import DerivationRecipe

Integers = NDArray[np.int64]
Doubles = NDArray[np.float64]
Mask = NDArray[np.bool_]

# A run of one record between two steps is the first or last record of one of them.
SHORTEST_RUN: Final = 2
# Noise seldom keeps its sign for more than a few records, and not once in a life for this many.
LONGEST_FLICKER: Final = 8
LONGEST_CHANCE: Final = 40
# The lengths of blocks that are told apart: 1, few, by chance, more.
LENGTHS: Final = np.array([SHORTEST_RUN, LONGEST_FLICKER + 1, LONGEST_CHANCE + 1])
# What swings by more than this part of the largest current is a pulse, not noise.
NOISE_OF_LARGEST: Final = 0.05

# A current's bin is its quarter of an octave above the smallest double; bin 0 is no current at all.
PARTS: Final = 4
EDGES: Final = 2.0 ** (np.arange(1 - PARTS, 0) / PARTS)
MIDDLES: Final = 2.0 ** ((np.arange(PARTS) + 0.5) / PARTS - 1)
LOWEST: Final = 1100
BITS: Final = 14
# The last two blocks may change; the one before them is the neighbour of the first of these.
OPEN_BLOCKS: Final = 2


@dataclass(frozen=True)
class Levels:
    """What the currents of all blocks so far amount to.

    Args:
        keys: of the blocks that are finished: root mean square, mean, neighbourhood and length, packed into a number.
        records: how many records the blocks of each key have.
        recent: records, sum and sum of squares of the last blocks; all but the last two are counted already.
    """

    keys: tuple[int, ...] = ()
    records: tuple[int, ...] = ()
    recent: tuple[tuple[int, float, float], ...] = ()

    def onward(self, current: Doubles, begins: Mask, first: int, part: int) -> Levels:
        """Return the levels with further records.

        Args:
            current: of the further records, in A.
            begins: where a block begins among them.
            first: number of the first of them, a multiple of ``part``.
            part: number of records that are summed at once.
        """
        if not len(current):
            return self
        length, total, squares = self._extend(current, begins, first, part)
        counted, settled = max(len(self.recent) - OPEN_BLOCKS, 0), max(len(length) - OPEN_BLOCKS, 0)
        fresh = _keys(length, total, squares)[counted:settled]
        keys, records = _count(
            np.concatenate([np.array(self.keys, dtype=np.int64), fresh]),
            np.concatenate([np.array(self.records, dtype=np.int64), length[counted:settled]]),
        )
        last = slice(max(settled - 1, 0), None)
        recent = zip(length[last].tolist(), total[last].tolist(), squares[last].tolist(), strict=True)
        return Levels(tuple(keys.tolist()), tuple(records.tolist()), tuple(recent))

    def rest_limit(self, recipe: DerivationRecipe) -> float:
        """Return the current in A up to which a record is at rest; 0 where rest cannot be told from anything else."""
        length, total, squares = self._recent()
        counted = max(len(length) - OPEN_BLOCKS, 0)
        return _judge(
            *_count(
                np.concatenate([np.array(self.keys, dtype=np.int64), _keys(length, total, squares)[counted:]]),
                np.concatenate([np.array(self.records, dtype=np.int64), length[counted:]]),
            ),
            recipe,
        )

    def _recent(self) -> tuple[Integers, Doubles, Doubles]:
        length = np.array([block[0] for block in self.recent], dtype=np.int64)
        sums = np.array([block[1:] for block in self.recent], dtype=np.float64).reshape(-1, 2)
        return length, sums[:, 0].copy(), sums[:, 1].copy()

    def _extend(self, current: Doubles, begins: Mask, first: int, part: int) -> tuple[Integers, Doubles, Doubles]:
        """Return records, sums and sums of squares of the recent blocks and of those that follow."""
        cuts = begins.copy()
        cuts[-first % part :: part] = True
        pieces = np.flatnonzero(cuts)
        block = len(self.recent) - 1 + np.searchsorted(np.flatnonzero(begins), pieces, side="right")
        more = int(block[-1]) + 1 - len(self.recent)
        known, sums, powers = self._recent()
        length = np.append(known, np.zeros(more, dtype=np.int64))
        total, squares = np.append(sums, np.zeros(more)), np.append(powers, np.zeros(more))
        # One after the other, so that a block's sum does not depend on where it was interrupted.
        np.add.at(length, block, np.diff(pieces, append=len(current)))
        np.add.at(total, block, np.add.reduceat(current, pieces))
        np.add.at(squares, block, np.add.reduceat(current**2, pieces))
        return length, total, squares


def _judge(keys: Integers, records: Integers, recipe: DerivationRecipe) -> float:
    spread_bin, mean_bin, around, size = _unpack(keys)
    spread, mean = _middles(spread_bin), _middles(mean_bin)
    if not len(keys):
        return 0.0
    weakest = NOISE_OF_LARGEST * spread.max()
    # Noise averages out over a block, a set current does not; a block that swings both ways is no noise.
    level = np.where(spread < weakest, mean, spread)
    flickers = (around > 0) & (_middles(around) < weakest)
    quiet = (level < recipe.rest_of_largest * level.max()) | flickers
    if not quiet.any() or quiet.all():
        return 0.0
    noise = _round_up(float(np.sqrt(np.average(spread[quiet] ** 2, weights=records[quiet]))))
    quiet |= (level < recipe.noise_sigmas * noise) & (size < len(LENGTHS))
    # A lone record may lie on the way up to its current.
    smallest = float(level[~quiet & (size > 0)].min(initial=level.max()))
    # Noise that reaches the smallest set current cannot be told from it, and the set current goes first.
    return min(max(recipe.noise_sigmas * noise, recipe.rest_of_smallest * smallest), 0.5 * smallest)


def _keys(length: Integers, total: Doubles, squares: Doubles) -> Integers:
    spread, mean = _bins(np.sqrt(squares / length)), _bins(np.abs(total) / length)
    brief = (length <= LONGEST_FLICKER) & (mean > 0)
    before, after = np.append(0, spread[:-1]), np.append(spread[1:], 0)
    among = brief & np.append(False, brief[:-1]) & np.append(brief[1:], False)
    # Of three brief blocks in a row, the strongest decides whether they are noise.
    around = np.where(among, np.maximum(spread, np.maximum(before, after)), 0)
    size = np.searchsorted(LENGTHS, length, side="right")
    packed: Integers = (((spread << BITS) | mean) << BITS | around) << 2 | size
    return packed


def _unpack(keys: Integers) -> tuple[Integers, Integers, Integers, Integers]:
    mask = (1 << BITS) - 1
    return keys >> (2 * BITS + 2), keys >> (BITS + 2) & mask, keys >> 2 & mask, keys & 3


def _count(keys: Integers, records: Integers) -> tuple[Integers, Integers]:
    """Sum the records of equal keys; the keys come out in order, so that sums over them are always the same."""
    unique, place = np.unique(keys, return_inverse=True)
    total = np.zeros(len(unique), dtype=np.int64)
    np.add.at(total, place, records)
    return unique, total


def _bins(size: Doubles) -> Integers:
    mantissa, exponent = np.frexp(size)
    place = (exponent.astype(np.int64) + LOWEST) * PARTS + np.searchsorted(EDGES, mantissa, side="right")
    return np.where(size > 0, place, 0)


def _middles(place: Integers) -> Doubles:
    return np.where(place > 0, np.ldexp(MIDDLES[place % PARTS], (place // PARTS - LOWEST).astype(np.int32)), 0.0)


def _round_up(noise: float) -> float:
    """Round a noise up to half an octave: it is a mean over all that ever rested, which never quite stands still."""
    mantissa, exponent = np.frexp(noise)
    half = 2.0**-0.5
    return float(np.ldexp(half if 0 < mantissa <= half else np.ceil(mantissa), exponent))
