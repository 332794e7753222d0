"""A cell's fade: retention or capacity above, coulombic efficiency below, knee and end of life marked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import polars as pl

from portal.charts.efficiency import EFFICIENCY, FLOOR, cut_digits, print_efficiency
from portal.charts.figure import Figure, Heading, Trace, axis, empty_figure
from portal.charts.palette import CATEGORIES, GREY, fill_of, style_of
from portal.charts.text import Text
from portal.charts.units import pick_prefix, to_plain
from portal.decimation import decimate

TITLE: Final = Text("Capacity over the cell's life")
AXES: Final = {
    "cycle": ("cycle", Text("Cycle"), ""),
    "efc": ("equivalent_full_cycles", Text("Equivalent full cycles"), ""),
    "throughput": ("throughput_ah", Text("Charge throughput"), "Ah"),
    "days": ("elapsed_day", Text("Time since the first cycle"), "d"),
}
RETENTION, CAPACITY = "retention", "capacity"
SHOWN: Final = (RETENTION, CAPACITY)
# Retention is what people look for first; it gets twice the height of the efficiency.
UPPER: Final = [0.42, 1.0]
LOWER: Final = [0.0, 0.32]
CLASSES: Final = {
    "ageing": Text("Ageing cycles"),
    "formation": Text("Formation"),
    "rpt": Text("Check-ups"),
    "rate": Text("Rate test"),
    "pulse": Text("Pulse cycles"),
    "hold": Text("Cycles with a hold"),
}
POLICIES: Final = {
    "first": Text("the first complete cycle"),
    "first_after_formation": Text("the first cycle after formation"),
    "cycle_n": Text("a cycle that the recipe names"),
    "max_of_first": Text("the largest of the first cycles"),
    "median_3_5": Text("the median of cycles 3 to 5"),
}
KNEE: Final = {
    "none": Text("No knee: the fade does not accelerate."),
    "insufficient": Text("No knee can be told yet: too few cycles."),
    "indeterminate": Text("Whether there is a knee is undecided: two methods disagree."),
}
HEADINGS: Final = (
    Heading("cycle", Text("Cycle")),
    Heading("class", Text("Class"), words=CLASSES),
    Heading("equivalent_full_cycles", Text("Equivalent full cycles")),
    Heading("throughput_ah", Text("Charge throughput"), "Ah"),
    Heading("elapsed_day", Text("Time since the first cycle"), "d"),
    Heading("capacity_ah", Text("Capacity"), "Ah"),
    Heading("capacity_retention", Text("Capacity retention"), percent=True),
    Heading("printed", Text("Coulombic efficiency")),
    Heading("energy_efficiency", Text("Energy efficiency"), percent=True),
    Heading("test_id", Text("Test")),
)


def draw_fade(
    fade: pl.DataFrame,
    summary: Mapping[str, Any] | None,
    knee: Mapping[str, Any] | None = None,
    over: str = "cycle",
    show: str = RETENTION,
) -> Figure:
    """Draw a cell's life.

    Args:
        fade: rows of the query ``fade`` of one cell.
        summary: its row of ``summary``.
        knee: its consensus of ``knees``.
        over: what the horizontal axis counts: a key of AXES.
        show: retention, or capacity, which other than ageing cycles have too.
    """
    column, name, unit = AXES.get(over, AXES["cycle"])
    # A cycle that was cut short has neither a capacity nor an efficiency worth a point.
    rows = cut_digits(fade.filter(pl.col("class") != "incomplete"))
    if rows.is_empty():
        return empty_figure(TITLE, Text("There is no complete cycle yet."))
    # Without a nominal capacity there are no equivalent full cycles, without a clock no days.
    if rows[column].null_count() == rows.height:
        return empty_figure(TITLE, Text("This axis is not known for this cell: choose another one."))
    factor, shown_unit = pick_prefix(rows[column], unit)
    rows = rows.with_columns((pl.col(column) * factor).alias("x"))
    capacity, layout = _draw_capacity(rows, show)
    efficiency, efficiency_axis, efficiency_notes = _draw_efficiency(rows)
    marks, shapes, notes = _mark(rows, summary, knee, show)
    layout |= efficiency_axis | {
        "xaxis": axis(Text(name, unit=shown_unit), anchor="y2"),
        "shapes": shapes,
        "hovermode": "closest",
        "showlegend": True,
    }
    printed = [
        print_efficiency(*pair)
        for pair in fade.filter(pl.col("class") != "incomplete").select(EFFICIENCY, FLOOR).rows()
    ]
    table = rows.with_columns(pl.Series("printed", printed))
    said = (*_say_reference(summary), *notes, *efficiency_notes)
    return Figure(TITLE, [*capacity, *efficiency, *marks], layout, table, HEADINGS, said, height=520)


def _draw_capacity(rows: pl.DataFrame, show: str) -> tuple[list[Trace], dict[str, Any]]:
    if show == CAPACITY:
        factor, unit = pick_prefix(rows["capacity_ah"], "Ah")
        found = [(name, rows.filter(pl.col("class") == name)) for name in CLASSES]
        traces = [
            _line(part, ("capacity_ah", factor), CLASSES[name], number, f"%{{y:.4g}} {unit}")
            for number, (name, part) in enumerate(found)
            if part.height
        ]
        return traces, {"yaxis": axis(Text("Capacity", unit=unit), domain=UPPER)}
    # Other classes ran at other currents: a retention of theirs would mean nothing.
    kept = rows.filter(pl.col("capacity_retention").is_not_null())
    trace = _line(kept, ("capacity_retention", 100.0), Text("Capacity retention"), 0, "%{y:.2f} %")
    return [trace] if kept.height else [], {"yaxis": axis(Text("Capacity retention", unit="%"), domain=UPPER)}


def _line(rows: pl.DataFrame, scaled: tuple[str, float], name: Text, number: int, value: str) -> Trace:
    column, factor = scaled
    seen = decimate(rows, "x", column)
    style = style_of(number)
    # Where cycles stand close, markers would be a thick band.
    mode = "lines+markers" if seen.height <= 150 else "lines"  # noqa: PLR2004 a marker every few pixels
    return {
        "type": "scatter",
        "mode": mode,
        "name": name,
        "x": to_plain(seen["x"]),
        "y": to_plain(seen[column], factor),
        "customdata": seen["cycle"].to_list(),
        "hovertemplate": "#%{customdata}: " + value + "<extra></extra>",
        **style,
    }


def _draw_efficiency(rows: pl.DataFrame) -> tuple[list[Trace], dict[str, Any], list[Text]]:
    """Draw the efficiency of ageing cycles; the band is where the true value may lie."""
    # Markers without a line: from cycle to cycle an efficiency scatters, it does not move.
    kept = decimate(rows.filter(pl.col("class") == "ageing"), "x", EFFICIENCY)
    layout = {"yaxis2": axis(Text("CE", unit="%"), domain=LOWER)}
    if kept.is_empty():
        return [], layout, [Text("There is no coulombic efficiency to show.")]
    printed = [print_efficiency(*pair) for pair in kept.select(EFFICIENCY, FLOOR).rows()]
    points = {
        "type": "scatter",
        "mode": "markers",
        "name": Text("Coulombic efficiency"),
        "x": to_plain(kept["x"]),
        "y": to_plain(kept[EFFICIENCY], 100.0),
        "yaxis": "y2",
        "text": printed,
        "customdata": kept["cycle"].to_list(),
        "hovertemplate": "#%{customdata}: %{text}<extra></extra>",
        "marker": {"color": CATEGORIES[2], "symbol": "diamond", "size": 5},
    }
    banded = kept.filter(pl.col(FLOOR).is_not_null())
    if banded.is_empty():
        note = Text(
            "Neither offset nor accuracy of the channel is known, so the efficiency has no floor; "
            "digits below 0.1 % are not shown."
        )
        return [points], layout, [note]
    return [*_draw_band(banded), points], layout, []


def _draw_band(rows: pl.DataFrame) -> list[Trace]:
    low, high = rows[EFFICIENCY] - rows[FLOOR], rows[EFFICIENCY] + rows[FLOOR]
    edge = {"type": "scatter", "mode": "lines", "line": {"width": 0}, "yaxis": "y2", "hoverinfo": "skip"}
    places = to_plain(rows["x"])
    return [
        {**edge, "x": places, "y": to_plain(low, 100.0), "showlegend": False},
        {
            **edge,
            "x": places,
            "y": to_plain(high, 100.0),
            "fill": "tonexty",
            "fillcolor": fill_of(2),
            "name": Text("Floor of the efficiency"),
        },
    ]


def _mark(
    rows: pl.DataFrame, summary: Mapping[str, Any] | None, knee: Mapping[str, Any] | None, show: str
) -> tuple[list[Trace], list[dict[str, Any]], list[Text]]:
    """Return the marks of knee and end of life, the lines that go with them, and what is said of both."""
    if summary is None:
        return [], [], []
    threshold = summary["end_of_life_threshold"]
    reference = summary["reference_capacity_ah"] or 0.0
    factor = 100.0 if show == RETENTION else pick_prefix(rows["capacity_ah"], "Ah")[0] * reference
    marks, shapes, notes = [], [], []
    # Never extrapolated: a life that goes on has a sentence and no mark.
    if summary["end_of_life_cycle"] is not None:
        place = _place(rows, summary["end_of_life_cycle"])
        name = Text("End of life: cycle {cycle}", cycle=f"{summary['end_of_life_cycle']:.1f}")
        marks.append(_point(place, threshold * factor, name, "x", CATEGORIES[1]))
    elif summary["end_of_life"]:
        notes.append(
            Text(
                "End of life is not reached yet: life is longer than the cycles seen ({life}).",
                life=summary["end_of_life"],
            )
        )
    if factor:
        shapes.append(_level(threshold * factor))
    if knee is not None and knee["status"] == "detected":
        shapes += _draw_knee(rows, knee)
        name = Text("Knee: cycle {cycle}", cycle=f"{knee['knee_cycle']:.0f}")
        level = (knee["knee_retention"] or 1.0) * factor
        marks.append(_point(_place(rows, knee["knee_cycle"]), level, name, "triangle-down", CATEGORIES[4]))
    # That there is no knee is a result too.
    elif said := KNEE.get(summary["knee_status"]):
        notes.append(said)
    return marks, shapes, notes


def _point(x: float, y: float, name: Text, symbol: str, colour: str) -> Trace:
    marker = {"symbol": symbol, "size": 13, "color": colour, "line": {"width": 1, "color": "#000000"}}
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": [x],
        "y": [y],
        "marker": marker,
        "hoverinfo": "name",
    }


def _level(y: float) -> dict[str, Any]:
    line = {"color": GREY, "dash": "dash", "width": 1}
    return {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "yref": "y", "y0": y, "y1": y, "line": line}


def _draw_knee(rows: pl.DataFrame, knee: Mapping[str, Any]) -> list[dict[str, Any]]:
    # The interval is drawn because a knee without one looks surer than it is.
    low, high = knee["knee_low_cycle"], knee["knee_high_cycle"]
    if low is None or high is None:
        return []
    ends = {"x0": _place(rows, low), "x1": _place(rows, high)}
    return [
        {"type": "rect", "yref": "y domain", "y0": 0, "y1": 1, **ends, "fillcolor": fill_of(4), "line": {"width": 0}}
    ]


def _place(rows: pl.DataFrame, cycle: float) -> float:
    """Return where a cycle, maybe between two, lies on the axis that was chosen."""
    known = rows.filter(pl.col("x").is_not_null())
    return float(np.interp(cycle, known["cycle"].cast(pl.Float64).to_numpy(), known["x"].cast(pl.Float64).to_numpy()))


def _say_reference(summary: Mapping[str, Any] | None) -> tuple[Text, ...]:
    if summary is None or summary["reference_capacity_ah"] is None:
        return (Text("There is no reference capacity yet, so there is no retention."),)
    factor, unit = pick_prefix(pl.Series([summary["reference_capacity_ah"]]), "Ah")
    capacity = f"{summary['reference_capacity_ah'] * factor:.4g} {unit}"
    if summary["reference_cycle"] is None:
        return (Text("Reference capacity: {capacity}, nominal, from the manifest.", capacity=capacity),)
    values = {
        "cycle": summary["reference_cycle"],
        "capacity": capacity,
        "policy": POLICIES[summary["reference_policy"]],
    }
    return (Text("Reference: cycle {cycle} with {capacity} ({policy}).", **values),)
