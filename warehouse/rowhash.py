"""A hash over rows themselves, which can be gone on with: the same data in other bytes has the same hash.

Rows are hashed in blocks of a fixed number, counted from the first row, and the blocks' hashes are chained: hashing
what was appended takes the chain so far, the rows of the last open block, and the new rows. Within a block columns
come in the order of their names, those without a value are left out, minus zero counts as zero, and words count by
themselves, not by their place in an enumeration. So neither the order of columns, nor a column that is empty, nor the
increments in which rows came, makes a difference.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from warehouse.arrays import codes

# Part of what the hash means: another number gives other hashes for the same rows.
BLOCK_ROWS = 16_384
WORD_BYTES = 8


@dataclass(frozen=True)
class RowHash:
    """The hash of some rows, and what is needed to go on with it.

    Args:
        rows: number of rows hashed.
        chain: hash over the whole blocks among them.
        digest: SHA-256 over all of them, in hexadecimal.
    """

    rows: int = 0
    chain: str = ""
    digest: str = hashlib.sha256(b"").hexdigest()

    @property
    def keep_from(self) -> int:
        """The first row of the last open block: rows from here on must be handed in again."""
        return self.rows - self.rows % BLOCK_ROWS

    def onward(self, frame: pl.DataFrame) -> RowHash:
        """Return the hash over all rows, given those from ``keep_from`` on, old and new."""
        chain, whole = self.chain, frame.height - frame.height % BLOCK_ROWS
        for first in range(0, whole, BLOCK_ROWS):
            chain = join_digests([chain, _hash_block(frame.slice(first, BLOCK_ROWS))])
        rows = self.keep_from + frame.height
        left = [_hash_block(frame.slice(whole))] if frame.height > whole else []
        return RowHash(rows, chain, join_digests([str(rows), chain, *left]))


def hash_rows(frame: pl.DataFrame) -> RowHash:
    """Return the hash over all rows of a frame."""
    return RowHash().onward(frame)


def join_digests(digests: Iterable[str]) -> str:
    """Return one SHA-256 for several, in their order."""
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()


def _hash_block(block: pl.DataFrame) -> str:
    digest = hashlib.sha256(str(block.height).encode())
    for column in sorted(block.get_columns(), key=lambda column: column.name):
        nulls = column.null_count()
        if nulls == column.len():
            continue
        # The mark keeps a mask apart from values, and the end of the name from both.
        digest.update(f"{column.name}{'?' if nulls else '='}".encode())
        for part in _canonical_bytes(column):
            digest.update(part)
    return digest.hexdigest()


def _canonical_bytes(column: pl.Series) -> Iterator[bytes | memoryview]:
    if column.null_count():
        yield column.is_null().to_numpy().tobytes()
        column = column.fill_null(strategy="zero") if column.dtype.is_numeric() else column
    if column.dtype.is_numeric():
        # Plus zero, so that minus zero, which equals zero, has its bytes too.
        yield np.ascontiguousarray(column.to_numpy() + 0).data.cast("B")
    elif isinstance(column.dtype, pl.Enum):
        # By a number made from each word: the physical codes would change with the list of step types.
        words = ["", *column.dtype.categories]
        numbers = [hashlib.sha256(word.encode()).digest()[:WORD_BYTES] for word in words]
        yield np.frombuffer(b"".join(numbers), dtype="<u8")[codes(column, -1) + 1].data.cast("B")
    else:
        values = column.cast(pl.String).fill_null("")
        kinds = values.unique(maintain_order=True)
        yield "\0".join(kinds.to_list()).encode()
        yield values.replace_strict(kinds, range(kinds.len()), return_dtype=pl.Int64).to_numpy().tobytes()
