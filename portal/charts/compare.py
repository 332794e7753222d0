"""Several cells beside each other: one over the other, each on its own from twelve on, or groups as median and band."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from portal.charts.efficiency import EFFICIENCY, FLOOR, cut_digits
from portal.charts.fade import AXES
from portal.charts.figure import Figure, Heading, Trace, axis, empty_figure
from portal.charts.palette import GREY, fill_of, style_of
from portal.charts.text import Text
from portal.charts.units import pick_prefix, to_plain
from portal.decimation import MOST, decimate

TITLE: Final = Text("Comparison of cells")
FEWEST_MULTIPLES: Final = 12
MOST_MULTIPLES: Final = 48
# Beyond this many points a browser is slow, however they are spread over the cells.
MOST_POINTS: Final = 60_000
COLUMNS: Final = 4
ROW_HEIGHT: Final = 190
LONGEST_LABEL: Final = 24
# With more points than this, markers would be a thick band.
MOST_MARKERS: Final = 80
# Of fewer cells, quartiles are hardly more than the ends.
FEWEST_FOR_BAND: Final = 4
STATISTICS: Final = ("median", "lower_quartile", "upper_quartile")
QUANTITIES: Final = {
    "capacity_retention": Heading("capacity_retention", Text("Capacity retention"), percent=True),
    "capacity_ah": Heading("capacity_ah", Text("Capacity"), "Ah"),
    "coulombic_efficiency": Heading("coulombic_efficiency", Text("Coulombic efficiency"), percent=True),
    "energy_efficiency": Heading("energy_efficiency", Text("Energy efficiency"), percent=True),
}
# All that any comparison reads of the fade of its cells.
COMPARED: Final = (*(axis[0] for axis in AXES.values()), *QUANTITIES, FLOOR, "class")
CELL: Final = Heading("cell_id", Text("Cell"))
CYCLE: Final = Heading("cycle", Text("Cycle"))


@dataclass(frozen=True)
class _Scales:
    """The axes' titles, and the factor from SI to what the vertical one shows."""

    across: Text
    up: Text
    factor: float
    most: int


def draw_overlay(fade: pl.DataFrame, over: str = "cycle", quantity: str = "capacity_retention") -> Figure:
    """Draw cells over each other; from twelve on each gets a panel of its own, and all share their axes.

    Args:
        fade: rows of the query ``fade`` of the cells, in the order in which they are to appear.
        over: what the horizontal axis counts: a key of AXES.
        quantity: a key of QUANTITIES.
    """
    rows, scales = _prepare(fade, over, quantity)
    # Order matters: the first cell keeps its colour when others are added behind it.
    cells = rows["cell_id"].unique(maintain_order=True).to_list()
    if not cells:
        return _say_nothing(quantity)
    headings = (CELL, CYCLE, QUANTITIES[quantity])
    table = rows.rename({"value": quantity})
    drawn = rows.filter(pl.col("cell_id").is_in(cells[:MOST_MULTIPLES])) if len(cells) > MOST_MULTIPLES else rows
    parts = drawn.partition_by("cell_id", maintain_order=True)
    if len(cells) >= FEWEST_MULTIPLES:
        return _draw_multiples(parts, scales, table, headings)
    traces = [_line(part, scales, number) for number, part in enumerate(parts)]
    layout = {"xaxis": axis(scales.across), "yaxis": axis(scales.up), "showlegend": True}
    return Figure(TITLE, traces, layout, table, headings, links="cell_id", height=480)


def draw_groups(
    fade: pl.DataFrame, groups: Mapping[str, str], over: str = "cycle", quantity: str = "capacity_retention"
) -> Figure:
    """Draw groups of cells as their median with the band of the middle half.

    Args:
        fade: rows of the query ``fade``.
        groups: the group of each cell; cells without one are left out.
        over: a key of AXES; on other axes than cycles a group stands where its median cell is at that cycle.
        quantity: a key of QUANTITIES.
    """
    rows, scales = _prepare(fade, over, quantity)
    rows = rows.with_columns(group=pl.col("cell_id").replace_strict(groups, default=None, return_dtype=pl.String))
    rows = rows.filter(pl.col("group").is_not_null())
    if rows.is_empty():
        return _say_nothing(quantity)
    bands = _summarise(rows)
    if quantity == EFFICIENCY:
        # A group is known no better than the worst of its cells.
        bands = cut_digits(bands, STATISTICS)
    parts = bands.partition_by("group", maintain_order=True)
    traces = [trace for number, part in enumerate(parts) for trace in _draw_band(part, scales, number)]
    layout = {"xaxis": axis(scales.across), "yaxis": axis(scales.up), "showlegend": True}
    notes = (Text("Lines are medians; bands hold the middle half of the cells, where there are four or more."),)
    return Figure(TITLE, traces, layout, bands, _group_headings(quantity), notes, height=480)


def _prepare(fade: pl.DataFrame, over: str, quantity: str) -> tuple[pl.DataFrame, _Scales]:
    """Return the rows that have a value, with ``x`` as the axis shows it and ``value`` in SI units."""
    column, name, unit = AXES.get(over, AXES["cycle"])
    heading = QUANTITIES[quantity]
    # Digits below the floor are gone before anything is drawn or listed.
    seen = cut_digits(fade) if quantity == EFFICIENCY else fade
    kept = seen.filter(pl.col(column).is_not_null(), pl.col(quantity).is_not_null(), pl.col("class") == "ageing")
    x_factor, x_unit = pick_prefix(kept[column], unit)
    y_factor, y_unit = (100.0, "%") if heading.percent else pick_prefix(kept[quantity], heading.unit)
    rows = kept.select("cell_id", "cycle", FLOOR, x=pl.col(column) * x_factor, value=pl.col(quantity))
    # However many cells there are, a browser gets about as many points.
    most = min(MOST, MOST_POINTS // max(rows["cell_id"].n_unique(), 1))
    scales = _Scales(Text(name, unit=x_unit), Text(heading.text, unit=y_unit), y_factor, max(most, MOST_MARKERS))
    return rows, scales


def _say_nothing(quantity: str) -> Figure:
    return empty_figure(
        TITLE, Text("None of these cells has a value for: {quantity}.", quantity=QUANTITIES[quantity].text)
    )


def _line(rows: pl.DataFrame, scales: _Scales, number: int) -> Trace:
    seen = decimate(rows, "x", "value", scales.most)
    cell = rows["cell_id"][0]
    return {
        "type": "scatter",
        "mode": "lines+markers" if seen.height <= MOST_MARKERS else "lines",
        "name": cell,
        "x": to_plain(seen["x"]),
        "y": to_plain(seen["value"], scales.factor),
        "hovertemplate": "%{fullData.name}<br>%{x:.5g}: %{y:.5g}<extra></extra>",
        **style_of(number),
    }


def _draw_multiples(
    parts: list[pl.DataFrame], scales: _Scales, table: pl.DataFrame, headings: tuple[Heading, ...]
) -> Figure:
    lines = -(-len(parts) // COLUMNS)
    layout: dict[str, Any] = {"grid": {"rows": lines, "columns": COLUMNS, "pattern": "coupled", "ygap": 0.28}}
    # Only shared ranges make panels comparable by eye.
    for column in range(COLUMNS):
        layout[_axis_key("xaxis", column)] = axis(scales.across, nticks=5) | ({"matches": "x"} if column else {})
    for line in range(lines):
        # One title for all rows; repeated it would take more room than the curves.
        title = scales.up if line == lines // 2 else None
        layout[_axis_key("yaxis", line)] = axis(title, nticks=5) | ({"matches": "y"} if line else {})
    traces, labels = [], []
    for number, part in enumerate(parts):
        line, column = divmod(number, COLUMNS)
        place = {"xaxis": _axis_key("x", column), "yaxis": _axis_key("y", line)}
        # A panel holds one cell, so that its name tells it and no colour has to.
        traces.append({**_line(part, scales, 0), "mode": "lines", **place})
        labels.append(_label(part["cell_id"][0], place))
    total = table["cell_id"].n_unique()
    hidden = Text("{shown} of {total} cells are drawn; group them to see all.", shown=len(parts), total=total)
    notes = (hidden,) if total > len(parts) else ()
    height = lines * ROW_HEIGHT + 90
    return Figure(TITLE, traces, layout | {"annotations": labels}, table, headings, notes, "cell_id", height)


def _axis_key(name: str, number: int) -> str:
    # Plotly calls the first axis x, and not x1.
    return f"{name}{number + 1}" if number else name


def _label(cell: str, place: Mapping[str, str]) -> dict[str, Any]:
    # The end of a name tells siblings apart, its beginning is the lot that they share.
    text = cell if len(cell) <= LONGEST_LABEL else "…" + cell[-LONGEST_LABEL:]
    at = {"xref": f"{place['xaxis']} domain", "yref": f"{place['yaxis']} domain", "x": 0.5, "y": 1.0}
    return {**at, "yanchor": "bottom", "text": text, "showarrow": False, "font": {"size": 11, "color": GREY}}


def _summarise(rows: pl.DataFrame) -> pl.DataFrame:
    value = pl.col("value")
    return (
        rows.group_by("group", "cycle")
        .agg(
            pl.col("x").median(),
            value.median().alias("median"),
            value.quantile(0.25, "linear").alias("lower_quartile"),
            value.quantile(0.75, "linear").alias("upper_quartile"),
            pl.len().cast(pl.Int64).alias("cells"),
            pl.when(pl.col(FLOOR).null_count() == 0).then(pl.col(FLOOR).max()),
        )
        .sort("group", "cycle")
    )


def _draw_band(rows: pl.DataFrame, scales: _Scales, number: int) -> list[Trace]:
    seen = decimate(rows, "x", "median", scales.most)
    # A band of two cells would look as sure as one of twenty.
    many = seen.filter(pl.col("cells") >= FEWEST_FOR_BAND)
    name = rows["group"][0]
    edge = {"type": "scatter", "mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False}
    edge |= {"x": to_plain(many["x"]), "legendgroup": name}
    lower = {**edge, "y": to_plain(many["lower_quartile"], scales.factor)}
    upper = {**edge, "y": to_plain(many["upper_quartile"], scales.factor), "fill": "tonexty"}
    median = {
        "type": "scatter",
        "mode": "lines+markers" if seen.height <= MOST_MARKERS else "lines",
        "name": f"{name} (n = {max(seen['cells'].to_list())})",
        "x": to_plain(seen["x"]),
        "y": to_plain(seen["median"], scales.factor),
        "customdata": seen["cells"].to_list(),
        "hovertemplate": "%{fullData.name}<br>%{x:.5g}: %{y:.5g}, n = %{customdata}<extra></extra>",
        "legendgroup": name,
        **style_of(number),
    }
    return [lower, {**upper, "fillcolor": fill_of(number)}, median] if many.height > 1 else [median]


def _group_headings(quantity: str) -> tuple[Heading, ...]:
    unit, percent = QUANTITIES[quantity].unit, QUANTITIES[quantity].percent
    return (
        Heading("group", Text("Group")),
        CYCLE,
        Heading("cells", Text("Cells")),
        Heading("median", Text("Median"), unit, percent),
        Heading("lower_quartile", Text("First quartile"), unit, percent),
        Heading("upper_quartile", Text("Third quartile"), unit, percent),
    )
