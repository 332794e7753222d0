"""What a firm learns of another one from a year of releases is nothing; from naive statistics it learns everything."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import pairwise
from typing import Final

import polars as pl
import pytest
from attacker import Attacker, Cell, Mean, Members, Quantile

from warehouse.cohort import release as releases
from warehouse.cohort.release import release_cohort
from warehouse.cohort.rules import PLATFORM, QUANTILES, Rules
from warehouse.home import Home
from warehouse.registry import COHORT_CELL
from warehouse.schema import COHORT_VALUES

LOW, HIGH = 0.5, 1.0
HALF_STEP: Final = 0.005
METRIC, AGE = "capacity_retention", 100
WEEKS: Final = 52
START: Final = date(2026, 1, 5)
ASKS: Final = "F00"
WEEKLY: Final = replace(PLATFORM, cadence_days=7)
# Bounds that are as wide as what everybody knows beforehand, but for the rounding of one number.
NOTHING_LEARNT: Final = HIGH - LOW - 2 * HALF_STEP


class Careless(Rules):
    """Quartiles of however few firms, every week."""

    def may_tell(self, part: float, heaviest_two: float) -> bool:
        """Tell everything."""
        return 0 < part < 1 < 1 + heaviest_two


CARELESS: Final = Careless(others=0, largest_share=1.0, changed_others=-1, cadence_days=7)


@dataclass
class World:
    """Firms whose cells come, change and go, with every value that there ever was."""

    seed: int
    firms: int
    random: random.Random = field(init=False)
    values: dict[Cell, float] = field(default_factory=dict)
    members: dict[str, list[Cell]] = field(default_factory=dict)
    counted: int = 0

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)  # noqa: S311 values of a simulation, no secrets
        for number in range(self.firms):
            self.join(f"F{number:02}")

    def join(self, firm: str) -> None:
        """Let a firm begin with one to three cells about a level of its own."""
        level = self.random.uniform(0.6, 0.95)
        self.members[firm] = [self._measure(firm, level) for _ in range(self.random.randint(1, 3))]

    def live_a_week(self, week: int) -> None:
        """Let a firm join or leave now and then, some measure cells anew, and some stay as they are."""
        others = [firm for firm in self.members if firm != ASKS]
        if week % 5 == 0:
            self.join(f"N{week:02}")
        if week % 6 == 0 and len(others) > 7:
            del self.members[self.random.choice(others)]
        for firm in [firm for firm in self.members if self.random.random() < 0.15]:
            cells = self.members[firm]
            cells[self.random.randrange(len(cells))] = self._measure(firm, self.random.uniform(0.6, 0.95))

    def freeze(self) -> dict[str, tuple[Cell, ...]]:
        """Return who has which cells now."""
        return {firm: tuple(cells) for firm, cells in self.members.items()}

    def frame(self) -> pl.DataFrame:
        """Return the values as the release gathers them."""
        rows = [
            {"firm": firm, "cell_id": name, "metric": METRIC, "unit": "", "at_cycle": AGE, "value": self.values[cell]}
            for firm, cells in self.members.items()
            for cell in cells
            for name in [cell[0]]
        ]
        place = {name: pl.lit(name) for name in ("chemistry_family", "capacity_decade", "temperature_bin", "rate_bin")}
        frame = pl.DataFrame(rows).with_columns(**place, reason=pl.lit(None, dtype=pl.String))
        return frame.cast({"at_cycle": pl.Int64}).select(COHORT_VALUES.names).with_columns(method=pl.lit("m"))

    def _measure(self, firm: str, level: float) -> Cell:
        self.counted += 1
        cell = (f"{firm}-{self.counted}", self.counted)
        self.values[cell] = min(max(self.random.gauss(level, 0.02), LOW), HIGH)
        return cell


@pytest.fixture
def home(local_home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """A home whose firms' values a test sets."""
    worlds: list[World] = []
    monkeypatch.setattr(releases, "gather_values", lambda _home: worlds[0].frame())
    local_home.__dict__["world"] = worlds
    yield local_home
    del local_home.__dict__["world"]


def publish(home: Home, world: World, rules: Rules) -> list[tuple[Members, dict[str, float | None]]]:
    """Run a year of weekly nights; returns who stood behind each snapshot, and its numbers."""
    home.__dict__["world"][:] = [world]
    snapshots = []
    for week in range(1, WEEKS + 1):
        made = release_cohort(home, START + timedelta(weeks=week), rules)
        new = COHORT_CELL.select().where(COHORT_CELL.c.of_release == made.release)
        numbers = [{name: row[name] for name in QUANTILES} for row in home.registry.rows(new) if made.made]
        snapshots += [(world.freeze(), each) for each in numbers]
        world.live_a_week(week)
    return snapshots


def attack(world: World, told: Sequence[Quantile | Mean], targets: Mapping[str, Sequence[Cell]]) -> dict[str, float]:
    """Return how wide the bounds of each firm's mean are after all that was told."""
    own = {cell: value for cell, value in world.values.items() if cell[0].startswith(ASKS)}
    attacker = Attacker(own, LOW, HIGH)
    attacker.hear(told)
    widths = {}
    for firm, cells in targets.items():
        least, most = attacker.bound(cells)
        mean = sum(world.values[cell] for cell in cells) / len(cells)
        assert least - 1e-6 <= mean <= most + 1e-6, "the attacker errs"
        widths[firm] = most - least
    return widths


def hear_quantiles(snapshots: Sequence[tuple[Members, dict[str, float | None]]], rules: Rules) -> list[Quantile]:
    return [
        Quantile(part, value, HALF_STEP, members, rules.most_cells)
        for members, numbers in snapshots
        for name, part in QUANTILES.items()
        if (value := numbers[name]) is not None
    ]


def others(members: Members) -> dict[str, Sequence[Cell]]:
    return {firm: cells for firm, cells in members.items() if firm != ASKS}


def mean_of(world: World) -> Mean:
    """Return the mean over all firms as a careless platform would tell it, with the exact number of firms."""
    members = world.freeze()
    means = [sum(world.values[cell] for cell in cells) / len(cells) for cells in members.values()]
    return Mean(sum(means) / len(means), 0.0, members)


def test_year_of_releases_recovers_nothing(home: Home) -> None:
    """After 52 weekly nights under the platform's rules every firm may lie, for all the attacker knows, anywhere."""
    world = World(seed=1, firms=12)
    snapshots = publish(home, world, PLATFORM)
    assert 4 <= len(snapshots) <= 6
    assert any(numbers["lower_quartile"] is not None for _, numbers in snapshots)
    widths = attack(world, hear_quantiles(snapshots, PLATFORM), others(snapshots[-1][0]))
    assert len(widths) >= 9
    assert min(widths.values()) >= NOTHING_LEARNT


def test_weekly_releases_recover_nothing_either(home: Home) -> None:
    """Without the slow cadence, the rule of changed firms alone keeps a year of weekly releases from telling anything.

    The firms that the difference of two releases could tell of are attacked too: who came, left, or measured anew.
    """
    world = World(seed=2, firms=9)
    snapshots = publish(home, world, WEEKLY)
    assert len(snapshots) >= 8
    told = hear_quantiles(snapshots, WEEKLY)
    assert min(attack(world, told, others(snapshots[-1][0])).values()) >= NOTHING_LEARNT
    changed = {
        f"{number} {side} {firm}": cells
        for number, ((before, _), (after, _)) in enumerate(pairwise(snapshots[:3]))
        for side, members, rest in (("before", before, after), ("after", after, before))
        for firm, cells in others(members).items()
        if rest.get(firm) != cells
    }
    assert len(changed) >= 15
    assert min(attack(world, told, changed).values()) >= NOTHING_LEARNT


def test_mean_of_whoever_is_there_tells_everything() -> None:
    """The same attacker takes exact values from weekly means: the attack has teeth."""
    world, told, targets = World(seed=1, firms=4), [], {}
    for week in range(1, 21):
        told.append(mean_of(world))
        targets |= {f"{week} {firm}": cells for firm, cells in others(told[-1].members).items()}
        world.live_a_week(week)
    widths = attack(world, told, targets)
    assert sum(width < 1e-6 for width in widths.values()) >= 3


def test_quartiles_of_few_firms_tell_much(home: Home) -> None:
    """Quartiles of two firms, renewed every week, give the other firm away to less than a fifth of what was unknown."""
    world = World(seed=1, firms=2)
    snapshots = publish(home, world, CARELESS)[:8]
    widths = attack(world, hear_quantiles(snapshots, CARELESS), others(snapshots[0][0]))
    assert min(widths.values()) < 0.2 * (HIGH - LOW)


def test_quartiles_need_more_than_five_others() -> None:
    """Five other firms are not enough for quartiles: to the firm at the bottom the first quartile bounds all others."""
    members = {f"F{number:02}": ((f"F{number:02}", 0),) for number in range(6)}
    world = World(seed=1, firms=0)
    world.values = {
        cells[0]: value for cells, value in zip(members.values(), (0.5, 0.8, 0.82, 0.84, 0.9, 0.95), strict=True)
    }
    tells_all = [Quantile(0.25, 0.8, HALF_STEP, members, 5)]
    assert max(attack(world, tells_all, others(members)).values()) < 0.45
    assert not PLATFORM.may_tell(0.25, 2 / 6)
    tells_median = [Quantile(0.5, 0.82, HALF_STEP, members, 5)]
    assert min(attack(world, tells_median, others(members)).values()) >= NOTHING_LEARNT
    assert PLATFORM.may_tell(0.5, 2 / 6)


def test_medians_renewed_by_single_firms_tell(home: Home) -> None:
    """Without the rule of changed firms, weekly medians of seven firms give away nearly half of what was unknown."""
    hasty = replace(WEEKLY, changed_others=-1)
    world = World(seed=51, firms=7)
    snapshots = publish(home, world, hasty)[:10]
    widths = attack(world, hear_quantiles(snapshots, hasty), others(snapshots[-1][0]))
    assert min(widths.values()) < 0.55 * (HIGH - LOW)
