"""A chart before it has a language: what Plotly draws, the table behind it, and what has to be said beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import polars as pl

from portal.charts.palette import GREY, GRID
from portal.charts.text import Text, Voice, say_all
from portal.charts.units import pick_prefix, to_plain

Trace = dict[str, Any]
FONT: Final = "system-ui, 'Noto Sans KR', 'Apple SD Gothic Neo', 'Malgun Gothic', sans-serif"
# More rows nobody reads in a browser; the CSV beside the table has all.
MOST_ROWS: Final = 1000
MARGIN: Final = {"l": 72, "r": 24, "t": 24, "b": 56}


@dataclass(frozen=True)
class Heading:
    """A column of the table behind a chart.

    Args:
        name: the frame's column.
        text: what it is called.
        unit: SI unit of its values; empty for numbers and words.
        percent: whether a fraction is shown as percent.
        words: what its codes are called, where a reader does not see the codes themselves.
    """

    name: str
    text: Text
    unit: str = ""
    percent: bool = False
    words: Mapping[str, Text] | None = None


@dataclass(frozen=True)
class Figure:
    """A chart.

    Args:
        title: what it shows.
        data: Plotly's traces.
        layout: Plotly's layout, on top of that of all charts.
        table: the rows behind it, in SI units.
        headings: the table's columns.
        notes: what a reader must know: what is missing and why, how something was chosen.
        links: column of the table that names a cell, whose page a click opens; empty without.
    """

    title: Text
    data: list[Trace]
    layout: dict[str, Any]
    table: pl.DataFrame
    headings: tuple[Heading, ...]
    notes: tuple[Text, ...] = ()
    links: str = ""
    height: int = field(default=420)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not self.data

    def speak(self, voice: Voice) -> dict[str, Any]:
        """Return the chart as plain JSON values in a language."""
        return {
            "title": self.title.say(voice),
            "data": say_all(self.data, voice),
            "layout": say_all(lay_out(self.layout, self.height), voice),
            "notes": [note.say(voice) for note in self.notes],
            "table": self.speak_table(voice),
            "link_column": next((at for at, one in enumerate(self.headings) if one.name == self.links), None),
        }

    def speak_table(self, voice: Voice) -> dict[str, Any]:
        """Return the first rows of the table in a language, with prefixes, and how many rows there are."""
        shown = self.table.head(MOST_ROWS)
        columns = [_speak_column(shown, heading, voice) for heading in self.headings]
        rows = [list(row) for row in zip(*(values for _, values in columns), strict=True)]
        return {"columns": [title for title, _ in columns], "rows": rows, "total": self.table.height}


def empty_figure(title: Text, *notes: Text) -> Figure:
    """Return a chart of nothing, with the reason why."""
    return Figure(title, [], {}, pl.DataFrame(), (), notes)


def axis(title: Text | None, **more: Any) -> dict[str, Any]:
    """Return an axis of Plotly's layout."""
    named = {} if title is None else {"title": {"text": title, "standoff": 8}}
    return {"gridcolor": GRID, "zerolinecolor": GRID, "linecolor": GREY, "ticks": "outside", "automargin": True} | {
        **named,
        **more,
    }


def lay_out(layout: dict[str, Any], height: int) -> dict[str, Any]:
    """Return a layout on top of what all charts have in common."""
    common = {
        "font": {"family": FONT, "size": 13, "color": "#1A1A1A"},
        "paper_bgcolor": "#FFFFFF",
        "plot_bgcolor": "#FFFFFF",
        "margin": MARGIN,
        "height": height,
        "hovermode": "closest",
        "showlegend": False,
        "legend": {"orientation": "h", "yref": "container", "y": 0, "yanchor": "bottom", "x": 0},
        # Numbers look the same in both languages, as units do.
        "separators": ".,",
        "dragmode": "zoom",
    }
    # The legend stands at the bottom of the whole, below the axis' title.
    roomy = {"margin": {**MARGIN, "b": 92}} if layout.get("showlegend") else {}
    return {**common, **roomy, **layout}


def _speak_column(frame: pl.DataFrame, heading: Heading, voice: Voice) -> tuple[str, list[Any]]:
    values, title = frame[heading.name], heading.text.say(voice)
    if not values.dtype.is_numeric():
        words = heading.words or {}
        return title, [say_all(words.get(value, value), voice) for value in values.to_list()]
    # Counts take no prefix and lose no digit.
    if values.dtype.is_integer():
        return title, values.to_list()
    factor, unit = (100.0, "%") if heading.percent else pick_prefix(values, heading.unit)
    return f"{title} ({unit})" if unit else title, to_plain(values, factor)
