"""What a computation is given: everything about one test, one cell or one firm, as frames of the schema.

A computation is a plain function from one of these and a recipe to frames; it opens no file and writes nothing. When
it runs, and where its rows are kept, is not its business (:mod:`warehouse.results`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from warehouse.schema import DIE_MAP, DIE_RESULT, REQUIREMENT_SET

Row = Mapping[str, Any]
T = TypeVar("T")


@dataclass(frozen=True)
class TestInputs:
    """One test.

    Args:
        test: its row of ``schema.TEST``.
        cell: its cell's row of ``schema.CELL``; None while it is unassigned.
        channel: what is known of its channel when it began, a row of ``schema.CHANNEL``; None where nothing is.
        steps: its rows of ``schema.STEPS``, in their order.
        cycles: its rows of ``schema.CYCLES``, in their order.
        read_rows: reads columns of ``schema.MEASUREMENTS``, all rows in their order.
        read_spectra: reads its rows of ``schema.SPECTRA``.
        results: rows of this test's results that were computed just before, by table; what is not in it is to be had by
            computing it.
    """

    test: Row
    cell: Row | None
    channel: Row | None
    steps: pl.DataFrame
    cycles: pl.DataFrame
    read_rows: Callable[[Sequence[str]], pl.DataFrame]
    read_spectra: Callable[[], pl.DataFrame]
    results: dict[str, pl.DataFrame] = field(default_factory=dict)

    # Its name is no reason for pytest to collect it.
    __test__ = False

    @cached_property
    def first_rows(self) -> NDArray[np.int64]:
        """Of each step the index of its first row in the measurements: steps divide all rows among them."""
        records = self.steps["records"].to_numpy()
        return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(records)[:-1]])


@dataclass(frozen=True)
class CellInputs:
    """One cell with all its tests.

    Args:
        firm: code of the firm; None for a test without an owner, which stands for a cell of its own.
        cell_id: the cell, or the test's name while it is unassigned.
        cell: its row of ``schema.CELL``; None where no manifest describes it.
        tests: rows of ``schema.TEST``, by their first clock.
        steps: rows of ``schema.STEPS`` of all its tests.
        fade: its answer to the question ``fade``: every cycle of its life in order.
        results: rows of other results of this cell, by table: those of its tests, and of computations before this one.
    """

    firm: str | None
    cell_id: str
    cell: Row | None
    tests: Sequence[Row]
    steps: pl.DataFrame
    fade: pl.DataFrame
    results: Mapping[str, pl.DataFrame] = field(default_factory=dict)


@dataclass(frozen=True)
class FirmInputs:
    """One firm with all its cells.

    Args:
        firm: code of the firm.
        cells: rows of ``schema.CELL``.
        wafers: rows of ``schema.WAFER``.
        splits: rows of ``schema.PROCESS_SPLIT``.
        specs: rows of ``schema.SPEC_LIMIT``.
        summary: its answer to the question ``summary``: one row a cell.
        fade: its answer to the question ``fade``.
        results: rows of the results of its tests and cells, by table.
        requirement_sets: rows of ``schema.REQUIREMENT_SET``: all versions of the firm's own sets.
        maps: rows of ``schema.DIE_MAP``.
        dies: rows of ``schema.DIE_RESULT``.
        shared: what one computation made of all this and others of the same firm need too; see :meth:`share`.
    """

    firm: str
    cells: pl.DataFrame
    wafers: pl.DataFrame
    splits: pl.DataFrame
    specs: pl.DataFrame
    summary: pl.DataFrame
    fade: pl.DataFrame
    results: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    requirement_sets: pl.DataFrame = field(default_factory=REQUIREMENT_SET.empty)
    maps: pl.DataFrame = field(default_factory=DIE_MAP.empty)
    dies: pl.DataFrame = field(default_factory=DIE_RESULT.empty)
    shared: dict[str, tuple[Sequence[object], Any]] = field(default_factory=dict)

    def share(self, name: str, made_of: Sequence[object], make: Callable[[], T]) -> T:
        """Return what several computations of this firm need, made by the first of them that asks.

        Args:
            name: of what is made.
            made_of: of what; inputs that were copied with another of these make it anew.
            make: makes it.
        """
        known = self.shared.get(name)
        if known is None or any(one is not other for one, other in zip(known[0], made_of, strict=True)):
            known = self.shared[name] = made_of, make()
        made: T = known[1]
        return made
