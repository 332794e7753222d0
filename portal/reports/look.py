"""What the named queries say of a report's subject."""

from __future__ import annotations

from typing import Protocol

import polars as pl

from warehouse.errors import UsageError
from warehouse.recipe import Recipe
from warehouse.reports.subject import Subject


class Ask(Protocol):
    """Asks a named query, as :meth:`warehouse.home.Home.query` answers it."""

    def __call__(self, name: str, *, firm: str | None, cell: str | None = None) -> pl.DataFrame:
        """Return the answer."""
        ...


class NothingMeasuredError(UsageError):
    """The cell, lot or wafer is there, but nothing was measured of it yet."""


class Look:
    """What the queries say of one subject, each asked once.

    Args:
        ask: answers a named query.
        subject: whose rows are seen.
        recipe: that the firm's numbers are made with.
    """

    def __init__(self, ask: Ask, subject: Subject, recipe: Recipe) -> None:
        self._ask = ask
        self._answers: dict[str, pl.DataFrame] = {}
        self.subject = subject
        self.recipe = recipe

    def frame(self, name: str) -> pl.DataFrame:
        """Return a query's rows of the subject's cells."""
        if name not in self._answers:
            # A lot is asked for as the whole firm, which the night has answered already, and narrowed here.
            of_cell = self.subject.cell_ids[0] if self.subject.kind == "cell" else None
            answer = self._ask(name, firm=self.subject.firm, cell=of_cell)
            self._answers[name] = answer.filter(pl.col("cell_id").is_in(self.subject.cell_ids))
        return self._answers[name]

    def replicates(self) -> pl.DataFrame:
        """Return what the firm's groups of like cells are."""
        return self._ask("replicates", firm=self.subject.firm)
