"""The life of a cell: which cycles it runs, how it fades, and so the true capacity of each cycle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flows.virtual_lab.options import SCATTER, LabOptions

Doubles = NDArray[np.float64]

FORMATION_RATE: Final = 0.1
FORMATION_CYCLES: Final = 2
AGEING_RATE: Final = 1.0
# The first and the last block run at the same low rate: what is missing in the last is fade, not rate.
RATE_BLOCK: Final = (0.2, 1.0, 2.0, 5.0, 0.2)
CYCLES_PER_RATE: Final = 3
# Discharge capacity over that at 1C.
RATE_FACTORS: Final = {0.1: 1.03, 0.2: 1.02, 1.0: 1.0, 2.0: 0.96, 5.0: 0.85}
SECOND_FORMATION_EFFICIENCY: Final = 0.985
MOST_LOSS: Final = 0.9
END_OF_LIFE: Final = 0.8
SUSTAINED: Final = 2

# Per role: loss at the end of the run, or before the knee, from and to.
LOSSES: Final = {"slow": (0.03, 0.08), "fast": (0.27, 0.35), "knee": (0.03, 0.05), "medium": (0.10, 0.16)}
LAWS: Final = ("linear", "sqrt", "power")
EXPONENTS: Final = {"linear": 1.0, "sqrt": 0.5}
# Late enough for a slope before it, early enough for twenty cycles behind it in a short run.
KNEE_PLACE: Final = 0.55
KNEE_RATIOS: Final = (4.0, 7.0)


@dataclass(frozen=True)
class Schedule:
    """The cycles of a run, one array element per cycle.

    Args:
        rate: C-rate on nominal capacity, charge and discharge.
        block: number of the block of like cycles, from 0; the instrument's schedule has one loop per block.
        kind: class of the cycle, one of ``warehouse.schema.CYCLE_CLASSES``.
    """

    rate: Doubles
    block: NDArray[np.int64]
    kind: tuple[str, ...]

    @property
    def reference(self) -> int:
        """Number of the first ageing cycle, from 1; fade counts from it."""
        return self.kind.index("ageing") + 1


@dataclass(frozen=True)
class Fade:
    """A known fade law: ``loss = coefficient · x^exponent``, x cycles after the reference cycle, and maybe a knee.

    Args:
        law: linear, sqrt or power.
        coefficient: loss after one cycle.
        exponent: 1, 0.5 or the power.
        knee: cycles from the reference to the knee; None without one.
        ratio: slope just after the knee over the slope just before it; from there the loss is linear.
    """

    law: str
    coefficient: float
    exponent: float
    knee: int | None = None
    ratio: float = 1.0

    def loss(self, x: Doubles) -> Doubles:
        """Return the fraction of capacity lost after ``x`` cycles."""
        smooth = self.coefficient * x**self.exponent
        if self.knee is None:
            return np.minimum(smooth, MOST_LOSS)
        slope = self.coefficient * self.exponent * float(self.knee) ** (self.exponent - 1.0)
        bent = self.coefficient * float(self.knee) ** self.exponent + self.ratio * slope * (x - self.knee)
        return np.minimum(np.where(x > self.knee, bent, smooth), MOST_LOSS)


def plan_cycles(options: LabOptions, cycles: int) -> Schedule:
    """Return the schedule of a run of so many cycles."""
    blocks = [(FORMATION_RATE, "formation", FORMATION_CYCLES)]
    if options.has_rates:
        blocks += [(rate, "rate", CYCLES_PER_RATE) for rate in RATE_BLOCK]
    blocks.append((AGEING_RATE, "ageing", cycles - sum(count for _, _, count in blocks)))
    counts = [count for _, _, count in blocks]
    return Schedule(
        rate=np.repeat([rate for rate, _, _ in blocks], counts),
        block=np.repeat(np.arange(len(blocks), dtype=np.int64), counts),
        kind=tuple(kind for _, kind, count in blocks for _ in range(count)),
    )


def draw_fade(role: str, number: int, ageing_cycles: int, rng: np.random.Generator) -> Fade:
    """Return the fade law of a cell with the given role; ``number`` picks the law."""
    loss = rng.uniform(*LOSSES[role])
    ratio = rng.uniform(*KNEE_RATIOS)
    power = rng.uniform(0.7, 1.3)
    if role == "knee":
        # Only over a straight line is the slope ratio that was injected the one that a reader can find.
        knee = max(1, round(KNEE_PLACE * ageing_cycles))
        return Fade("linear", loss / knee, 1.0, knee, ratio)
    law = LAWS[number % len(LAWS)]
    exponent = EXPONENTS.get(law, power)
    return Fade(law, loss / float(ageing_cycles) ** exponent, exponent)


def true_discharges(
    schedule: Schedule, fade: Fade, capacity: float, rng: np.random.Generator, scatter: float = SCATTER
) -> Doubles:
    """Return the true discharge capacity of every cycle.

    Args:
        schedule: the cycles.
        fade: the law.
        capacity: of the fresh cell at 1C, in any unit.
        rng: for the small scatter that every real series has.
        scatter: its standard deviation, relative.
    """
    # Nothing fades before the reference cycle, so that the stated law is the retention that a report shows.
    cycle = np.arange(1, len(schedule.kind) + 1, dtype=np.float64)
    retained = 1.0 - fade.loss(np.maximum(cycle - schedule.reference, 0.0))
    scattered = 1.0 + scatter * rng.standard_normal(len(cycle))
    factors = np.array([RATE_FACTORS[rate] for rate in schedule.rate.tolist()])
    return np.asarray(capacity * retained * factors * scattered)


def true_efficiencies(schedule: Schedule, initial: float, steady: float) -> Doubles:
    """Return the true coulombic efficiency of every cycle: first cycle, second formation cycle, all others."""
    efficiency = np.full(len(schedule.kind), steady)
    efficiency[:FORMATION_CYCLES] = (initial, SECOND_FORMATION_EFFICIENCY)
    return efficiency


def end_of_life(schedule: Schedule, discharged: Doubles) -> float | None:
    """Return the interpolated cycle at which retention falls below the threshold for good, or None."""
    first = schedule.reference - 1
    retention = discharged[first:] / discharged[first]
    below = retention < END_OF_LIFE
    sustained = below[:-1] & below[1:]
    if not sustained.any():
        return None
    k = int(np.argmax(sustained))
    step = (retention[k - 1] - END_OF_LIFE) / (retention[k - 1] - retention[k])
    return float(schedule.reference + k - 1 + step)


def as_numbers(values: Doubles | Sequence[float]) -> list[float]:
    """Return plain numbers with twelve significant digits, for JSON."""
    return [float(f"{value:.12g}") for value in values]
