"""What loads tell: resistance over the cycles, pulses against their limit, capacity over the rate, mean voltages."""

from __future__ import annotations

from typing import Final

import polars as pl

from portal.charts.figure import Figure, Heading, Trace, axis, empty_figure
from portal.charts.palette import GREY, style_of
from portal.charts.text import Text
from portal.charts.units import pick_prefix, to_plain
from portal.decimation import decimate
from portal.reasons import explain

RESISTANCE: Final = Text("Direct-current resistance")
PULSES: Final = Text("Voltage under pulses")
RATE: Final = Text("Rate capability")
VOLTAGES: Final = Text("Mean voltages")
DIRECTIONS: Final = {"charge": Text("charge"), "discharge": Text("discharge")}
RATE_STATES: Final = {
    "reference": Text("Reference rate"),
    "bracketed": Text("Between two reference blocks"),
    "not_bracketed": Text("Rate and fade cannot be told apart"),
}
RESISTANCE_HEADINGS: Final = (
    Heading("cycle", Text("Cycle")),
    Heading("direction", Text("Direction"), words=DIRECTIONS),
    Heading("after_second", Text("Time behind the edge"), "s"),
    Heading("resistance_ohm", Text("Resistance"), "Ω"),
    Heading("state_of_charge", Text("State of charge"), percent=True),
    Heading("temperature_celsius", Text("Temperature"), "°C"),
    Heading("test_id", Text("Test")),
)
PULSE_HEADINGS: Final = (
    Heading("pulse", Text("Pulse")),
    Heading("direction", Text("Direction"), words=DIRECTIONS),
    Heading("current_ampere", Text("Current"), "A"),
    Heading("duration_second", Text("Duration"), "s"),
    Heading("voltage_before_volt", Text("Voltage before"), "V"),
    Heading("lowest_voltage_volt", Text("Lowest voltage"), "V"),
    Heading("highest_voltage_volt", Text("Highest voltage"), "V"),
    Heading("resistance_10_millisecond_ohm", Text("Resistance after 10 ms"), "Ω"),
    Heading("resistance_1_second_ohm", Text("Resistance after 1 s"), "Ω"),
    Heading("test_id", Text("Test")),
)
RATE_HEADINGS: Final = (
    Heading("rate_per_hour", Text("C-rate"), "1/h"),
    Heading("current_ampere", Text("Current"), "A"),
    Heading("capacity_ah", Text("Capacity"), "Ah"),
    Heading("capacity_ratio", Text("Part of the reference capacity"), percent=True),
    Heading("recovery", Text("Recovery of the reference capacity"), percent=True),
    Heading("cycles", Text("Cycles")),
    Heading("status", Text("Status"), words=RATE_STATES),
)
VOLTAGE_HEADINGS: Final = (
    Heading("cycle", Text("Cycle")),
    Heading("mean_charging_voltage_volt", Text("Mean voltage of charge"), "V"),
    Heading("mean_discharging_voltage_volt", Text("Mean voltage of discharge"), "V"),
    Heading("polarisation_volt", Text("Polarisation"), "V"),
    Heading("test_id", Text("Test")),
)


def draw_resistance(resistance: pl.DataFrame) -> Figure:
    """Draw the resistance behind the beginning of charge and discharge, a line for each time behind the edge.

    Args:
        resistance: rows of the query ``resistance`` of one cell.
    """
    # Edges of pulses are another load; they have a chart of their own.
    edges = resistance.filter(pl.col("of") == "cycle", pl.col("edge") == "load", ~pl.col("at_end"))
    shown = edges.filter(pl.col("status") == "resolved").sort("direction", "after_second", "start_unix_time_second")
    notes = _explain(edges.filter(pl.col("status") != "resolved"), "status")
    if shown.is_empty():
        return empty_figure(RESISTANCE, *(notes or (Text("No edge of the current was recorded finely enough."),)))
    factor, unit = pick_prefix(shown["resistance_ohm"], "Ω")
    traces = []
    for number, part in enumerate(shown.partition_by("direction", "after_second", maintain_order=True)):
        after = f"{part['after_second'][0]:g} s"
        name = Text("{direction}, {after}", direction=DIRECTIONS[part["direction"][0]], after=after)
        seen = decimate(part, "cycle", "resistance_ohm")
        traces.append(_points(name, to_plain(seen["cycle"]), to_plain(seen["resistance_ohm"], factor), number))
    layout = {"xaxis": axis(Text("Cycle")), "yaxis": axis(Text("Resistance", unit=unit)), "showlegend": True}
    return Figure(RESISTANCE, traces, layout, shown, RESISTANCE_HEADINGS, notes)


def draw_pulses(pulses: pl.DataFrame) -> Figure:
    """Draw the voltage before each pulse and its extreme, with the limit.

    Args:
        pulses: rows of the query ``pulses`` of one cell.
    """
    # Pulses of several tests follow each other by the clock, not by their numbers within a test.
    rows = pulses.sort("start_unix_time_second", "pulse").with_columns(
        place=pl.int_range(1, pl.len() + 1, dtype=pl.Int64),
        extreme=pl.when(pl.col("direction") == "discharge")
        .then("lowest_voltage_volt")
        .otherwise("highest_voltage_volt"),
    )
    if rows.is_empty():
        return empty_figure(PULSES, Text("There are no pulses in this cell's tests."))
    traces = [_points(Text("Before the pulse"), *_pair(rows, "voltage_before_volt"), 3)]
    for number, part in enumerate(rows.partition_by("direction", maintain_order=True)):
        name = Text("Extreme under {direction}", direction=DIRECTIONS[part["direction"][0]])
        traces.append(_points(name, *_pair(part, "extreme"), number))
    # A cell has one lower limit and one upper, whatever the number of pulses.
    limits = rows["limit_voltage_volt"].drop_nulls().unique().to_list()
    layout = {"xaxis": axis(Text("Pulse")), "yaxis": axis(Text("Voltage", unit="V")), "showlegend": True}
    layout["shapes"] = [_limit(limit) for limit in limits]
    notes = _explain(rows.filter(pl.col("status") != "resolved"), "status")
    lines = (Text("Dashed lines are voltage limits."),) if limits else ()
    return Figure(PULSES, traces, layout, rows, PULSE_HEADINGS, (*lines, *notes))


def draw_rate(rate: pl.DataFrame) -> Figure:
    """Draw what is left of the capacity at each rate.

    Args:
        rate: rows of the query ``rate`` of one cell.
    """
    rows = rate.filter(pl.col("rate_per_hour").is_not_null(), pl.col("capacity_ratio").is_not_null())
    if rows.is_empty():
        return empty_figure(RATE, Text("There is no rate test of this cell."))
    traces = [
        _points(name, to_plain(part["rate_per_hour"]), to_plain(part["capacity_ratio"], 100.0), number, mode="markers")
        for number, (state, name) in enumerate(RATE_STATES.items())
        if (part := rows.filter(pl.col("status") == state)).height
    ]
    layout = {
        # Rates are chosen by factors.
        "xaxis": axis(Text("C-rate", unit="1/h"), type="log"),
        "yaxis": axis(Text("Part of the reference capacity", unit="%")),
        "showlegend": True,
    }
    return Figure(RATE, traces, layout, rows, RATE_HEADINGS)


def draw_voltages(cycles: pl.DataFrame) -> Figure:
    """Draw mean voltages of charge and discharge over the cycles.

    Args:
        cycles: rows of the query ``cycles`` of one cell.
    """
    rows = cycles.filter(pl.col("class") != "incomplete").sort("start_time", "cycle")
    rows = rows.with_columns(place=pl.int_range(1, pl.len() + 1, dtype=pl.Int64))
    if rows.is_empty():
        return empty_figure(VOLTAGES, Text("There is no complete cycle yet."))
    traces = [
        _points(heading.text, *_pair(rows, heading.name), number)
        for number, heading in enumerate(VOLTAGE_HEADINGS[1:3])
    ]
    layout = {"xaxis": axis(Text("Cycle")), "yaxis": axis(Text("Voltage", unit="V")), "showlegend": True}
    return Figure(VOLTAGES, traces, layout, rows, VOLTAGE_HEADINGS)


def _pair(rows: pl.DataFrame, column: str) -> tuple[list[float | None], list[float | None]]:
    seen = decimate(rows, "place", column)
    return to_plain(seen["place"]), to_plain(seen[column])


def _points(
    name: Text, x: list[float | None], y: list[float | None], number: int, *, mode: str = "lines+markers"
) -> Trace:
    few = "lines" if len(x) > 150 and mode != "markers" else mode  # noqa: PLR2004 a marker every few pixels
    hover = "%{fullData.name}<br>%{x:.5g}: %{y:.5g}<extra></extra>"
    return {"type": "scatter", "mode": few, "name": name, "x": x, "y": y, "hovertemplate": hover, **style_of(number)}


def _limit(volt: float) -> dict[str, object]:
    line = {"color": GREY, "dash": "dash", "width": 1}
    return {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": volt, "y1": volt, "line": line}


def _explain(rows: pl.DataFrame, column: str) -> tuple[Text, ...]:
    """Return a sentence for each reason why rows are not drawn."""
    codes = rows[column].drop_nulls().unique().sort().to_list()
    return tuple(text for code in codes if (text := explain("loads", code)))
