"""The score sheet as a table, made column by column: what many rows say alike is written once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import polars as pl

from warehouse.arrays import Integers
from warehouse.requirements.profiles import Profile, Requirement
from warehouse.requirements.quantities import QUANTITIES
from warehouse.requirements.scores import Group, Row
from warehouse.schema import APPLICATION, fill_columns

# What a requirement says of a cell or group.
TOLD: Final = (
    "verdict",
    "reason",
    "value",
    "value_low",
    "value_high",
    "interval_source",
    "n",
    "n_censored",
    "n_missing",
    "wafers",
    "cells_passing",
    "yield_low",
    "yield_high",
)
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
        self._heads: list[Row] = []
        self._told: dict[str, list[Any]] = {name: [] for name in TOLD}

    def add(self, head: Row, cells: Mapping[str, Sequence[Any]], types: Sequence[Row]) -> None:
        """Add the rows of a requirement.

        Args:
            head: what they say alike.
            cells: columns with a value for each cell of the groups; one that is left out is null.
            types: a row for each group.
        """
        self._heads.append(head)
        nothing = [None] * sum(len(group.wafers) for group in self._groups)
        for name in TOLD:
            self._told[name] += [*cells.get(name, nothing), *(row.get(name) for row in types)]

    def write(self, firm: str) -> pl.DataFrame:
        """Return the rows of a firm."""
        # Gathered from a few rows: as dictionaries they take longer than all that is asked of them.
        who, order = _list_subjects(self._groups)
        numbers = np.arange(len(self._heads))
        told = pl.DataFrame(self._told, schema=_dtypes(TOLD)).with_columns(pl.col(pl.Float64).fill_nan(None))
        heads = pl.DataFrame(self._heads, schema=_dtypes(ALIKE))[np.repeat(numbers, len(order))]
        subjects = who[np.tile(order, len(numbers))]
        places = np.add.outer(len(order) * numbers, order).ravel()
        rows = pl.concat([heads, subjects, told[places]], how="horizontal").with_columns(firm=pl.lit(firm))
        return fill_columns(rows, APPLICATION)


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


def _dtypes(names: Sequence[str]) -> dict[str, pl.DataType]:
    return {name: APPLICATION.dtypes[name] for name in names}
