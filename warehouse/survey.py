"""What all records of a test decide together: the limit of rest, the counters' decimals, whether steps are numbered.

Each of these is gathered so that it can be gone on with: the levels of current as whole numbers (``warehouse.levels``),
the decimals from the first values of a counter (``warehouse.counters``), and two facts that turn from no to yes once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from warehouse import rowhash
from warehouse.counters import Sample, common_quantum
from warehouse.derivation import DerivationRecipe
from warehouse.levels import Levels
from warehouse.stretch import Choice, Stretch


class Grounds(NamedTuple):
    """What the whole test says to each of its steps.

    Args:
        limit: current in A up to which a record is at rest.
        numbered: whether the instrument tells its steps apart.
        quanta: of the capacity and of the energy counter.
    """

    limit: float
    numbered: bool
    quanta: tuple[float, ...]


@dataclass(frozen=True)
class Survey:
    """What was gathered from the first rows of a test.

    Args:
        rows: how many rows were gathered.
        scheduled: whether the number of the step changes anywhere in the test.
        levels: of the current.
        samples: of the counters, by column name.
    """

    rows: int = 0
    scheduled: bool = False
    levels: Levels = field(default_factory=Levels)
    samples: Mapping[str, Sample] = field(default_factory=dict)

    def onward(self, stretch: Stretch, stop: int) -> Survey:
        """Return the survey with the rows up to ``stop``.

        Args:
            stretch: records that reach from the row before ``rows`` to ``stop`` at least.
            stop: number behind the last row; a multiple of the hash's blocks, where one wants to go on from it.
        """
        if stop <= self.rows:
            return self
        # The row before tells whether the first one begins a block.
        rows = stretch.part(max(self.rows - 1, 0), stop)
        lead = self.rows - rows.first
        current = rows.doubles("current_ampere")
        sign = np.sign(current)
        begins = rows.number_changes() if self.scheduled else np.append(False, sign[1:] != sign[:-1])
        begins[0] = True
        levels = self.levels.onward(current[lead:], begins[lead:], self.rows, rowhash.BLOCK_ROWS)
        samples = {
            name: self.samples.get(name, Sample()).onward(values[lead:]) for name, values in rows.counters.items()
        }
        return replace(self, rows=stop, levels=levels, samples=samples)

    def conclude(self, choice: Choice, recipe: DerivationRecipe) -> Grounds:
        """Return what follows for each step when these are all rows."""
        quanta = (common_quantum(self.samples.get(name, Sample()) for name in names) for names in choice.counters)
        # A count of executed steps holds even where it counts but one.
        numbered = choice.number == "step_count" or self.scheduled
        return Grounds(self.levels.rest_limit(recipe), numbered, tuple(quanta))


def survey_all(stretch: Stretch, recipe: DerivationRecipe) -> Grounds:
    """Return what all records of a test decide together."""
    survey = Survey(scheduled=bool(stretch.number_changes().any()))
    return survey.onward(stretch, stretch.end).conclude(stretch.choice, recipe)
