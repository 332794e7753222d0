"""When something may be said about a group of cells of several firms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

QUANTILES: Final = {"lower_quartile": 0.25, "median": 0.5, "upper_quartile": 0.75}
# Bands in which the number of firms is told: an exact one would say who came and who left.
BANDS: Final = ((50, "50 or more"), (20, "20 to 49"), (10, "10 to 19"), (0, "fewer than 10"))


@dataclass(frozen=True)
class Rules:
    """The rules of a release; they are the platform's, and no firm's recipe changes them.

    Args:
        others: so many firms stand behind every number, besides the one that asks.
        largest_share: the most that one firm may have of the weight.
        most_cells: a firm weighs as many cells as it has, up to so many.
        changed_others: numbers are renewed only when the values of so many firms, besides the one that asks, differ
            from those of every earlier release.
        cadence_days: days from one release to the next.
    """

    others: int = 5
    largest_share: float = 0.25
    most_cells: int = 5
    changed_others: int = 5
    cadence_days: int = 91

    @property
    def firms(self) -> int:
        """The fewest firms, the one that asks included."""
        return self.others + 1

    @property
    def changed(self) -> int:
        """The fewest firms whose values differ, the one that asks included."""
        return self.changed_others + 1

    def may_tell(self, part: float, heaviest_two: float) -> bool:
        """Whether a quantile may be told where the two heaviest firms together have this share of the weight.

        One of them may ask, and knows its own values. The other's then lie anywhere below the quantile, or anywhere
        above it: what is left has weight enough to make the quantile what it is.
        """
        return heaviest_two < min(part, 1 - part)


PLATFORM: Final = Rules()


def name_band(firms: int) -> str:
    """Return in which band a number of firms lies."""
    return next(name for least, name in BANDS if firms >= least)
