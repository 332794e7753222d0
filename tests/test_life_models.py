"""Fade laws: what was put into made lives comes out again, and what the cycles do not tell is refused."""

from __future__ import annotations

import numpy as np
import pytest
from made_lives import DAYS_PER_CYCLE, RECIPE, ageing, lose, observe, tell

from warehouse.life import COMPUTATIONS
from warehouse.life.computations import compute_life
from warehouse.life.models import find_median_slope
from warehouse.life.reasons import REASONS
from warehouse.life.series import find_outliers
from warehouse.metrics.inputs import CellInputs
from warehouse.schema import FADE, FADE_MODELS, FORECAST, KNEES, STEPS, Table, conform_columns

LAWS = ("linear", "sqrt", "power")
LIVES = 40


@pytest.mark.parametrize("law", LAWS)
def test_parameters_lie_in_their_intervals(law: str) -> None:
    """Coefficient, exponent and rate of forty noisy lives lie within their 95 % intervals in 34 or more."""
    rng = np.random.default_rng(7)
    inside = {"coefficient": 0, "exponent": 0, "fade_rate": 0}
    for _ in range(LIVES):
        x = np.arange(rng.integers(100, 1001), dtype=np.float64)
        true, coefficient, exponent = lose(law, x, rng.uniform(0.05, 0.35), rng.uniform(0.7, 1.3))
        row = tell(observe(true, 10 ** rng.uniform(-4, -2.3), rng)).model(law)
        wanted = {"coefficient": coefficient, "exponent": exponent, "fade_rate": (true[-1] - 1) / x[-1]}
        unit = {"fade_rate": "_per_cycle"}
        for name, value in wanted.items():
            if row[f"{name}_low{unit.get(name, '')}"] is not None:
                inside[name] += (
                    row[f"{name}_low{unit.get(name, '')}"] <= value <= row[f"{name}_high{unit.get(name, '')}"]
                )
    # Of forty with 95 %, fewer than 34 happen once in a hundred thousand.
    expected = inside.values() if law == "power" else (inside["coefficient"], inside["fade_rate"])
    assert min(expected) >= 34


@pytest.mark.parametrize("law", LAWS)
def test_law_without_noise_is_exact(law: str) -> None:
    """Without noise a law's coefficient and exponent come out to six digits, and that law is chosen."""
    true, coefficient, exponent = lose(law, np.arange(300.0), 0.2, 0.8)
    told = tell(true)
    row = told.model(law)
    assert (row["coefficient"], row["exponent"]) == pytest.approx((coefficient, exponent), rel=1e-6)
    assert told.models.filter(told.models["chosen"])["model"].to_list() == [law]


def test_fast_beginning_and_steady_fade() -> None:
    """A loss of 4 % that dies away within 20 cycles, beside 0.02 % a cycle, is told apart from it."""
    x = np.arange(400.0)
    true = 1 - 2e-4 * x - 0.04 * (1 - np.exp(-x / 20))
    row = tell(observe(true, 2e-4, np.random.default_rng(1))).model("linear_exponential")
    assert row["chosen"]
    assert row["coefficient_low"] < 2e-4 < row["coefficient_high"]
    assert row["transient_loss_low"] < 0.04 < row["transient_loss_high"]
    assert row["transient_low_cycle"] < 20 < row["transient_high_cycle"]


def test_simpler_law_wins_where_laws_are_close() -> None:
    """A straight fade is called linear, though a power law fits it no worse."""
    told = tell(observe(1 - 5e-4 * np.arange(200.0), 1e-3, np.random.default_rng(4)))
    assert told.model("linear")["chosen"]


def test_noise_of_the_reference_is_no_fade() -> None:
    """A reference cycle measured one per cent too low shifts retention, and neither coefficient nor rate."""
    true = 1 - 5e-4 * np.arange(200.0)
    shifted = np.append(1.0, true[1:] / 0.99)
    row = tell(shifted).model("linear")
    assert row["coefficient"] == pytest.approx(5e-4, rel=5e-3)
    assert row["initial_retention"] == pytest.approx(1 / 0.99, abs=1e-3)


def test_rates_are_those_of_a_straight_line() -> None:
    """Half a thousandth a cycle is five hundredths a hundred cycles, and at four cycles a day 73 % a year."""
    row = tell(1 - 5e-4 * np.arange(100.0)).model("linear")
    assert row["fade_rate_per_cycle"] == pytest.approx(-5e-4)
    assert row["theil_sen_rate_per_cycle"] == pytest.approx(-5e-4)
    assert row["fade_rate_per_100_cycles"] == pytest.approx(-0.05)
    assert row["fade_rate_per_year"] == pytest.approx(-5e-4 / DAYS_PER_CYCLE * 365.25)


def test_no_clock_no_rate_per_year() -> None:
    """Without a clock there is no rate per year, and all else."""
    row = tell(1 - 5e-4 * np.arange(100.0), clock=False).model("linear")
    assert (row["status"], row["fade_rate_per_year"]) == ("fitted", None)


def test_growing_cell_has_a_positive_rate() -> None:
    """A cell that gains capacity has a rate above zero, and no power law of loss."""
    told = tell(observe(1 + 1e-4 * np.arange(100.0), 1e-4, np.random.default_rng(5)))
    assert told.model("linear")["fade_rate_low_per_cycle"] > 0
    assert told.model("power")["reason"] == "loss_not_resolved"


@pytest.mark.parametrize(("cycles", "status"), [(9, "refused"), (10, "fitted")])
def test_ten_points_are_needed(cycles: int, status: str) -> None:
    """Nine ageing cycles are too few for any law, ten are enough for a line."""
    told = tell(observe(1 - 0.01 * np.arange(float(cycles)), 1e-3, np.random.default_rng(2)))
    row = told.model("linear")
    assert (row["status"], row["reason"]) == (status, "too_few_points" if status == "refused" else None)
    assert (row["coefficient"] is None) == (status == "refused")


def test_flat_cell_has_a_rate_around_zero_and_no_shape() -> None:
    """Noise alone has a slope whose interval holds zero, and no exponent."""
    told = tell(observe(np.ones(200), 1e-3, np.random.default_rng(3)))
    linear, power = told.model("linear"), told.model("power")
    assert linear["fade_rate_low_per_cycle"] < 0 < linear["fade_rate_high_per_cycle"]
    assert (power["status"], power["exponent"]) == ("refused", None)


def test_no_retention_is_told() -> None:
    """Ageing cycles without a reference are refused with that reason, in every table."""
    told = tell([np.nan] * 50)
    assert set(told.models["reason"]) | set(told.knees["reason"]) | {told.forecast["reason"]} == {"no_reference"}


def test_correlated_noise_widens_intervals() -> None:
    """The same scatter in slow waves leaves the slope less certain."""
    rng = np.random.default_rng(6)
    white = 1e-3 * rng.standard_normal(400)
    slow = np.convolve(rng.standard_normal(440), np.ones(41), "valid")
    slow *= white.std() / slow.std()
    widths = []
    for noise in (white, slow):
        row = tell(1 - 2e-4 * np.arange(400.0) + noise).model("linear")
        widths.append(row["coefficient_high"] - row["coefficient_low"])
    assert widths[1] > 3 * widths[0]


# What stands out


def test_power_cut_is_left_out_and_counted() -> None:
    """Two cycles cut in half by a power failure do not move the fade rate, and are counted."""
    retention = 1 - 5e-4 * np.arange(200.0)
    retention[[50, 120]] *= 0.5
    row = tell(retention).model("linear")
    assert (row["points"], row["points_outlying"]) == (198, 2)
    assert row["coefficient"] == pytest.approx(5e-4)


@pytest.mark.parametrize(
    "steady",
    [1 - 0.3 * np.sqrt(np.arange(200) / 200), np.where(np.arange(200) < 100, 1.0, 0.9), np.ones(200), np.ones(3)],
    ids=["steep beginning", "step", "constant", "three"],
)
def test_course_of_a_series_stands_out_nowhere(steady: np.ndarray[tuple[int], np.dtype[np.float64]]) -> None:
    """Neither a steep beginning nor a step nor a constant series has cycles that stand out."""
    assert not find_outliers(steady, RECIPE).any()


def test_block_of_low_cycles_moves_the_median_slope_less() -> None:
    """Twenty cold cycles in a row pull the least-squares rate over twice as far off as the median slope."""
    retention = 1 - 5e-4 * np.arange(200.0)
    retention[160:180] -= 0.05
    row = tell(retention).model("linear")
    off = [abs(row[name] + 5e-4) for name in ("fade_rate_per_cycle", "theil_sen_rate_per_cycle")]
    assert off[0] > 2 * off[1]


def test_median_slope_withstands_outliers() -> None:
    """A fifth of the points far off leave the slope of the others, in long series too."""
    for count in (50, 2000):
        x = np.arange(float(count))
        y = 3 - 2 * x
        y[::5] += 1e4
        assert find_median_slope(x, y)[0] == pytest.approx(-2, rel=1e-6)


ODD = {
    "dead": np.zeros(60),
    "dies": np.where(np.arange(60) > 30, 0.0, 1.0),
    "noise": np.random.default_rng(10).standard_normal(60),
    "huge": 1e6 * np.random.default_rng(11).standard_normal(60),
    "coarse": np.round(1 - 1e-3 * np.arange(60), 2),
    "rises": np.arange(60.0),
    "flickers": np.arange(60) % 2.0,
    "collapses": np.exp(-np.arange(60) / 3),
    "one": np.ones(1),
    "two": np.ones(2),
}


@pytest.mark.parametrize("course", ODD)
def test_odd_lives_have_figures_or_reasons(course: str) -> None:
    """Whatever the course, every figure is finite or missing, and what is refused has its reason."""
    told = tell(ODD[course])
    for frame in told[:2]:
        assert all(frame[name].drop_nulls().is_finite().all() for name in frame.columns if frame[name].dtype.is_float())
        missing = frame.filter(~frame["status"].is_in(["fitted", "detected"]))
        assert set(missing["reason"]) <= set(REASONS)
    assert told.forecast["status"] != "refused" or told.forecast["reason"] in REASONS


# As the engine calls it


def test_rows_conform_to_their_tables() -> None:
    """Every table's rows have its columns and dtypes, and hold no NaN."""
    true, _, _ = lose("power", np.arange(200.0), 0.2, 0.9)
    told = tell(observe(true, 1e-3, np.random.default_rng(8)))
    for table, frame in zip((FADE_MODELS, KNEES), told[:2], strict=True):
        _conform(table, frame)
        assert not any(frame[name].is_nan().any() for name in frame.columns if frame[name].dtype.is_float())


def _conform(table: Table, frame: object) -> None:
    assert conform_columns(frame.with_columns(recipe=frame["cell_id"]), table, "test").height  # type: ignore[attr-defined]  # frames of any table


def test_same_life_same_rows() -> None:
    """The same input gives bit-identical rows."""
    seen = observe(1 - 5e-4 * np.arange(300.0), 1e-3, np.random.default_rng(9))
    first, second = tell(seen), tell(seen)
    assert first.models.equals(second.models)
    assert first.knees.equals(second.knees)
    assert first.forecast == second.forecast


def test_cell_without_ageing_has_no_rows() -> None:
    """A cell that has not begun to age costs nothing and has no row."""
    inputs = CellInputs("A", "C1", None, (), STEPS.empty(), FADE.empty())
    assert [frame.height for frame in compute_life(inputs, RECIPE)] == [0, 0, 0]


def test_computation_asks_for_fade() -> None:
    """The package names one computation over cells, which reads the question fade."""
    (life,) = COMPUTATIONS
    assert (life.name, life.scope, life.tables, life.reads) == (
        "life",
        "cell",
        (FADE_MODELS, KNEES, FORECAST),
        ("fade",),
    )
    fade = (
        FADE.empty()
        .vstack(FADE.empty())
        .clear(1)
        .with_columns(**{name: ageing([1.0])[name] for name in ageing([1.0]).columns})
    )
    frames = life.compute(CellInputs(None, "T", None, (), STEPS.empty(), fade), RECIPE)
    assert [frame.height for frame in frames] == [4, 3, 1]
    assert all(frame["firm"].null_count() == frame.height for frame in frames)
