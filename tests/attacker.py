"""An attacker of statistics: what a firm can work out of all numbers that it was ever told, by linear programming.

The attacker is given more than any firm has: its own values, who stands behind every number and with how many cells,
which cells have the values of before, and how the numbers are made. What it does not know are the others' values: each
is a variable between the bounds that everybody knows. Each number told is a constraint; the smallest and the largest
mean that the constraints leave to a firm are its bounds. A quantile says how much weight lies up to it: for each cell a
variable that is 0 or 1 says on which side it lies, so the bounds are exact and not a relaxation's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_matrix

# A value of one cell, known by the cell's name and which of its values it is: a cell that is measured anew has another.
Cell = tuple[str, int]
Members = Mapping[str, Sequence[Cell]]
# Less than any weight; the weight below a quantile is short of its part, and not equal to it.
STRICT = 1e-6


@dataclass(frozen=True)
class Quantile:
    """A quantile that was told: the part, the number and the half width of its rounding, and who stands behind it."""

    part: float
    value: float
    half: float
    members: Members
    most_cells: int


@dataclass(frozen=True)
class Mean:
    """A mean over firms that was told, and who stands behind it."""

    value: float
    half: float
    members: Members


@dataclass
class Attacker:
    """One firm against the others.

    Args:
        own: the values that it knows.
        low: what no value lies below.
        high: what no value lies above.
    """

    own: Mapping[Cell, float]
    low: float
    high: float
    columns: dict[object, int] = field(default_factory=dict)
    lower: list[float] = field(default_factory=list)
    upper: list[float] = field(default_factory=list)
    whole: list[int] = field(default_factory=list)
    rows: list[tuple[dict[int, float], float]] = field(default_factory=list)

    def hear(self, told: Sequence[Quantile | Mean]) -> None:
        """Take in numbers."""
        for one in told:
            if isinstance(one, Quantile):
                self._hear_quantile(one)
            else:
                self._hear_mean(one)

    def bound(self, cells: Sequence[Cell]) -> tuple[float, float]:
        """Return the bounds of the mean of a firm's cells."""
        for cell in cells:
            self._value(cell)
        return self._solve(cells, 1) / len(cells), -self._solve(cells, -1) / len(cells)

    def _hear_mean(self, told: Mean) -> None:
        terms: dict[int, float] = {}
        for cells in told.members.values():
            for cell in cells:
                terms[self._value(cell)] = 1 / len(cells) / len(told.members)
        self.rows.append((terms, told.value + told.half))
        self.rows.append(({column: -factor for column, factor in terms.items()}, told.half - told.value))

    def _hear_quantile(self, told: Quantile) -> None:
        """The weight below the number stays short of the part, and the weight up to it reaches it."""
        below, upto, total = {}, {}, 0.0
        least, most = told.value - told.half, told.value + told.half
        for cells in told.members.values():
            weight = min(len(cells), told.most_cells) / len(cells)
            for cell in cells:
                total += weight
                below[self._side(cell, least)] = -weight
                upto[self._side(cell, most)] = weight
        # A side is 1 where the value is at least the edge: what is not, is below.
        self.rows.append((below, told.part * total - total - STRICT))
        self.rows.append((upto, total - told.part * total))

    def _side(self, cell: Cell, edge: float) -> int:
        """Return the variable that may be 1 only where the value is at least the edge, and 0 only where at most it."""
        key = (cell, round(edge, 9))
        if key not in self.columns:
            value, reach = self._value(cell), self.high - self.low
            side = self._add(key, 0.0, 1.0, whole=True)
            self.rows.append(({value: -1.0, side: reach}, reach - edge))
            self.rows.append(({value: 1.0, side: -reach}, edge))
        return self.columns[key]

    def _value(self, cell: Cell) -> int:
        if cell not in self.columns:
            known = self.own.get(cell)
            self._add(cell, self.low if known is None else known, self.high if known is None else known, whole=False)
        return self.columns[cell]

    def _add(self, key: object, low: float, high: float, *, whole: bool) -> int:
        self.columns[key] = len(self.columns)
        self.lower.append(low)
        self.upper.append(high)
        self.whole.append(int(whole))
        return self.columns[key]

    def _solve(self, cells: Sequence[Cell], sign: int) -> float:
        objective = np.zeros(len(self.columns))
        for cell in cells:
            objective[self._value(cell)] = sign
        places = [(row, column, factor) for row, (terms, _) in enumerate(self.rows) for column, factor in terms.items()]
        rows, columns, factors = zip(*places, strict=True)
        matrix = csr_matrix((factors, (rows, columns)), shape=(len(self.rows), len(self.columns)))
        limits = np.array([limit for _, limit in self.rows]) + 1e-9
        bounds = list(zip(self.lower, self.upper, strict=True))
        solved = linprog(objective, A_ub=matrix, b_ub=limits, bounds=bounds, integrality=self.whole, method="highs")
        if not solved.success:
            raise ArithmeticError(f"no world fits what was told: {solved.message}")
        return float(solved.fun)
