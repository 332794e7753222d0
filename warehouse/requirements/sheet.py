"""The score sheet as a table, made column by column: what many rows say alike is written once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from warehouse.arrays import Integers
from warehouse.requirements.profiles import Profile, Requirement
from warehouse.requirements.quantities import QUANTITIES
from warehouse.requirements.scores import Group, Row
from warehouse.schema import APPLICATION

# What a requirement says of a cell or group, and how it is held until all of it is written.
TOLD: Final[dict[str, type]] = {
    "verdict": object,
    "reason": object,
    "value": np.float64,
    "value_low": np.float64,
    "value_high": np.float64,
    "interval_source": object,
    "n": np.int64,
    "n_censored": np.int64,
    "n_missing": np.int64,
    "wafers": object,
    "cells_passing": np.int64,
    "yield_low": np.float64,
    "yield_high": np.float64,
}
# Who a row is about.
WHO: Final = ("scope", "subject", "cell_id", "replicate_group")
# What all rows of a requirement say alike.
ALIKE: Final = tuple(name for name in APPLICATION.names if name not in {"firm", *WHO, *TOLD, "recipe"})


class Sheet:
    """Rows of ``schema.APPLICATION``: of each requirement each group's cells, and behind them the group.

    Args:
        groups: of like cells.
    """

    def __init__(self, groups: Sequence[Group]) -> None:
        self._groups = groups
        self._nothing = np.full(groups[-1].places.stop, None)
        self._heads: list[Row] = []
        self._cells: list[Mapping[str, NDArray[Any]]] = []
        self._types: list[Sequence[Row]] = []

    def add(self, head: Row, cells: Mapping[str, NDArray[Any]], types: Sequence[Row]) -> None:
        """Add the rows of a requirement.

        Args:
            head: what they say alike.
            cells: columns with a value for each cell of the groups; one that is left out is null.
            types: a row for each group.
        """
        self._heads.append(head)
        self._cells.append(cells)
        self._types.append(types)

    def write(self, firm: str) -> pl.DataFrame:
        """Return the rows of a firm."""
        # Gathered from a few rows: as dictionaries they take longer than all that is asked of them.
        who, order = _list_subjects(self._groups)
        numbers = np.arange(len(self._heads))
        heads = pl.DataFrame(self._heads, schema=_dtypes(ALIKE))[np.repeat(numbers, len(order))]
        subjects = who[np.tile(order, len(numbers))]
        rows = heads.hstack(subjects).hstack([self._tell(name, order) for name in TOLD])
        # The recipe's label is stamped by whoever keeps the rows.
        stamped = rows.with_columns(firm=pl.lit(firm), recipe=pl.lit(None, dtype=pl.String))
        return stamped[list(APPLICATION.names)]

    def _tell(self, name: str, order: Integers) -> pl.Series:
        """Return a column of what the requirements say, one behind the other."""
        cells: NDArray[Any] = np.array([one.get(name, self._nothing) for one in self._cells], dtype=TOLD[name])
        types: NDArray[Any] = np.array([[row.get(name) for row in rows] for rows in self._types], dtype=TOLD[name])
        told = np.concatenate([cells, types], axis=1)[:, order].ravel()
        values = told.tolist() if told.dtype == object else told
        return pl.Series(name, values, dtype=APPLICATION.dtypes[name], nan_to_null=True)


def describe_requirement(profile: Profile, requirement: Requirement, rule: str) -> Row:
    """Return what every row of a requirement says alike."""
    return {
        "profile": profile.name,
        "profile_version": profile.version,
        "example": profile.example,
        "requirement": requirement.name,
        "quantity": requirement.quantity,
        "statistic": requirement.statistic,
        "comparison": requirement.operator,
        "required_value": requirement.limit,
        "unit": QUANTITIES[requirement.quantity].unit,
        "conditions": json.dumps(dict(requirement.conditions)),
        "decision_rule": rule,
        "source": requirement.source,
        "note_en": requirement.note["en"] or None,
        "note_ko": requirement.note["ko"] or None,
    }


def _list_subjects(groups: Sequence[Group]) -> tuple[pl.DataFrame, Integers]:
    """Return who the rows of a requirement are about: all cells and then all groups, and in which order they stand."""
    cells = [("cell", cell, cell, group.name) for group in groups for cell in group.wafers]
    types = [("type", group.name, None, group.name) for group in groups]
    # A group stands behind its cells.
    ends = [group.places.stop - 0.5 for group in groups]
    order = np.argsort([*range(len(cells)), *ends])
    return pl.DataFrame([*cells, *types], schema=_dtypes(WHO), orient="row"), order


def _dtypes(names: Iterable[str]) -> dict[str, pl.DataType]:
    return {name: APPLICATION.dtypes[name] for name in names}
