"""A computation: which result tables it makes, of what, and from which other results."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import polars as pl

from warehouse.schema import Table

Scope = Literal["test", "cell", "firm"]


@dataclass(frozen=True)
class Computation:
    """One computation.

    Args:
        name: unique.
        scope: whether it is made for each test, each cell or each firm.
        tables: the result tables that it returns frames of, in this order.
        compute: takes the inputs of its scope and its section of the recipe.
        reads: other result tables that it takes from ``inputs.results``.
        version: to be raised when the same input would give other rows.
        section: of the recipe, that it takes; the one of its own name by default.
        columns: of tables with a row for every cycle, those that it takes; of the others it is given all.
    """

    name: str
    scope: Scope
    tables: tuple[Table, ...]
    compute: Callable[[Any, Any], tuple[pl.DataFrame, ...]]
    reads: tuple[str, ...] = ()
    version: int = 1
    section: str = ""
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def takes(self) -> str:
        """The section of the recipe that it takes."""
        return self.section or self.name
