"""Spread over wafers and effects of splits: what is injected is found, within intervals that hold what they promise."""

from __future__ import annotations

from itertools import combinations
from math import sqrt
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import stats
from wafer_inputs import (
    DIES,
    NOMINAL,
    PITCH,
    RADIUS,
    Cell,
    bowl,
    compute,
    make_cells,
    make_fade,
    make_inputs,
    make_limit,
    make_summary,
    make_wafer,
    seeded,
)

from warehouse.wafers.components import Nest, find_components, make_nest
from warehouse.wafers.effects import Arms, find_effect, refuse_effect
from warehouse.wafers.lives import Lives, find_curve, find_residuals, restrict_means
from warehouse.wafers.profiles import find_morans_i, find_neighbours, fit_profile, make_design

EXPERIMENTS = 400
# Of 400 intervals of 95 % each, fewer than this hold by chance about once in ten thousand.
FEWEST = 0.91
X, Y = (np.array([die[axis] for die in DIES], dtype=np.float64) * PITCH for axis in range(2))
DIE_X, DIE_Y = (np.array([die[axis] for die in DIES]) for axis in range(2))


def holds(low: float, truth: float, high: float) -> bool:
    return low <= truth <= high


def one(frame: pl.DataFrame, **where: Any) -> dict[str, Any]:
    """Return the one row that these columns tell."""
    found = frame.filter(*(pl.col(name) == value for name, value in where.items()))
    assert found.height == 1
    return found.row(0, named=True)


def test_profile_is_recovered_within_its_intervals() -> None:
    """Over 400 wafers with an injected bowl and tilt, the 95 % intervals of all three parts hold what they promise."""
    rng, truth = seeded(1), (-0.06, 0.02, -0.01)
    shape = np.array([bowl(x, y, *truth) for x, y in DIES])
    hits, design = np.zeros(3), make_design(X, Y, RADIUS)
    for _ in range(EXPERIMENTS):
        found = fit_profile(design, 1e-4 * (shape + rng.normal(0, 0.004, len(DIES))), 0.95)
        assert found is not None
        hits += [
            holds(low, part, high)
            for part, (_, low, high) in zip(truth, (found.radial, found.tilt_x, found.tilt_y), strict=True)
        ]
    assert (hits / EXPERIMENTS >= FEWEST).all()
    assert (hits / EXPERIMENTS < 0.99).all()


def test_profile_of_a_wafer_by_the_computation() -> None:
    """The table of uniformity tells the injected profile, centre over edge, and quadrants on their right sides."""
    rng = seeded(22)

    def summarise(cell: Cell) -> dict[str, Any]:
        part = bowl(cell["die_x"], cell["die_y"], -0.06, 0.02, -0.01) + rng.normal(0, 0.002)
        return make_summary(cell, reference_capacity_ah=NOMINAL * part)

    made = compute(make_inputs(make_cells("L", "W"), summarise, wafers=[make_wafer("L", "W")]))
    row = one(made["uniformity"], quantity="capacity")
    assert (row["status"], row["profile_status"], row["dies"]) == ("measured", "fitted", len(DIES))
    assert holds(row["radial_part_low"], -0.06, row["radial_part_high"])
    assert holds(row["tilt_x_part_low"], 0.02, row["tilt_x_part_high"])
    assert holds(row["tilt_y_part_low"], -0.01, row["tilt_y_part_high"])
    assert row["centre_value"] == pytest.approx(NOMINAL, rel=2e-3)
    assert row["centre_over_edge"] > 1.02
    assert row["right_lower_mean"] > row["right_upper_mean"] > row["left_upper_mean"]
    # The pattern is in the values, and not in what the profile leaves.
    assert row["morans_i_p_value"] < 1e-6
    assert abs(row["residual_morans_i"]) < 0.2


def test_every_uniformity_has_its_name() -> None:
    """Both range definitions, s over mean and the robust one are told apart, and none is called just uniformity."""
    values = [90.0, 95.0, 100.0, 105.0, 120.0]
    cells = make_cells("L", "W", [(x, 0) for x in range(5)])
    made = compute(
        make_inputs(cells, lambda cell: make_summary(cell, reference_capacity_ah=values[cell["die_x"]] * 1e-6))
    )
    row = one(made["uniformity"], quantity="capacity")
    assert row["half_range_over_mean"] == pytest.approx(30 / (2 * 102))
    assert row["range_over_sum"] == pytest.approx(30 / 210)
    assert row["deviation_over_mean"] == pytest.approx(np.std(values, ddof=1) / 102)
    assert row["robust_deviation_over_median"] == pytest.approx(1.4826 * 5 / 100)
    # Five dies in a row, on a wafer without a pitch, have a spread and no shape.
    assert (row["profile_status"], row["profile_reason"]) == ("refused", "no_pitch")


@pytest.mark.parametrize(
    ("dies", "wafers", "status", "reason"),
    [
        (DIES[:4], True, "refused", "too_few_dies"),
        (DIES[:7], True, "measured", "too_few_dies"),
        ([(x, 0) for x in range(-5, 6)], True, "measured", "dies_in_line"),
        (DIES, False, "measured", "no_pitch"),
    ],
)
def test_profile_is_refused(dies: list[tuple[int, int]], wafers: bool, status: str, reason: str) -> None:  # noqa: FBT001 a parameter
    """Too few dies, dies on one line, or a wafer without a pitch have no profile, and it is said why."""
    rng = seeded(3)
    inputs = make_inputs(
        make_cells("L", "W", dies),
        lambda cell: make_summary(cell, reference_capacity_ah=NOMINAL * (1 + rng.normal(0, 0.01))),
        wafers=[make_wafer("L", "W")] if wafers else [],
    )
    row = one(compute(inputs)["uniformity"], quantity="capacity")
    assert (row["status"], row["profile_status"], row["profile_reason"]) == (status, "refused", reason)


def test_equal_values_have_no_pattern() -> None:
    """Dies that are all the same to the last digit have no profile made of rounding."""
    row = one(
        compute(make_inputs(make_cells("L", "W"), wafers=[make_wafer("L", "W")]))["uniformity"], quantity="capacity"
    )
    assert (row["half_range_over_mean"], row["profile_reason"], row["morans_i"]) == (0.0, "no_scatter", None)


def test_shorts_do_not_spoil_uniformity() -> None:
    """A dead die counts in the yield; how even the working ones are is another question."""
    cells = make_cells("L", "W", [(x, 0) for x in range(8)])
    inputs = make_inputs(
        cells,
        lambda cell: make_summary(
            cell, reference_capacity_ah=NOMINAL * (cell["die_x"] != 3) * (1 + cell["die_x"] / 100)
        ),
    )
    assert one(compute(inputs)["uniformity"], quantity="capacity")["dies"] == 7


def test_morans_i_of_chance_is_about_its_expectation() -> None:
    """Over 400 wafers without a pattern, p-values below 5 % come in about 5 % of them, and the mean is -1/(n-1)."""
    rng, neighbours = seeded(4), find_neighbours(DIE_X, DIE_Y)
    found = [find_morans_i(neighbours, rng.normal(0, 1, len(DIES))) for _ in range(EXPERIMENTS)]
    values = [one for one in found if one is not None]
    assert len(values) == EXPERIMENTS
    assert np.mean([one.p_value < 0.05 for one in values]) == pytest.approx(0.05, abs=0.035)
    assert np.mean([one.value for one in values]) == pytest.approx(-1 / (len(DIES) - 1), abs=0.01)


def test_reticles_are_averaged() -> None:
    """Each reticle has the mean of its own dies, beside that of the wafer."""
    cells = [
        cell | {"reticle_x": cell["die_x"] // 2, "reticle_y": 0}
        for cell in make_cells("L", "W", [(x, 0) for x in range(4)])
    ]
    made = compute(
        make_inputs(cells, lambda cell: make_summary(cell, reference_capacity_ah=1e-6 * (10 + cell["die_x"])))
    )
    told = made["reticles"].filter(pl.col("quantity") == "capacity")
    assert told["mean"].to_list() == pytest.approx([10.5e-6, 12.5e-6])
    assert told["over_wafer_mean"].to_list() == pytest.approx([10.5 / 11.5, 12.5 / 11.5])


def simulate_nest(
    rng: np.random.Generator, lots: int, wafers: int, dies: int, scatter: tuple[float, float, float]
) -> Nest:
    """Return lots of unequal numbers of wafers of unequal numbers of dies, with the standard deviations given."""
    lot, wafer, values = [], [], []
    for number in range(lots):
        of_lot = rng.normal(0, scatter[0])
        for _ in range(int(rng.integers(max(2, wafers - 1), wafers + 2))):
            count = int(rng.integers(3, 2 * dies))
            values.append(1e-4 * (1 + of_lot + rng.normal(0, scatter[1]) + rng.normal(0, scatter[2], count)))
            wafer += [len(values) - 1] * count
            lot += [number] * count
    return make_nest(np.array(lot), np.array(wafer), np.concatenate(values))


@pytest.mark.parametrize(
    ("lots", "wafers", "dies", "scatter"),
    [
        (1, 6, 20, (0.0, 0.006, 0.01)),
        (4, 4, 10, (0.02, 0.01, 0.02)),
        (3, 5, 10, (0.0, 0.01, 0.02)),
        (4, 4, 12, (0.01, 0.0, 0.02)),
    ],
)
def test_variance_components_hold_the_truth(
    lots: int, wafers: int, dies: int, scatter: tuple[float, float, float]
) -> None:
    """Over 400 unequal experiments the 95 % intervals hold the injected scatter of lots, wafers, dies, and the mean."""
    rng = seeded(5)
    hits = {"lot": 0, "wafer": 0, "die": 0, "mean": 0}
    for _ in range(EXPERIMENTS):
        found = find_components(simulate_nest(rng, lots, wafers, dies, scatter), 0.95)
        for name, truth in zip(("lot", "wafer", "die"), scatter, strict=True):
            part = getattr(found, name)
            if part.value is None:
                assert (name, part.reason, lots) == ("lot", "one_lot", 1)
                hits[name] = EXPERIMENTS
                continue
            assert part.low <= part.value <= part.high
            hits[name] += holds(part.low, (1e-4 * truth) ** 2, part.high)
        assert found.mean_interval is not None
        # Of one lot, the mean is that lot's.
        hits["mean"] += holds(found.mean_interval[0], 1e-4, found.mean_interval[1])
    assert all(hit / EXPERIMENTS >= FEWEST for hit in hits.values()), hits


def test_balanced_components_are_the_textbooks() -> None:
    """With equal lots and wafers the components are those of the analysis of variance."""
    rng = seeded(6)
    values = rng.normal(0, 1, (3, 4, 5)) + rng.normal(0, 1.5, (3, 4, 1)) + rng.normal(0, 3, (3, 1, 1))
    lot, wafer = np.repeat(np.arange(3), 20), np.repeat(np.arange(12), 5)
    found = find_components(make_nest(lot, wafer, values.ravel()), 0.95)
    die = values.var(axis=2, ddof=1).mean()
    wafers = 5 * values.mean(axis=2).var(axis=1, ddof=1).mean()
    lots = 20 * values.mean(axis=(1, 2)).var(ddof=1)
    assert found.die.value == pytest.approx(die)
    assert found.wafer.value == pytest.approx((wafers - die) / 5)
    assert found.lot.value == pytest.approx((lots - wafers) / 20)


def far_apart(away: float) -> list[Cell]:
    """Return two lots of two wafers of nine dies; the last wafer's capacities are so many times the others'."""
    rng = seeded(20)
    times = {("L1", "W1"): 1.0, ("L1", "W2"): 1.1, ("L2", "W1"): 0.9, ("L2", "W2"): away}
    return [
        cell | {"made": NOMINAL * many * (1 + rng.normal(0, 1e-7))}
        for (lot, wafer), many in times.items()
        for cell in make_cells(lot, wafer, DIES[:9])
    ]


def compute_made(cells: list[Cell]) -> dict[str, pl.DataFrame]:
    made = [{name: value for name, value in cell.items() if name != "made"} for cell in cells]
    values = {cell["cell_id"]: cell["made"] for cell in cells}
    return compute(make_inputs(made, lambda cell: make_summary(cell, reference_capacity_ah=values[cell["cell_id"]])))


def find_endless(made: dict[str, pl.DataFrame]) -> list[tuple[str, str]]:
    """Return the columns that hold infinity or NaN, by table."""
    numbers = {(name, one): table[one] for name, table in made.items() for one in table.columns}
    return [at for at, column in numbers.items() if column.dtype == pl.Float64 and not column.is_finite().all()]


@pytest.mark.parametrize("away", [2.0, 1e3, 1e6])
def test_components_of_a_wafer_far_away_are_the_textbooks(away: float) -> None:
    """A wafer that lies ten million times the dies' scatter from its lot's other one scatters as much as it does."""
    rng = seeded(19)
    values = np.array([[1.0], [1.1], [0.9], [away]]) + rng.normal(0, 1e-8 * away, (4, 9))
    nest = make_nest(np.repeat([0, 0, 1, 1], 9), np.repeat(np.arange(4), 9), values.ravel())
    found = find_components(nest, 0.95)
    die = values.var(axis=1, ddof=1).mean()
    between = 9 * values.mean(axis=1).reshape(2, 2).var(axis=1, ddof=1).mean()
    assert found.wafer.value == pytest.approx((between - die) / 9)
    assert found.wafer.low is not None
    assert 0 < found.wafer.low < found.wafer.value


def test_components_of_a_lot_far_away_are_the_textbooks() -> None:
    """Lots that lie ten million times their wafers' uncertainty apart scatter as much as they do."""
    values = np.array([[[1.0, 1.1, 1.2], [1.1, 1.0, 1.2]], [[1.0, 1.1, 1.2], [1.0, 1.2, 1.1]]])
    values[1] += 1e7
    found = find_components(make_nest(np.repeat([0, 1], 6), np.repeat(np.arange(4), 3), values.ravel()), 0.95)
    assert found.lot.value == pytest.approx(5e13)


def test_a_wafer_far_away_leaves_a_finite_mean() -> None:
    """Two wafers of one lot that lie ten million times their dies' scatter apart have the mean of both."""
    values = np.array([[1.0, 1.1, 1.2], [1.0, 1.1, 1.2]]) * 1e-3 + np.array([[0.0], [1e3]])
    found = find_components(make_nest(np.zeros(6, dtype=np.int64), np.repeat([0, 1], 3), values.ravel()), 0.95)
    assert found.mean == pytest.approx(values.mean())


def test_a_wafer_far_away_fails_no_firm() -> None:
    """A firm with a wafer whose values lie far from all others has all its rows, and each is a number or none."""
    made = compute_made(far_apart(1e2))
    told = one(made["variance_components"], quantity="capacity", component="wafer")
    assert (told["status"], made["uniformity"].filter(pl.col("quantity") == "capacity").height) == ("fitted", 4)
    assert find_endless(made) == []


def test_values_without_end_are_in_no_statistics() -> None:
    """Dies whose value is too large for a fourth power are shown, and compared with nothing."""
    made = compute_made([cell | {"active_area_square_metre": 1e-300} for cell in far_apart(1.0)])
    assert made["wafer_dies"]["areal_capacity_ah_per_square_metre"].min() > 1e290
    assert made["uniformity"].filter(pl.col("quantity") == "areal_capacity").is_empty()
    assert find_endless(made) == []


def test_scatter_without_digits_is_none() -> None:
    """Values that scatter by less than numbers can be squared have no components and no Moran's I."""
    values = 1e-100 * (1 + seeded(21).normal(0, 0.1, 36))
    found = find_components(make_nest(np.repeat([0, 0, 1, 1], 9), np.repeat(np.arange(4), 9), values), 0.95)
    assert [part.reason for part in (found.lot, found.wafer, found.die)] == ["no_scatter"] * 3
    assert find_morans_i(find_neighbours(DIE_X[:36], DIE_Y[:36]), values) is None


def test_a_wafers_dies_do_not_narrow_the_mean() -> None:
    """Ten times the dies of the same wafers leave the interval of the mean as wide as the wafers' scatter makes it."""
    rng = seeded(7)
    wafers = rng.normal(0, 1, 5)

    def width(dies: int) -> float:
        values = np.repeat(wafers, dies) + rng.normal(0, 0.1, 5 * dies)
        number = np.repeat(np.arange(5), dies)
        interval = find_components(make_nest(np.zeros(5 * dies, dtype=np.int64), number, values), 0.95).mean_interval
        assert interval is not None
        return interval[1] - interval[0]

    assert width(200) == pytest.approx(width(20), rel=0.1)
    assert width(200) == pytest.approx(2 * stats.t.ppf(0.975, 4) * wafers.std(ddof=1) / sqrt(5), rel=0.1)


@pytest.mark.parametrize(
    ("wafers", "dies", "reasons"),
    [
        ([("L", "W")], DIES[:9], {"lot": "one_wafer", "wafer": "one_wafer", "die": "one_wafer"}),
        ([("L", "W1"), ("L", "W2")], DIES[:9], {"lot": "one_lot", "wafer": None, "die": None}),
        ([("L1", "W1"), ("L2", "W2")], DIES[:9], {"lot": "too_few_wafers", "wafer": "too_few_wafers", "die": None}),
        (
            [("L", "W1"), ("L", "W2")],
            DIES[:1],
            dict.fromkeys(("lot", "wafer", "die"), "one_die_a_wafer") | {"lot": "one_lot"},
        ),
    ],
)
def test_components_are_refused(
    wafers: list[tuple[str, str]], dies: list[tuple[int, int]], reasons: dict[str, str | None]
) -> None:
    """What the wafers at hand cannot tell apart is refused by name."""
    rng = seeded(8)
    cells = [cell for lot, wafer in wafers for cell in make_cells(lot, wafer, dies)]
    made = compute(
        make_inputs(cells, lambda cell: make_summary(cell, reference_capacity_ah=NOMINAL * (1 + rng.normal(0, 0.01))))
    )
    told = made["variance_components"].filter(pl.col("quantity") == "capacity")
    assert dict(told.select("component", "reason").rows()) == reasons


def make_arms(values: list[list[float]], lots: list[list[int]] | None = None) -> Arms:
    """Return wafers of the split and of the reference; each wafer is one of its own."""
    lots = lots or [[0] * len(arm) for arm in values]
    treated = np.repeat([1, 0], [len(arm) for arm in values])
    flat, places = (np.array([each for arm in both for each in arm]) for both in (values, lots))
    return Arms(flat.astype(np.float64), treated, np.arange(len(flat)), places)


def test_split_effect_is_recovered_within_its_interval() -> None:
    """Over 400 experiments of three wafers a split the interval holds the effect; one by dies mostly fails."""
    rng, effect, dies = seeded(9), -0.04, 30
    held = naive = 0
    for _ in range(EXPERIMENTS):
        shared = rng.normal(0, 0.02, (2, 3)) + np.array([[effect], [0.0]])
        values = shared[:, :, None] + rng.normal(0, 0.01, (2, 3, dies))
        found = find_effect(make_arms(values.mean(axis=2).tolist()), 0.95, 1000)
        assert found.low is not None
        assert found.high is not None
        held += holds(found.low, effect, found.high)
        by_dies = stats.ttest_ind(values[0].ravel(), values[1].ravel()).confidence_interval(0.95)
        naive += holds(by_dies.low, effect, by_dies.high)
    assert held / EXPERIMENTS >= FEWEST
    assert naive / EXPERIMENTS < 0.5


def test_unpaired_effect_is_welchs() -> None:
    """Effect, interval, degrees of freedom and p-value are those of SciPy's Welch test on wafers' means."""
    split, reference = [5.1, 4.8, 5.6, 4.9], [4.0, 4.4, 4.1]
    found = find_effect(make_arms([split, reference]), 0.95, 1000)
    other = stats.ttest_ind(split, reference, equal_var=False)
    interval = other.confidence_interval(0.95)
    assert (found.low, found.high) == (pytest.approx(interval.low), pytest.approx(interval.high))
    assert (found.p_value, found.freedom) == (pytest.approx(other.pvalue), pytest.approx(other.df))
    permuted = stats.permutation_test(
        (split, reference), lambda a, b, axis: np.mean(a, axis=axis) - np.mean(b, axis=axis), vectorized=True
    )
    # SciPy doubles the smaller tail, which of arms of unequal size is not the part that is as far away.
    away = np.abs(permuted.null_distribution) >= abs(permuted.statistic) - 1e-9
    assert found.permutation_p_value == pytest.approx(away.mean())


def test_hedges_g_by_hand() -> None:
    """Hedges' g is the effect over the pooled deviation of wafers, corrected for how few they are."""
    found = find_effect(make_arms([[3.0, 5.0], [1.0, 3.0]]), 0.95, 1000)
    assert found.g == pytest.approx(2 / sqrt(2) * (1 - 3 / 7))


def test_wafers_with_both_splits_are_their_own_reference() -> None:
    """Where wafers hold both splits, the effect is the mean of the wafers' own differences."""
    rng = seeded(10)
    wafer = rng.normal(0, 10, 4)
    values = np.concatenate([wafer + 1 + rng.normal(0, 0.1, 4), wafer])
    arms = Arms(values, np.repeat([1, 0], 4), np.tile(np.arange(4), 2), np.zeros(8, dtype=np.int64))
    found = find_effect(arms, 0.95, 1000)
    other = stats.ttest_rel(values[:4], values[4:])
    assert (found.design, found.p_value) == ("paired", pytest.approx(other.pvalue))
    assert found.value == pytest.approx(1.0, abs=0.2)
    assert found.permutation_p_value == pytest.approx(2 / 16)


def test_lots_are_blocks_where_each_holds_both_splits() -> None:
    """What lots differ in is taken out where each lot has wafers of both splits."""
    lots = np.array([0.0, 50.0])
    split = [float(lots[lot] + 1 + part) for lot, part in ((0, 0.1), (0, -0.1), (1, 0.05), (1, -0.05))]
    reference = [float(lots[lot] + part) for lot, part in ((0, 0.02), (0, -0.02), (1, 0.03), (1, -0.03))]
    found = find_effect(make_arms([split, reference], [[0, 0, 1, 1]] * 2), 0.95, 1000)
    assert (found.design, found.freedom) == ("blocked", 5)
    assert found.value == pytest.approx(1.0)
    assert found.high is not None
    assert found.high < 1.2
    # Of 36 rearrangements within lots, only this one and its mirror are as far apart.
    assert found.permutation_p_value == pytest.approx(2 / 36)


@pytest.mark.parametrize(
    ("wafers", "lots", "reason"),
    [
        ([[1.0], [2.0, 3.0]], None, "pseudoreplication"),
        ([[1.0, 2.0], []], None, "one_split"),
        ([[1.0, 1.0], [1.0, 1.0]], None, "no_scatter"),
        ([[1.0, 2.0], [3.0, 4.0]], [[0, 0], [1, 1]], "confounded_with_lot"),
        ([[1.0, 2.0], [3.0, 4.0]], [[0, 1], [2, 3]], None),
        ([[1.0, 2.0], [3.0, 4.0]], None, None),
    ],
)
def test_effects_are_refused(wafers: list[list[float]], lots: list[list[int]] | None, reason: str | None) -> None:
    """One wafer is no replicate, whatever its dies; and a split on a lot of its own is that lot."""
    assert refuse_effect(make_arms(wafers, lots), 2) == reason


def test_a_hundred_dies_of_one_wafer_are_pseudoreplication() -> None:
    """A split with ninety dies of one wafer is refused, and the numbers that were seen are told."""
    cells = [
        *make_cells("L", "W1", split="new"),
        *make_cells("L", "W2", split="base"),
        *make_cells("L", "W3", split="base"),
    ]
    row = one(compute(make_inputs(cells))["splits"], quantity="capacity")
    assert (row["status"], row["reason"], row["reference_split"]) == ("refused", "pseudoreplication", "base")
    assert (row["wafers"], row["reference_wafers"], row["dies"]) == (1, 2, len(DIES))
    assert row["effect"] is None


def split_cells() -> list[Cell]:
    """Return four wafers of two splits with twelve dies each."""
    return [
        cell
        for number in range(4)
        for cell in make_cells("L", f"W{number}", DIES[30:42], split=f"S{number % 2 + 1}", project="P")
    ]


def test_split_by_the_computation() -> None:
    """An injected effect of a split on capacity and on retention at a cycle is told with what the split varies."""
    rng = seeded(11)
    cells = split_cells()
    shift = {cell["cell_id"]: 0.04 * (cell["process_split"] == "S2") + rng.normal(0, 0.003) for cell in cells}
    fade = [row for cell in cells for row in make_fade(cell, {3: 1.0, 100: 0.9 + shift[cell["cell_id"]], 200: 0.85})]
    base = {"firm": "A", "project": "P", "lot": "", "parameter": "anneal", "unit": "°C", "updated_unix_second": 0.0}
    varied = [base | {"split": "S1", "value": "500"}, base | {"split": "S2", "value": "650"}]
    inputs = make_inputs(
        cells,
        lambda cell: make_summary(cell, reference_capacity_ah=NOMINAL * (1 + shift[cell["cell_id"]])),
        fade=fade,
        splits=varied,
    )
    told = compute(inputs)["splits"]
    capacity = one(told, quantity="capacity")
    assert (capacity["design"], capacity["varies"]) == ("unpaired", "anneal: 500 °C → 650 °C")
    assert holds(capacity["effect_low"], 0.04 * NOMINAL, capacity["effect_high"])
    assert capacity["effect_part"] == pytest.approx(0.04, abs=0.005)
    retention = one(told, quantity="capacity_retention", at_cycle=100)
    assert holds(retention["effect_low"], 0.04, retention["effect_high"])
    assert capacity["permutation_p_value"] == pytest.approx(2 / 6)


def made_lives(rng: np.random.Generator, wafers: int, dies: int, scale: float = 400.0) -> Lives:
    """Return lives of wafers that share some of their fate, watched for 500 cycles."""
    shared = np.repeat(rng.normal(0, 0.3, wafers), dies)
    life = scale * np.exp(shared) * rng.weibull(3, wafers * dies)
    return Lives(np.minimum(life, 500.0), life < 500, np.repeat(np.arange(wafers), dies))


def test_survival_is_scipys() -> None:
    """The curve is that of SciPy's Kaplan-Meier estimator, with ties and censoring."""
    lives = made_lives(seeded(12), 6, 20)
    lives = Lives(np.round(lives.cycle, -1), lives.ended, lives.wafer)
    curve = find_curve(lives, 0.95)
    sample = stats.CensoredData.right_censored(lives.cycle, ~lives.ended)
    other = stats.ecdf(sample).sf
    assert curve.survival == pytest.approx(other.evaluate(curve.cycle))
    assert curve.at_risk[0] == 120


def test_interval_of_survival_is_by_wafer() -> None:
    """The interval at 300 cycles holds the truth over 400 fabs of six wafers, where Greenwood's by dies does not."""
    rng = seeded(13)
    truth = float(np.mean(400 * np.exp(rng.normal(0, 0.3, 400_000)) * rng.weibull(3, 400_000) > 300))
    held = naive = 0
    for _ in range(EXPERIMENTS):
        lives = made_lives(rng, 6, 20)
        curve = find_curve(lives, 0.95)
        place = int(np.searchsorted(curve.cycle, 300, side="right")) - 1
        assert curve.low is not None
        assert curve.high is not None
        held += holds(curve.low[place], truth, curve.high[place])
        own = curve.cycle <= 300
        ended, at_risk = curve.ended[own], curve.at_risk[own]
        half = 1.96 * curve.survival[place] * sqrt(float((ended / (at_risk * (at_risk - ended))).sum()))
        naive += abs(curve.survival[place] - truth) <= half
    assert held / EXPERIMENTS >= FEWEST
    assert naive / EXPERIMENTS < 0.85


def test_one_wafer_has_a_curve_without_interval() -> None:
    """Cells of one wafer have a survival curve, and no interval that dies could give."""
    cells = make_cells("L", "W", DIES[:10])
    lives = {cell["cell_id"]: 100.0 + 10 * number for number, cell in enumerate(cells)}
    inputs = make_inputs(
        cells, lambda cell: make_summary(cell, end_of_life_cycle=lives[cell["cell_id"]], end_of_life_censored=False)
    )
    told = compute(inputs)["survival"]
    assert told["survival"].to_list() == pytest.approx([1 - part / 10 for part in range(11)])
    assert told["interval_reason"].to_list()[1:] == ["one_wafer"] * 10
    assert told["survival_low"].null_count() == told.height


def test_cells_without_a_wafer_have_no_interval() -> None:
    """Where nobody says which cells share a wafer, no interval is told."""
    cells = [cell | {"wafer": None, "lot": None} for cell in make_cells("L", "W", DIES[:6])]
    inputs = make_inputs(cells, lambda cell: make_summary(cell, end_of_life_cycle=300.0, end_of_life_censored=False))
    assert compute(inputs)["survival"]["interval_reason"].to_list() == [None, "no_wafer"]


def test_log_rank_residuals_are_the_log_rank_test() -> None:
    """Summed over an arm's wafers, the residuals are the log-rank test's observed less expected ends."""
    rng = seeded(14)
    lives = made_lives(rng, 6, 15)
    arm = lives.wafer < 3
    observed = find_residuals(lives)[:3].sum()
    moments = np.unique(lives.cycle[lives.ended])
    excess = 0.0
    for moment in moments:
        at_risk = lives.cycle >= moment
        ends = (lives.cycle == moment) & lives.ended
        excess += (ends & arm).sum() - ends.sum() * (at_risk & arm).sum() / at_risk.sum()
    assert observed == pytest.approx(excess)


def test_lives_of_splits() -> None:
    """Splits whose wafers live differently are told apart by restricted means and a log-rank over wafers."""
    rng = seeded(15)
    cells = [
        cell
        for number in range(8)
        for cell in make_cells("L", f"W{number}", DIES[30:50], split="long" if number % 2 else "base")
    ]
    lives = {cell["cell_id"]: (480.0 if cell["process_split"] == "long" else 300.0) * rng.weibull(6) for cell in cells}

    def summarise(cell: Cell) -> dict[str, Any]:
        life = lives[cell["cell_id"]]
        return make_summary(cell, end_of_life_cycle=life if life < 450 else None, end_of_life_censored=life >= 450)

    fade = [row for cell in cells for row in make_fade(cell, {3: 1.0, 450: 0.85})]
    made = compute(make_inputs(cells, summarise, fade=fade))
    row = one(made["splits"], quantity="life")
    assert row["effect_low"] > 30
    # Four wafers against four: only this arrangement of 70 and its mirror are as far apart.
    assert row["log_rank_p_value"] == pytest.approx(2 / 70)
    groups = made["survival"]["process_split"].unique().sort().to_list()
    assert groups == ["*", "base", "long"]


def test_restricted_mean_is_the_area() -> None:
    """Without censoring before the horizon, the restricted mean is the mean of lives cut there."""
    lives = Lives(np.array([100.0, 200.0, 300.0, 50.0]), np.ones(4, dtype=bool), np.array([0, 0, 0, 1]))
    assert restrict_means(lives, 250.0) == pytest.approx([(100 + 200 + 250) / 3, 50.0])


def test_permutation_by_hand() -> None:
    """The permutation test's p-value counts all rearrangements of wafers, both sides, the seen one included."""
    values = [5.0, 6.0, 1.0, 2.0, 3.0]
    sums = [abs(sum(chosen) - 2 * np.mean(values)) for chosen in combinations(values, 2)]
    expected = np.mean([each >= sums[0] - 1e-12 for each in sums])
    assert find_effect(make_arms([values[:2], values[2:]]), 0.95, 1000).permutation_p_value == pytest.approx(expected)
    assert find_effect(make_arms([values[:2], values[2:]]), 0.95, 5).permutation_p_value is None


def test_unit_of_a_mapped_test() -> None:
    """A limit on a map's own test needs that test's unit: the same number in another unit is not compared."""
    limit = make_limit("Leak", None, 50, "nA")
    die = {"firm": "A", "lot": "L", "wafer": "W", "revision": 1, "die_x": 0, "die_y": 0, "source_die_x": 0}
    axes = {"notch": "down", "x_axis": "right", "y_axis": "up", "centre_die_x": 0, "centre_die_y": 0}
    known = {"firm": "A", "lot": "L", "wafer": "W", "revision": 1, "kind": "bins", "current": True, "dies": 1}
    verdicts = {}
    for unit in ("nA", "A", "dBm"):
        value = die | {"source_die_y": 0, "quantity": "Leak", "value": 20.0, "unit": unit, "passed": True}
        made = compute(make_inputs(make_cells("L", "W", [(0, 0)]), specs=[limit], maps=[known | axes], dies=[value]))
        verdicts[unit] = one(made["specs"], scope="cell")["verdict"]
    assert verdicts == {"nA": "pass", "A": "fail", "dBm": "not_tested"}


@pytest.mark.parametrize(
    ("lots", "wafers", "values"),
    [
        ([0, 0, 0, 0], [0, 1, 2, 3], [1.0e-4, 1.1e-4, 1.2e-4, 1.3e-4]),
        ([0, 0, 0, 0], [0, 0, 1, 1], [1.0e-4] * 4),
        ([0, 0, 1, 1], [0, 0, 1, 1], [1.0e-4, 1.1e-4, 1.2e-4, 1.3e-4]),
    ],
    ids=["one die a wafer", "no scatter", "one wafer a lot"],
)
def test_mean_without_the_wafers_scatter_has_no_interval(
    lots: list[int], wafers: list[int], values: list[float]
) -> None:
    """Where the wafers' component is refused the mean stands alone, for nothing says how far it may be off."""
    found = find_components(make_nest(np.array(lots), np.array(wafers), np.array(values)), 0.95)
    assert found.mean == pytest.approx(np.mean(values))
    assert found.mean_interval is None
