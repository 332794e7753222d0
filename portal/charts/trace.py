"""What the instrument recorded: voltage above, current below, over the time of the test."""

from __future__ import annotations

from typing import Any, Final

import polars as pl

from portal.charts.figure import Figure, Heading, Trace, axis, empty_figure
from portal.charts.palette import style_of
from portal.charts.text import Text
from portal.charts.units import pick_prefix, to_plain
from portal.decimation import MOST, decimate

TITLE: Final = Text("Raw records")
SECONDS_PER_HOUR: Final = 3600.0
HEADINGS: Final = (
    Heading("test_time_second", Text("Test time"), "s"),
    Heading("voltage_volt", Text("Voltage"), "V"),
    Heading("current_ampere", Text("Current"), "A"),
    Heading("step_count", Text("Step")),
    Heading("cycle_count", Text("Cycle of the instrument")),
)


def draw_trace(measurements: pl.DataFrame, first: float | None = None, last: float | None = None) -> Figure:
    """Draw records between two times of the test, both included.

    Args:
        measurements: records of one test.
        first: test time of the first record in s; the test's first by default.
        last: test time of the last; the test's last by default.
    """
    time = pl.col("test_time_second")
    rows = measurements.filter(
        time >= first if first is not None else pl.lit(True), time <= last if last is not None else pl.lit(True)
    )
    if rows.is_empty():
        return empty_figure(TITLE, Text("There are no records between these times."))
    traces, layout = _draw_lines(rows)
    shown = max(len(trace["x"]) for trace in traces)
    notes = [Text("{rows} records.", rows=f"{rows.height:,}")]
    if shown < rows.height:
        notes.append(
            Text(
                "Thinned to {shown} points a line; every extreme is kept. Zoom in to see each record.",
                shown=f"{shown:,}",
            )
        )
    return Figure(TITLE, traces, layout, rows, HEADINGS, tuple(notes), height=480)


def _draw_lines(rows: pl.DataFrame) -> tuple[list[Trace], dict[str, Any]]:
    seconds = float(rows["test_time_second"][-1]) - float(rows["test_time_second"][0])
    # Hours for a test, seconds for a step.
    scale, unit = (1.0, "s") if seconds < 2 * SECONDS_PER_HOUR else (1 / SECONDS_PER_HOUR, "h")
    factor, ampere = pick_prefix(rows["current_ampere"], "A")
    lines = (("voltage_volt", 1.0, "y", Text("Voltage")), ("current_ampere", factor, "y2", Text("Current")))
    traces = []
    for number, (column, size, upright, name) in enumerate(lines):
        # Each line by itself: a spike of the current is none of the voltage.
        seen = decimate(rows, "test_time_second", column, MOST)
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": name,
                "x": to_plain(seen["test_time_second"], scale),
                "y": to_plain(seen[column], size),
                "yaxis": upright,
                "line": {**style_of(number)["line"], "dash": "solid", "width": 1.3},
                "hovertemplate": "%{x:.6g} " + unit + ": %{y:.6g}<extra></extra>",
            }
        )
    layout = {
        "xaxis": axis(Text("Test time", unit=unit), anchor="y2"),
        "yaxis": axis(Text("Voltage", unit="V"), domain=[0.42, 1.0]),
        "yaxis2": axis(Text("Current", unit=ampere), domain=[0.0, 0.34]),
        # Typed bounds are in the axis' unit; the page asks for records by the second.
        "meta": {"seconds": 1 / scale},
    }
    return traces, layout
