"""Titrations by current: diffusion coefficients of a film whose diffusion is known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from frames import hold_current, measure, rest
from made_titrations import (
    AMPERE,
    DIFFUSION,
    OHM,
    RATE,
    THICKNESS,
    VOLT_PER_COULOMB,
    inputs_of,
    see,
    titrate,
)

from warehouse.diffusion import DiffusionRecipe, compute_diffusion
from warehouse.diffusion.reasons import REASONS
from warehouse.metrics import inputs as given
from warehouse.schema import GITT

RECIPE = DiffusionRecipe()


def pulses_of(inputs: given.TestInputs, recipe: DiffusionRecipe = RECIPE) -> list[dict[str, Any]]:
    """Return the rows of a test's titrations by current."""
    return list(compute_diffusion(inputs, recipe)[0].iter_rows(named=True))


def refusal(row: dict[str, Any]) -> str:
    """Return why a pulse has no figure."""
    assert row["status"] == "refused"
    assert row["diffusion_rate_per_second"] is None
    assert row["diffusion_coefficient_square_metre_per_second"] is None
    assert row["reason"] in REASONS
    return str(row["reason"])


@pytest.mark.parametrize("way", [1, -1])
def test_known_diffusion_comes_back(way: int) -> None:
    """D of 1e-16 m²/s in a film of 1 µm, from pulses of either direction, within 0.01 %."""
    rows = pulses_of(inputs_of(titrate(way=way)))
    assert [row["status"] for row in rows] == ["refused"] + ["measured"] * 7
    for row in rows[1:]:
        assert row["diffusion_coefficient_square_metre_per_second"] == pytest.approx(DIFFUSION, rel=1e-4)
        assert row["diffusion_rate_per_second"] == pytest.approx(RATE, rel=1e-4)
        assert row["direction"] == ("charge" if way > 0 else "discharge")
    assert {row["flags"] for row in rows} == {""}


def test_parts_of_the_formula() -> None:
    """ΔE_s is a pulse's charge over the capacity, the ohmic drop is the resistance's, ΔE_t is without it."""
    row = pulses_of(inputs_of(titrate()))[3]
    assert row["steady_change_volt"] == pytest.approx(AMPERE * 600 * VOLT_PER_COULOMB, rel=1e-6)
    assert row["ohmic_change_volt"] == pytest.approx(AMPERE * OHM, rel=0.01)
    transient = 2 * VOLT_PER_COULOMB * AMPERE / RATE * np.sqrt(RATE * 600 / np.pi)
    assert row["transient_change_volt"] == pytest.approx(transient, rel=1e-4)
    assert row["pulse_of_diffusion_time"] == pytest.approx(RATE * 600, rel=1e-4)


def test_charge_pairs_with_the_next_rest() -> None:
    """The open-circuit voltage of a charge is that at the end of the rest behind it."""
    rows = pulses_of(inputs_of(titrate()))
    for row in rows:
        charge = row["train_charge_ah"] * 3600
        assert row["voltage_after_volt"] == pytest.approx(3.6 + charge * VOLT_PER_COULOMB, abs=1e-6)
    assert [row["voltage_before_volt"] for row in rows[1:]] == [row["voltage_after_volt"] for row in rows[:-1]]


def test_interval_covers_the_truth() -> None:
    """With 10 µV of noise, the interval holds the truth for most pulses, and is not wider than a factor of two."""
    rows = [row for row in pulses_of(inputs_of(titrate(40, noise=10e-6))) if row["status"] == "measured"]
    low, high = ("diffusion_rate_low_per_second", "diffusion_rate_high_per_second")
    assert np.mean([row[low] <= RATE <= row[high] for row in rows]) >= 0.9
    assert np.median([row[high] / row["diffusion_rate_per_second"] for row in rows]) < 2


def test_first_pulse_is_refused() -> None:
    """The first pulse of a titration has no diffusion coefficient, whatever its voltages."""
    rows = pulses_of(inputs_of(titrate()))
    assert refusal(rows[0]) == "first_pulse"


def test_without_thickness_the_rate_is_given() -> None:
    """Without the cathode's thickness D is refused, and D/L² stands."""
    row = pulses_of(inputs_of(titrate(), None))[2]
    assert row["diffusion_rate_per_second"] == pytest.approx(RATE, rel=1e-4)
    assert row["diffusion_coefficient_square_metre_per_second"] is None
    assert row["diffusion_coefficient_reason"] == "no_thickness"
    assert row["diffusion_coefficient_reason"] in REASONS
    unassigned = pulses_of(see(measure(*titrate(), typed=True)))[2]
    assert unassigned["diffusion_coefficient_reason"] == "no_thickness"


def test_doubled_thickness_is_fourfold() -> None:
    """D grows with the square of the thickness."""
    thin, thick = (pulses_of(inputs_of(titrate(), factor * THICKNESS))[2] for factor in (1, 2))
    name = "diffusion_coefficient_square_metre_per_second"
    assert thick[name] == pytest.approx(4 * thin[name])


def test_late_first_record_is_seen_through() -> None:
    """Records that begin one interval after the current do not shift the origin of √t."""
    rows = measure(*titrate(), typed=True).with_columns(
        place=pl.int_range(pl.len()).over("step_count"), charging=pl.col("current_ampere") > 0
    )
    kept = rows.filter(~pl.col("charging") | (pl.col("place") > 0)).drop("place", "charging")
    row = pulses_of(see(kept, {"cathode_thickness_metre": THICKNESS}))[2]
    assert row["pulse_second"] == pytest.approx(600.0)
    assert row["diffusion_coefficient_square_metre_per_second"] == pytest.approx(DIFFUSION, rel=1e-3)


def test_unfinished_relaxation_is_flagged() -> None:
    """Rests of half an hour, in which the film does not come to rest, are flagged on both sides."""
    row = pulses_of(inputs_of(titrate(rest_seconds=1800.0)))[3]
    assert row["flags"] == "not_relaxed_before,not_relaxed_after"
    assert row["rest_slope_volt_per_second"] < 0


def test_rest_of_coarse_voltage_is_flagged() -> None:
    """A voltage that stands still within 0.2 mV for half an hour may yet move by more than the recipe allows."""
    row = pulses_of(inputs_of(titrate(rest_seconds=1800.0, quantum=2e-4)))[3]
    assert "unresolved" in row["flags"] or "not_relaxed" in row["flags"]
    long = pulses_of(inputs_of(titrate(slope=200.0, quantum=2e-4)))[3]
    assert long["flags"] == ""


def test_long_pulse_is_refused() -> None:
    """A pulse of 0.6 L²/D felt the far side of the film; one of 0.2 comes out within a per cent."""
    assert refusal(pulses_of(inputs_of(titrate(seconds=0.6 / RATE)))[3]) == "pulse_too_long"
    near = pulses_of(inputs_of(titrate(seconds=0.2 / RATE)))[3]
    assert near["diffusion_rate_per_second"] == pytest.approx(RATE, rel=0.01)


def test_plateau_is_refused() -> None:
    """Where the open-circuit voltage hardly moves, ΔE_s drowns in the noise."""
    rows = pulses_of(inputs_of(titrate(slope=0.02, noise=20e-6)))
    assert {refusal(row) for row in rows[1:]} <= {"not_resolved", "not_straight", "moves_against_charge"}


def test_bent_voltage_is_refused() -> None:
    """A voltage that follows t² within the pulse is no diffusion."""
    parts = titrate()
    bent = [
        part if part.said == "rest" else replace(part, voltage=part.voltage[0] + 0.01 * (part.time / 600) ** 4)
        for part in parts
    ]
    assert refusal(pulses_of(inputs_of(bent))[2]) == "not_straight"


def test_voltage_that_moves_against_the_charge_is_refused() -> None:
    """A titration whose open-circuit voltage falls while it is charged has no D."""
    parts = titrate()
    fallen = [replace(part, voltage=part.voltage - 0.002 * number) for number, part in enumerate(parts)]
    assert refusal(pulses_of(inputs_of(fallen))[2]) == "moves_against_charge"


def test_few_records_are_refused() -> None:
    """A pulse of six records has no line."""
    assert refusal(pulses_of(inputs_of(titrate(records=6)))[2]) == "too_few_points"


def test_two_steps_between_rests_are_refused() -> None:
    """ΔE_s over two pulses would make D four times too large, so such a pair has none."""
    parts = titrate()
    doubled = [*parts[:5], parts[5], parts[5], *parts[6:]]
    rows = pulses_of(inputs_of(doubled))
    assert [row["reason"] for row in rows[1:4]] == [None, "not_one_pulse", None]
    assert rows[2]["step_count"] == 6


def test_last_pulse_without_a_rest_is_refused() -> None:
    """The voltage that the last pulse led to is not known before the next rest ends."""
    rows = pulses_of(inputs_of(titrate()[:-1]))
    assert refusal(rows[-1]) == "no_rest"
    assert rows[-1]["voltage_after_volt"] is None


def test_charge_and_discharge_are_two_trains() -> None:
    """A titration up and one down are numbered apart, and each has its own first pulse."""
    rows = pulses_of(inputs_of([*titrate(), *titrate(way=-1)[1:]]))
    assert [(row["train"], row["pulse"]) for row in rows] == [(t, p) for t in (1, 2) for p in range(1, 9)]
    assert [row["reason"] for row in rows].count("first_pulse") == 2


def test_cycling_is_no_titration() -> None:
    """Charges and discharges with rests between have no rows, nor do pulses at ever larger currents."""
    cycles = [hold_current(way * 1e-3, 3600, (3.0, 4.0)) for _ in range(8) for way in (1, -1)]
    assert compute_diffusion(inputs_of([one for part in cycles for one in (part, rest(3.5))]), RECIPE)[0].is_empty()
    rates = [hold_current(-1e-3 * 1.5**number, 600, (4.0, 3.9)) for number in range(8)]
    assert compute_diffusion(inputs_of([one for part in rates for one in (part, rest(3.95))]), RECIPE)[0].is_empty()


def test_short_pulses_are_no_titration() -> None:
    """Pulses of milliseconds, as a radio draws them, are none."""
    parts = [one for _ in range(10) for one in (hold_current(-1e-3, 0.01, (4.0, 3.9)), rest(3.95))]
    assert compute_diffusion(inputs_of(parts), RECIPE)[0].is_empty()


def test_four_pulses_are_too_few() -> None:
    """The recipe says how many pulses make a titration."""
    assert pulses_of(inputs_of(titrate(4))) == []
    assert len(pulses_of(inputs_of(titrate(4)), replace(RECIPE, fewest_pulses=4))) == 4


def test_rows_are_the_table() -> None:
    """Every column is declared, and the same input gives the same rows."""
    first, again = (compute_diffusion(inputs_of(titrate()), RECIPE)[0] for _ in range(2))
    assert dict(first.schema) == GITT.dtypes
    assert first.equals(again)


def test_real_titration(corpus_rows: given.TestInputs) -> None:
    """A real test of 183 pulses of 3 min, 15 min apart: most tell, either way alike; no rest was long enough."""
    rows = pl.DataFrame(pulses_of(corpus_rows), infer_schema_length=None)
    assert rows.height == 183
    told = rows.filter(pl.col("status") == "measured")
    assert told.height >= 120
    medians = told.group_by("direction").agg(pl.col("diffusion_rate_per_second").median()).sort("direction")
    charge, discharge = medians["diffusion_rate_per_second"]
    assert 1e-4 < charge < 1e-3
    assert 0.5 < charge / discharge < 2
    assert rows["flags"].str.contains("not_relaxed").all()


@pytest.fixture(scope="module")
def corpus_rows(corpus: Path) -> given.TestInputs:
    """The one titration among the real files, read and cut into steps."""
    import parsers  # noqa: PLC0415 only where the corpus is there

    (path,) = corpus.glob("arbin_res/*20210210_FC_01_cc_02.res")
    measurements = parsers.read(path).measurements
    assert measurements is not None
    return see(measurements)
