from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from chart_frames import ENGLISH, KOREAN, dies_of, fade_of, summary_of

from portal.charts.compare import FEWEST_MULTIPLES, MOST_MULTIPLES, MOST_POINTS, draw_groups, draw_overlay
from portal.charts.curves import draw_curves, draw_dqdv, pick_cycles
from portal.charts.efficiency import DASH, cut_digits, print_efficiency
from portal.charts.fade import AXES, draw_fade
from portal.charts.figure import Figure
from portal.charts.groups import group_cells, say_group, shorten
from portal.charts.loads import draw_pulses, draw_rate, draw_resistance, draw_voltages
from portal.charts.palette import CATEGORIES, style_of, viridis
from portal.charts.spectra import draw_nyquist, evaluate_circuit, is_whole
from portal.charts.survival import draw_survival
from portal.charts.text import Text
from portal.charts.trace import draw_trace
from portal.charts.units import pick_prefix
from portal.charts.wafer import BIN_WORDS, draw_map, draw_radial, draw_yield
from portal.decimation import decimate
from portal.pages.amounts import write_amount
from portal.pages.sparks import HEIGHT, WIDTH, draw_spark
from warehouse.schema import DIE_BINS

SPECTRUM = {"test_id": "t-1", "spectrum_index": 1}


def trace_named(figure: Figure, name: str) -> dict[str, object]:
    return next(trace for trace in figure.data if trace.get("name") == name)


def test_decimation_keeps_ends_and_extremes() -> None:
    """Of a long trace no extreme is lost, neither end is, and no more points are left than were asked for."""
    rng = np.random.default_rng(1)
    values = rng.normal(size=200_000)
    values[123_456], values[77] = 50.0, -50.0
    frame = pl.DataFrame({"x": np.arange(values.size), "y": values})
    thin = decimate(frame, "x", "y", 5_000)
    assert thin.height <= 5_000
    assert (thin["y"].max(), thin["y"].min()) == (50.0, -50.0)
    assert thin["x"][0] == 0
    assert thin["x"][-1] == values.size - 1
    assert thin["x"].is_sorted()


def test_decimation_keeps_every_buckets_extremes() -> None:
    """A comb whose every tooth is one record wide keeps all of its teeth."""
    values = np.zeros(100_000)
    values[50::100] = 1.0
    thin = decimate(pl.DataFrame({"x": np.arange(values.size), "y": values}), "x", "y", 5_000)
    assert thin["y"].sum() == 1_000


def test_short_traces_are_left_as_they_are() -> None:
    """What fits on a screen is not thinned, only what has no value is left out."""
    frame = pl.DataFrame({"x": [1, 2, 3], "y": [1.0, None, 3.0]})
    assert decimate(frame, "x", "y", 10)["x"].to_list() == [1, 3]


@pytest.mark.parametrize(
    ("value", "floor", "shown"),
    [
        (0.99923456, 0.00085, "99.92 ± 0.09 %"),
        (0.998765432, 0.002, "99.9 ± 0.2 %"),
        (0.98765, 0.03, "99 ± 3 %"),
        (0.999999, 0.00001, "100.000 ± 0.001 %"),
        (0.998765432, None, "99.9 %"),
        (0.9, 1.2, DASH),
        (None, 0.001, DASH),
    ],
)
def test_efficiency_ends_at_its_floor(value: float | None, floor: float | None, shown: str) -> None:
    """An efficiency has no digit below its floor, and where nobody knows the floor none below 0.1 %."""
    assert print_efficiency(value, floor) == shown


def test_digits_under_the_floor_are_nowhere_in_a_chart() -> None:
    """Neither the points nor the table nor the hover text of a fade hold digits of an efficiency under its floor."""
    figure = draw_fade(fade_of("C1", 30), summary_of()).speak(ENGLISH)
    text = json.dumps(figure)
    assert "99.88" in text
    assert "99.87" not in text
    assert "0.9987" not in text


def test_an_unresolved_efficiency_is_not_drawn() -> None:
    """Where the floor is as large as the value, no digit is left to show."""
    cut = cut_digits(fade_of("C1", 3, floor=1.5))
    assert cut["coulombic_efficiency"].to_list() == [None] * 3


@pytest.mark.parametrize("over", AXES)
def test_fade_over_every_axis(over: str) -> None:
    """A fade is drawn over cycles, equivalent full cycles, throughput and days."""
    figure = draw_fade(fade_of("C1", 30), summary_of(), over=over)
    assert len(trace_named(figure, "Capacity retention")["x"]) == 30  # type: ignore[arg-type] a list
    assert AXES[over][1] in figure.speak(ENGLISH)["layout"]["xaxis"]["title"]["text"]


def test_floor_is_a_band_around_the_efficiency() -> None:
    """The band of the efficiency reaches from value less floor to value plus floor."""
    figure = draw_fade(fade_of("C1", 5), summary_of())
    upper = trace_named(figure, "Floor of the efficiency")
    assert upper["y"] == [pytest.approx(99.88 + 0.09)] * 5


def test_knee_and_end_of_life_are_marked() -> None:
    """A knee that was detected and an end of life that was reached stand as marks at their places."""
    knee = {"status": "detected", "knee_cycle": 40.0, "knee_low_cycle": 38.0, "knee_high_cycle": 42.0}
    ended = summary_of(end_of_life_cycle=55.5, end_of_life="55.5", knee_status="detected")
    spoken = draw_fade(fade_of("C1", 60), ended, knee | {"knee_retention": 0.9}).speak(ENGLISH)
    names = [trace["name"] for trace in spoken["data"] if "name" in trace]
    assert "Knee: cycle 40" in names
    assert "End of life: cycle 55.5" in names
    assert any(shape["type"] == "rect" for shape in spoken["layout"]["shapes"])


def test_what_is_not_reached_is_said() -> None:
    """Where life goes on and there is no knee, the chart says so instead of marking one."""
    notes = draw_fade(fade_of("C1", 60), summary_of()).speak(ENGLISH)["notes"]
    assert any("> 60" in note for note in notes)
    assert any("No knee" in note for note in notes)
    assert any("cycle 1 with 50 µAh" in note for note in notes)


def test_nothing_to_draw_says_why() -> None:
    """A chart without rows has no trace, and a sentence."""
    figure = draw_fade(fade_of("C1", 0), None)
    assert figure.is_empty
    assert figure.speak(KOREAN)["notes"] == ["아직 완료된 사이클이 없습니다."]


def test_few_cells_lie_over_each_other() -> None:
    """Up to eleven cells share one panel, told apart by colour, dash and marker."""
    frame = pl.concat([fade_of(f"C{number}", 20) for number in range(FEWEST_MULTIPLES - 1)])
    figure = draw_overlay(frame)
    styles = {(trace["line"]["color"], trace["line"]["dash"], trace["marker"]["symbol"]) for trace in figure.data}
    assert len(styles) == FEWEST_MULTIPLES - 1
    assert "grid" not in figure.layout


def test_twelve_cells_have_a_panel_each() -> None:
    """From twelve cells on each has its own panel, and all panels share their axes."""
    frame = pl.concat([fade_of(f"C{number}", 20) for number in range(FEWEST_MULTIPLES)])
    figure = draw_overlay(frame)
    assert len({(trace["xaxis"], trace["yaxis"]) for trace in figure.data}) == FEWEST_MULTIPLES
    assert figure.layout["yaxis2"]["matches"] == "y"
    assert len(figure.layout["annotations"]) == FEWEST_MULTIPLES


def test_a_thousand_cells_stay_small() -> None:
    """However many cells are compared, a browser gets bounded numbers of panels and points, and a note."""
    frame = pl.concat([fade_of(f"C{number:04}", 200) for number in range(1_000)])
    figure = draw_overlay(frame)
    assert len(figure.data) == MOST_MULTIPLES
    assert sum(len(trace["x"]) for trace in figure.data) <= MOST_POINTS
    assert "1000" in figure.speak(ENGLISH)["notes"][0]


def test_replicates_are_a_median_with_quartiles() -> None:
    """A group is drawn as its median with the band of its quartiles; three cells have no band."""
    slopes = (0.001, 0.002, 0.003, 0.004)
    frame = pl.concat([fade_of(f"C{number}", 11, slope=slope) for number, slope in enumerate(slopes)])
    groups = {f"C{number}": "S1" for number in range(4)}
    lower, upper, median = draw_groups(frame, groups).data
    assert median["y"][-1] == pytest.approx(97.5)
    assert (lower["y"][-1], upper["y"][-1]) == (pytest.approx(96.75), pytest.approx(98.25))
    assert len(draw_groups(frame, {f"C{number}": "S1" for number in range(3)}).data) == 1


def test_an_axis_that_is_not_known_is_no_error() -> None:
    """Cells without a wall clock have no days, and the comparison says so."""
    frame = fade_of("C1", 5).with_columns(elapsed_day=pl.lit(None, pl.Float64))
    assert draw_overlay(frame, "days").is_empty


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("wafer", {"C1": "L1 W1", "C2": "W2"}),
        ("split", {"C1": "S1"}),
        ("rate", {"C1": "0.2 C", "C2": "1.0 C"}),
        ("temperature", {"C1": "25 °C"}),
        ("replicate", {"C1": "discharge 0.2 C", "C2": "discharge 1 C"}),
    ],
)
def test_cells_are_grouped(by: str, expected: dict[str, str]) -> None:
    """Cells belong together by wafer, split, rate, temperature or as replicates; the unknown are left out."""
    cells = pl.DataFrame(
        {"cell_id": ["C1", "C2"], "lot": ["L1", None], "wafer": ["W1", "W2"], "process_split": ["S1", None]}
    )
    conditions = pl.DataFrame(
        {
            "cell_id": ["C1", "C2"],
            "stands_for_cell": [True, True],
            "discharging_rate_per_hour": [0.199, 1.0],
            "temperature_celsius": [24.2, None],
        }
    )
    names = ["P · discharge 0.2 C", "P · discharge 1 C"]
    replicates = pl.DataFrame({"replicate_group": names, "cells": ['["C1"]', '["C2"]']})
    assert group_cells(by, cells, lambda: conditions, lambda: replicates) == expected


def test_group_names_are_said_in_korean() -> None:
    """What the warehouse calls a group is said in the reader's language, part by part."""
    assert shorten(["P · a · b", "P · a · c"]) == {"P · a · b": "b", "P · a · c": "c"}
    assert say_group("LCO · 10 to 100 µAh · not recorded", KOREAN) == "LCO · 10\N{EN DASH}100 µAh · 기록 없음"
    assert say_group("charge 0.2 C", KOREAN) == "충전 0.2 C"


def records() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return records and steps of one cycle: an hour of charge and one of discharge, 10 µA each."""
    time = np.arange(0.0, 7_260.0, 60.0)
    charging = time <= 3_600
    volts = np.where(charging, 3 + time / 3_600, 4 - (time - 3_660) / 3_600)
    current = np.where(charging, 1e-5, -1e-5)
    measured = {"test_time_second": time, "voltage_volt": volts, "current_ampere": current}
    steps = {"step_count": [1, 2], "cycle": [1, 1], "kind": ["charge_cc", "discharge_cc"]}
    return pl.DataFrame(measured | {"step_count": np.where(charging, 1, 2)}), pl.DataFrame(steps)


def test_capacity_is_integrated_within_half_cycles() -> None:
    """Voltage is drawn over the charge of its own half cycle, charge solid and discharge dashed."""
    charge, discharge, _bar = draw_curves(*records(), [1]).data
    assert charge["x"][-1] == pytest.approx(10.0)
    assert discharge["x"][0] == 0.0
    assert (charge["line"]["dash"], discharge["line"]["dash"]) == ("solid", "dash")


def test_cycles_are_spread_and_coloured_in_order() -> None:
    """Of many cycles the first and last are among those shown, and viridis orders them."""
    assert pick_cycles(list(range(1, 101)), 5) == [1, 26, 51, 75, 100]
    assert viridis(0) == "rgb(68,1,84)"
    assert viridis(0) != viridis(1)


def test_refused_dqdv_says_why() -> None:
    """A curve that the records cannot carry is not drawn; the sentence of its reason is."""
    columns = {"cycle": [1], "direction": ["charge"], "status": ["refused"], "reason": ["records_too_sparse"]}
    values = {"voltage_volt": [None], "dqdv_ah_per_volt": [None]}
    frame = pl.DataFrame(columns | values, schema_overrides=dict.fromkeys(values, pl.Float64))
    assert "fewer records" in draw_dqdv(frame).speak(ENGLISH)["notes"][0]
    assert "기록 수가" in draw_dqdv(frame).speak(KOREAN)["notes"][0]


def test_discharge_of_dqdv_points_down() -> None:
    """dQ/dV of a discharge is drawn below zero."""
    rows = [("charge", 3.5, 1e-5), ("charge", 3.6, 2e-5), ("discharge", 3.5, 1e-5), ("discharge", 3.6, 2e-5)]
    frame = pl.DataFrame(rows, schema=["direction", "voltage_volt", "dqdv_ah_per_volt"], orient="row")
    frame = frame.with_columns(cycle=pl.lit(1), status=pl.lit("shown"), reason=pl.lit(None, pl.String))
    charge, discharge, _bar = draw_dqdv(frame).data
    assert charge["y"] == [10.0, 20.0]
    assert discharge["y"] == [-10.0, -20.0]


def test_resistance_has_a_line_for_each_time() -> None:
    """The resistance is drawn by direction and time behind the edge; what is not resolved is left out and explained."""
    rows = [
        {"direction": way, "after_second": after, "cycle": cycle, "status": "resolved", "resistance_ohm": 500.0 + cycle}
        for way in ("charge", "discharge")
        for after in (1.0, 10.0)
        for cycle in (1, 2)
    ]
    rows.append(rows[0] | {"status": "not_resolved", "resistance_ohm": None})
    common = {"of": "cycle", "edge": "load", "at_end": False, "start_unix_time_second": 0.0, "test_id": "t-1"}
    extra = {"state_of_charge": 1.0, "temperature_celsius": 25.0}
    figure = draw_resistance(pl.DataFrame([row | common | extra for row in rows]))
    assert [trace["name"].say(ENGLISH) for trace in figure.data] == [
        "charge, 1 s",
        "charge, 10 s",
        "discharge, 1 s",
        "discharge, 10 s",
    ]
    assert len(figure.notes) == 1


@pytest.mark.parametrize("draw", [draw_resistance, draw_pulses, draw_rate, draw_voltages])
def test_loads_that_were_not_measured_are_said(draw: object) -> None:
    """A cell without pulses, rates, edges or cycles has charts that say so."""
    names = ("of", "edge", "status", "direction", "class", "test_id")
    numbers = ("resistance_ohm", "start_unix_time_second", "pulse", "lowest_voltage_volt", "highest_voltage_volt")
    more = ("rate_per_hour", "capacity_ratio", "start_time", "cycle", "limit_voltage_volt", "after_second")
    schema = dict.fromkeys(names, pl.String) | dict.fromkeys((*numbers, *more), pl.Float64) | {"at_end": pl.Boolean}
    figure = draw(pl.DataFrame(schema=schema))  # type: ignore[operator] one of four functions
    assert figure.is_empty
    assert figure.notes


def elements() -> pl.DataFrame:
    """Return the elements of a fitted circuit R0 - (R1|Q1)."""
    rows = [
        {"element": "R0", "place": "series", "resistance_ohm": 100.0, "exponent": None, "q_siemens_second_power": None},
        {
            "element": "R1",
            "place": "interface",
            "resistance_ohm": 900.0,
            "exponent": 1.0,
            "q_siemens_second_power": 1e-6,
        },
    ]
    return pl.DataFrame(rows).with_columns(inductance_henry=pl.lit(None, pl.Float64), **_lit(SPECTRUM))


def _lit(values: dict[str, object]) -> dict[str, pl.Expr]:
    return {name: pl.lit(value) for name, value in values.items()}


def test_fit_is_the_circuits_impedance() -> None:
    """A fitted arc reaches from R0 to R0 + R1, and its top is half of R1 at 1/(2π·R·Q)."""
    ends = evaluate_circuit(elements(), np.array([1e-6, 1e9]))
    assert ends.real == pytest.approx([1_000.0, 100.0])
    (apex,) = evaluate_circuit(elements(), np.array([1 / (2 * np.pi * 900e-6)]))
    assert -apex.imag == pytest.approx(450.0)


def test_nyquist_has_equal_axes_and_frequencies() -> None:
    """An ohm is as long on either axis, each point tells its frequency, and the fit lies over its points."""
    hertz = np.geomspace(1e5, 1, 30)
    measured = evaluate_circuit(elements(), hertz)
    spectra = pl.DataFrame(
        {"frequency_hertz": hertz, "real_impedance_ohm": measured.real, "imaginary_impedance_ohm": measured.imag}
    ).with_columns(**_lit(SPECTRUM))
    known = {"temperature_celsius": 25.0, "bias_voltage_volt": 3.7, "state_of_charge": None}
    fits = pl.DataFrame([SPECTRUM | known | {"status": "fitted", "reason": None}])
    figure = draw_nyquist(spectra, fits.cast({"reason": pl.String, "state_of_charge": pl.Float64}), elements())
    points, fit = figure.data
    assert figure.layout["yaxis"]["scaleanchor"] == "x"
    assert points["customdata"] == pytest.approx(hertz, rel=1e-6)
    assert "25 °C" in points["name"]
    assert fit["x"][0] == pytest.approx(points["x"][0], rel=1e-6)


def test_a_fit_that_is_not_determined_is_not_drawn() -> None:
    """A circuit with an element that the band left open has no impedance to draw, and the chart says so."""
    assert is_whole(elements())
    opened = elements().with_columns(
        resistance_ohm=pl.when(pl.col("element") == "R1").then(None).otherwise("resistance_ohm")
    )
    assert not is_whole(opened)
    spectra = pl.DataFrame({"frequency_hertz": [10.0, 1.0], "real_impedance_ohm": [1.0, 2.0]})
    spectra = spectra.with_columns(imaginary_impedance_ohm=pl.lit(-1.0), **_lit(SPECTRUM))
    fits = pl.DataFrame(schema={"status": pl.String, "reason": pl.String})
    figure = draw_nyquist(spectra, fits, opened)
    assert len(figure.data) == 1
    assert "not drawn" in figure.speak(ENGLISH)["notes"][0]


def test_raw_records_keep_their_extremes() -> None:
    """A long trace is thinned to 5,000 points a line without losing its spike, and says that it was."""
    time = np.arange(100_000.0)
    volts = np.full(time.size, 3.7)
    volts[55_555] = 2.0
    frame = pl.DataFrame({"test_time_second": time, "voltage_volt": volts, "current_ampere": volts * 1e-6})
    figure = draw_trace(frame.with_columns(step_count=pl.lit(1), cycle_count=pl.lit(1)))
    assert min(figure.data[0]["y"]) == 2.0
    assert all(len(trace["x"]) <= 5_000 for trace in figure.data)
    assert "Thinned" in figure.speak(ENGLISH)["notes"][1]


def test_a_window_of_records_is_both_ends_included() -> None:
    """Records between two times of the test are those, and no others."""
    frame = pl.DataFrame({"test_time_second": [0.0, 1.0, 2.0], "voltage_volt": [3.0, 3.1, 3.2]})
    frame = frame.with_columns(current_ampere=pl.lit(1e-6), step_count=pl.lit(1), cycle_count=pl.lit(1))
    assert draw_trace(frame, 1.0, 2.0).data[0]["x"] == [1.0, 2.0]
    assert draw_trace(frame, 5.0).is_empty


def test_wafer_is_drawn_to_scale_with_its_notch_down() -> None:
    """Dies lie at their places in millimetres within the wafer's edge, and the notch is at the bottom."""
    figure = draw_map(dies_of(2).with_columns(diameter_metre=0.2), "capacity_ah")
    (tiles,) = figure.data
    assert tiles["x"] == [-32.0, -16.0, 0.0, 16.0, 32.0]
    assert tiles["z"][0][4] == pytest.approx(52.0)
    circle, notch = figure.layout["shapes"]
    assert circle["x1"] == 100.0
    assert notch["path"].startswith("M -3.5000,-100.0000")
    assert figure.layout["xaxis"]["scaleanchor"] == "y"


def test_wafer_without_a_pitch_is_drawn_by_die() -> None:
    """Without a pitch dies are counted, and the edge is said not to be to scale."""
    figure = draw_map(dies_of(1, pitch=None), "capacity_ah")
    assert figure.data[0]["x"] == [-1.0, 0.0, 1.0]
    assert "scale" in figure.speak(ENGLISH)["notes"][0]


def test_bins_are_told_by_number_and_word() -> None:
    """A bin stands as its number on the die and as a word beside its colour."""
    tiles = draw_map(dies_of(1), "bin").speak(ENGLISH)["data"][0]
    assert tiles["texttemplate"] == "%{z}"
    assert tiles["colorbar"]["ticktext"] == ["1: pass", "4: low capacity"]
    assert set(BIN_WORDS) == set(DIE_BINS)


def test_efficiency_on_a_wafer_has_no_digit_under_its_floor() -> None:
    """Where no floor stands beside an efficiency it is told to 0.1 %."""
    assert "99.87" not in json.dumps(draw_map(dies_of(1), "coulombic_efficiency").speak(ENGLISH))
    assert write_amount(0.998765432, "", "coulombic_efficiency") == "99.9 %"


def test_radial_profile_is_drawn_with_its_fit() -> None:
    """The fitted profile reaches from the centre to the wafer's radius, and its change is said with its interval."""
    profile = {"profile_status": "fitted", "reference_radius_metre": 0.1, "centre_value": 5e-5, "radial_part": -0.06}
    figure = draw_radial(dies_of(2), "capacity_ah", profile | {"radial_part_low": -0.08, "radial_part_high": -0.04})
    line = figure.data[1]
    assert (line["y"][0], line["y"][-1]) == (pytest.approx(50.0), pytest.approx(47.0))
    assert "-6.00 % (-8.00 to -4.00 %)" in figure.speak(ENGLISH)["notes"][0]


def test_yield_that_is_not_known_yet_says_why() -> None:
    """A wafer whose dies still run has no yield at that cycle, and the reason stands beside the others' intervals."""
    known = {"yield_of_tested": 0.9, "yield_of_tested_low": 0.7, "yield_of_tested_high": 0.97, "reason": None}
    open_still = dict.fromkeys(known) | {"reason": "still_running"}
    common = {"spec": "*", "revision": 0, "tested": 10, "good": 9, "censored": 0, "yield_of_gross": None}
    rows = [common | known | {"at_cycle": 0}, common | open_still | {"at_cycle": 500}]
    figure = draw_yield(pl.DataFrame(rows))
    assert figure.data[0]["error_y"]["arrayminus"] == [pytest.approx(20.0)]
    assert len(figure.notes) == 1


def test_survival_is_steps_by_split() -> None:
    """Survival falls in steps, a line for each split, under names that people use."""
    rows = [
        {"process_split": split, "cycle": cycle, "survival": survival, "survival_low": None, "survival_high": None}
        for split in ("*", "S1")
        for cycle, survival in ((0.0, 1.0), (40.0, 0.5))
    ]
    common = {"project": "P", "at_risk": 2, "ended": 1, "censored": 0, "interval_reason": None}
    frame = pl.DataFrame([row | common | {"end_of_life_threshold": 0.8} for row in rows])
    spoken = draw_survival(frame).speak(ENGLISH)
    assert [trace["name"] for trace in spoken["data"]] == ["All cells", "S1"]
    assert spoken["data"][0]["line"]["shape"] == "hv"


def test_a_table_stands_behind_every_chart() -> None:
    """The table has the chart's rows, a prefix for each column, fractions as percent, and its rows counted."""
    table = draw_fade(fade_of("C1", 30), summary_of()).speak(ENGLISH)["table"]
    assert "Capacity (µAh)" in table["columns"]
    assert "Capacity retention (%)" in table["columns"]
    assert table["total"] == len(table["rows"]) == 30


def test_charts_speak_two_languages() -> None:
    """Nothing of a chart stays English for a Korean reader but names and units."""
    spoken = draw_fade(fade_of("C1", 30), summary_of()).speak(KOREAN)
    assert spoken["title"] == "수명에 따른 용량"
    assert spoken["layout"]["yaxis"]["title"]["text"] == "용량 유지율 (%)"


def test_names_with_braces_are_no_templates() -> None:
    """A cell that somebody named with braces is shown as it is."""
    figure = draw_overlay(fade_of("{cell}", 5))
    assert figure.speak(ENGLISH)["data"][0]["name"] == "{cell}"
    assert Text("Cell").say(ENGLISH) == "Cell"


@pytest.mark.parametrize(
    ("values", "unit", "shown"),
    [
        ([5e-5, 4e-5], "Ah", "µAh"),
        ([2e-9], "A", "nA"),
        ([1500.0, 1600.0], "Ω", "kΩ"),
        ([], "Ah", "Ah"),
        ([3.7], "V", "V"),
    ],
)
def test_prefix_suits_the_values(values: list[float], unit: str, shown: str) -> None:
    """One prefix stands for all values of an axis, chosen by their size."""
    assert pick_prefix(pl.Series(values, dtype=pl.Float64), unit)[1] == shown


def test_seven_colours_of_okabe_and_ito_come_with_dash_and_marker() -> None:
    """No category hangs on its colour: the first forty differ in colour, dash or marker."""
    looks = {json.dumps(style_of(number), sort_keys=True) for number in range(40)}
    assert len(looks) == 40
    assert CATEGORIES[:3] == ("#0072B2", "#D55E00", "#009E73")


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (8_889.0, "s", "2.47 h"),
        (0.9879, "Ah/m²", "98.79 µAh/cm²"),
        (0.0271, "Ω·m²", "271.0 Ω·cm²"),
        (0.05, "1/a", "5.000 %/a"),
        (None, "Ah", DASH),
    ],
)
def test_amounts_have_the_units_people_use(value: float | None, unit: str, shown: str) -> None:
    """Values on pages stand in the units of the field, whatever the data's SI unit."""
    assert write_amount(value, unit) == shown


def test_sparks_stay_in_their_box() -> None:
    """A small line spans its box from its first value to its last, and one value makes no line."""
    points = [tuple(map(float, pair.split(","))) for pair in draw_spark([1.0, 0.8, 0.6]).split()]
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points)
    assert points[0][1] < points[-1][1]
    assert draw_spark([1.0]) == ""
