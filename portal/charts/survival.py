"""Survival: which part of the cells lives on beyond each cycle, by process split."""

from __future__ import annotations

from typing import Final

import polars as pl

from portal.charts.figure import Figure, Heading, Trace, axis, empty_figure
from portal.charts.palette import fill_of, style_of
from portal.charts.text import Text
from portal.charts.units import to_plain
from portal.reasons import explain

TITLE: Final = Text("Survival by process split")
HEADINGS: Final = (
    Heading("process_split", Text("Process split")),
    Heading("cycle", Text("Cycle")),
    Heading("at_risk", Text("At risk")),
    Heading("ended", Text("Lives ended")),
    Heading("censored", Text("Still running")),
    Heading("survival", Text("Surviving part"), percent=True),
    Heading("survival_low", Text("Lower end"), percent=True),
    Heading("survival_high", Text("Upper end"), percent=True),
)


def draw_survival(survival: pl.DataFrame) -> Figure:
    """Draw the part that lives longer, as steps, with its interval by wafer.

    Args:
        survival: rows of the query ``survival``.
    """
    rows = survival.sort("project", "process_split", "cycle")
    if rows.is_empty():
        return empty_figure(TITLE, Text("No cell has a life to count yet."))
    traces: list[Trace] = []
    for number, part in enumerate(rows.partition_by("project", "process_split", maintain_order=True)):
        traces += [*_draw_interval(part, number), _draw_steps(part, number)]
    layout = {
        # A curve that does not begin at the first cycle hides how long nothing happened.
        "xaxis": axis(Text("Cycle"), rangemode="tozero"),
        "yaxis": axis(Text("Surviving part", unit="%"), range=[0, 103]),
        "showlegend": True,
    }
    codes = rows["interval_reason"].drop_nulls().unique().sort().to_list()
    notes = tuple(text for code in codes if (text := explain("wafers", code)))
    threshold = f"{rows['end_of_life_threshold'][0] * 100:g}"
    said = Text("Life ends below {threshold} % of the reference capacity; by Kaplan and Meier.", threshold=threshold)
    return Figure(TITLE, traces, layout, rows, HEADINGS, (said, *notes), height=420)


def _draw_steps(rows: pl.DataFrame, number: int) -> Trace:
    split = rows["process_split"][0]
    name = Text("All cells") if split == "*" else split or Text("Without a split")
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": name,
        "x": to_plain(rows["cycle"]),
        "y": to_plain(rows["survival"], 100.0),
        "hovertemplate": "%{fullData.name}<br>%{x:.5g}: %{y:.1f} %<extra></extra>",
        **style_of(number),
        "line": {**style_of(number)["line"], "shape": "hv"},
    }


def _draw_interval(rows: pl.DataFrame, number: int) -> list[Trace]:
    # Before the first end of a life there is no interval, and with one wafer there is none at all.
    known = rows.filter(pl.col("survival_low").is_not_null(), pl.col("survival_high").is_not_null())
    if known.height < 2:  # noqa: PLR2004 an area needs two points
        return []
    edge = {"type": "scatter", "mode": "lines", "x": to_plain(known["cycle"]), "hoverinfo": "skip", "showlegend": False}
    edge |= {"line": {"width": 0, "shape": "hv"}}
    upper = {**edge, "y": to_plain(known["survival_high"], 100.0), "fill": "tonexty", "fillcolor": fill_of(number)}
    return [{**edge, "y": to_plain(known["survival_low"], 100.0)}, upper]
