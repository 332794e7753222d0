"""Voltage over capacity and dQ/dV, a line per half cycle, coloured by the cycle."""

from __future__ import annotations

from typing import Any, Final

import polars as pl

from portal.charts.figure import Figure, Heading, Trace, axis, empty_figure
from portal.charts.loads import DIRECTIONS
from portal.charts.palette import viridis, viridis_scale
from portal.charts.text import Text
from portal.charts.units import pick_prefix, to_plain
from portal.decimation import decimate
from portal.reasons import explain

CURVES: Final = Text("Voltage over capacity")
DQDV: Final = Text("Differential capacity")
SECONDS_PER_HOUR: Final = 3600.0
# More curves than these lie over each other.
MOST_CYCLES: Final = 12
# A curve of one half cycle is smooth: this is finer than a screen.
MOST_POINTS: Final = 1200
CURVE_HEADINGS: Final = (
    Heading("cycle", Text("Cycle")),
    Heading("direction", Text("Direction"), words=DIRECTIONS),
    Heading("charge_ah", Text("Capacity"), "Ah"),
    Heading("voltage_volt", Text("Voltage"), "V"),
)
DQDV_HEADINGS: Final = (
    Heading("cycle", Text("Cycle")),
    Heading("direction", Text("Direction"), words=DIRECTIONS),
    Heading("voltage_volt", Text("Voltage"), "V"),
    Heading("dqdv_ah_per_volt", Text("dQ/dV"), "Ah/V"),
)


def pick_cycles(cycles: list[int], most: int = MOST_CYCLES) -> list[int]:
    """Return some of the cycles, evenly spread, the first and the last among them."""
    if len(cycles) <= most:
        return cycles
    return [cycles[round(place * (len(cycles) - 1) / (most - 1))] for place in range(most)]


def draw_curves(measurements: pl.DataFrame, steps: pl.DataFrame, cycles: list[int]) -> Figure:
    """Draw voltage over the charge that a half cycle has moved, constant voltage included.

    Args:
        measurements: records of one test.
        steps: rows of the query ``steps`` of that test.
        cycles: logical cycles of the test to show.
    """
    halves = _integrate(measurements, steps, cycles)
    if halves.is_empty():
        return empty_figure(CURVES, Text("There are no records of these cycles."))
    factor, unit = pick_prefix(halves["charge_ah"], "Ah")
    colours = _colour(cycles)
    traces = [
        _line(
            decimate(part, "charge_ah", "voltage_volt", MOST_POINTS),
            ("charge_ah", factor),
            ("voltage_volt", 1.0),
            colours,
        )
        for part in halves.partition_by("cycle", "direction", maintain_order=True)
    ]
    layout = {"xaxis": axis(Text("Capacity", unit=unit)), "yaxis": axis(Text("Voltage", unit="V")), **_bar(cycles)}
    note = Text("Charge by integration of the records within each half cycle.")
    return Figure(CURVES, [*traces, _bar_trace(cycles)], layout, halves, CURVE_HEADINGS, (note,), height=460)


def draw_dqdv(dqdv: pl.DataFrame) -> Figure:
    """Draw dQ/dV over voltage, discharge downwards.

    Args:
        dqdv: rows of the query ``dqdv`` of one test.
    """
    shown = dqdv.filter(pl.col("status") == "shown", pl.col("dqdv_ah_per_volt").is_not_null())
    if shown.is_empty():
        codes = dqdv["reason"].drop_nulls().unique().sort().to_list()
        nothing = (Text("There is no cycle to show it for yet."),)
        return empty_figure(
            DQDV, *(text for code in codes if (text := explain("loads", code))), *(() if codes else nothing)
        )
    # Peaks of charge and discharge then stand opposite each other.
    sign = pl.when(pl.col("direction") == "discharge").then(-1.0).otherwise(1.0)
    rows = shown.with_columns(signed=pl.col("dqdv_ah_per_volt") * sign).sort("cycle", "direction", "voltage_volt")
    factor, unit = pick_prefix(rows["signed"], "Ah/V")
    cycles = rows["cycle"].unique().sort().to_list()
    colours = _colour(cycles)
    traces = [
        _line(decimate(part, "voltage_volt", "signed", MOST_POINTS), ("voltage_volt", 1.0), ("signed", factor), colours)
        for part in rows.partition_by("cycle", "direction", maintain_order=True)
    ]
    layout = {"xaxis": axis(Text("Voltage", unit="V")), "yaxis": axis(Text("dQ/dV", unit=unit)), **_bar(cycles)}
    note = Text("Charge above zero, discharge below it.")
    return Figure(DQDV, [*traces, _bar_trace(cycles)], layout, rows, DQDV_HEADINGS, (note,), height=460)


def _integrate(measurements: pl.DataFrame, steps: pl.DataFrame, cycles: list[int]) -> pl.DataFrame:
    """Return voltage over the charge since the half cycle began, both positive."""
    # Rests move no charge; their records would only draw vertical lines.
    moving = steps.filter(pl.col("cycle").is_in(cycles), pl.col("kind").str.contains("^(charge|discharge)"))
    labels = moving.select("step_count", "cycle", direction=pl.col("kind").str.extract("^(charge|discharge)"))
    rows = measurements.select("test_time_second", "voltage_volt", "current_ampere", "step_count")
    rows = rows.join(labels, on="step_count", maintain_order="left")
    # A pause between two steps of one half cycle moves no charge.
    same = pl.col("step_count") == pl.col("step_count").shift()
    passed = pl.when(same).then(pl.col("test_time_second").diff()).otherwise(0.0)
    # Trapezoid, as the steps themselves are integrated.
    mean = (pl.col("current_ampere") + pl.col("current_ampere").shift()).abs() / 2
    moved = (passed * mean).fill_null(0.0) / SECONDS_PER_HOUR
    half = ["cycle", "direction"]
    return rows.with_columns(charge_ah=moved.cum_sum().over(half)).select(*half, "charge_ah", "voltage_volt")


def _line(rows: pl.DataFrame, x: tuple[str, float], y: tuple[str, float], colours: dict[int, str]) -> Trace:
    cycle, direction = rows["cycle"][0], rows["direction"][0]
    return {
        "type": "scatter",
        "mode": "lines",
        "name": f"#{cycle}",
        "x": to_plain(rows[x[0]], x[1]),
        "y": to_plain(rows[y[0]], y[1]),
        # Which way the current flows must not hang on colour.
        "line": {"color": colours[cycle], "width": 1.5, "dash": "solid" if direction == "charge" else "dash"},
        "hovertemplate": "#" + str(cycle) + "<br>%{x:.5g}, %{y:.5g}<extra></extra>",
    }


def _colour(cycles: list[int]) -> dict[int, str]:
    first, last = min(cycles), max(cycles)
    return {cycle: viridis((cycle - first) / ((last - first) or 1)) for cycle in cycles}


def _bar(cycles: list[int]) -> dict[str, Any]:
    scale = {"colorscale": viridis_scale(), "cmin": min(cycles), "cmax": max(cycles)}
    return {"coloraxis": {**scale, "colorbar": {"title": {"text": Text("Cycle")}, "thickness": 14}}}


def _bar_trace(cycles: list[int]) -> Trace:
    # Only to make Plotly draw the bar: lines cannot carry a colour scale.
    marker = {"coloraxis": "coloraxis", "color": [min(cycles), max(cycles)], "size": 0.1, "opacity": 0}
    place = {"x": [None, None], "y": [None, None]}
    return {"type": "scatter", "mode": "markers", **place, "marker": marker, "hoverinfo": "skip"}
