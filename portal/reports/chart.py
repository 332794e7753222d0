"""The fade chart as SVG of our own: capacity retention above, coulombic efficiency below, against the cycle.

Lines differ by colour, dash and marker, so that nothing rests on colour alone. The same rows give the same bytes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

import polars as pl

from portal.reports.glyphs import FAMILY
from portal.reports.numbers import choose_scale

# Okabe and Ito's colours but yellow, which paper swallows.
COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000")
DASHES: Final = ("", "6 3", "2 2", "8 3 2 3")
# From so many lines on nobody tells them apart, and they become grey hairs that show the spread.
MANY: Final = 12
GREY: Final = "#9a9a9a"
INK: Final = "#222222"
GRID: Final = "#dddddd"
WIDTH: Final = 520
LEFT: Final = 52
RIGHT: Final = 12
# More points than this no printer tells apart on the width of a page.
BUCKETS: Final = 300
TICKS: Final = 5
# Of the efficiencies, so that one bad cycle does not flatten all others.
SHOWN_QUANTILES: Final = (0.02, 0.98)
# Percent that the efficiencies' panel spans at least: noise of the last digits must not look like a course.
NARROWEST: Final = 0.5
Point = tuple[float, float]


@dataclass(frozen=True)
class Line:
    """One cell's course."""

    name: str
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Panel:
    """One pair of axes: what stands on the left, its lines, its place, and a level that is marked."""

    label: str
    lines: tuple[Line, ...]
    top: float
    height: float
    low: float
    high: float
    level: float | None = None
    level_label: str = ""


def draw_fade(cycles: pl.DataFrame, threshold: float | None, say: Callable[..., str]) -> str:
    """Return the chart of all cells of a report; empty where no cycle has a figure.

    Args:
        cycles: the table ``cycles`` of a report's facts.
        threshold: retention that ends life.
        say: translates.
    """
    upper, label, factor = _choose_upper(cycles, say)
    if not upper:
        return ""
    last = float(cycles["cycle"].to_numpy().max())
    panels = [_fit_panel(label, upper, 14, 180, _scaled(threshold, factor, upper))]
    # Of the upper panel alone: efficiencies have no end of life.
    if panels[0].level is not None:
        panels[0] = _mark(panels[0], say)
    # Formation loses charge for good, and would press all later efficiencies into one line.
    lower = _read_lines(cycles.filter(pl.col("class") != "formation"), "coulombic_efficiency", 100.0)
    if lower:
        panels.append(_fit_panel(say("Coulombic efficiency / %"), lower, 218, 112, None, clipped=True))
    height = panels[-1].top + panels[-1].height + 34
    legend = _draw_legend(upper, height, say)
    parts = [_draw_panel(panel, last) for panel in panels]
    parts.append(_text((LEFT + _inner() / 2, height - 6), say("Cycle"), "middle"))
    total = height + legend[1]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{total:g}" viewBox="0 0 {WIDTH} {total:g}">'
    )
    return head + "".join(parts) + legend[0] + "</svg>"


def _choose_upper(cycles: pl.DataFrame, say: Callable[..., str]) -> tuple[tuple[Line, ...], str, float]:
    """Return the lines of retention, or of capacity where there is no reference."""
    lines = _read_lines(cycles, "capacity_retention", 100.0)
    if lines:
        # Retention in percent, for its axis and for the level alike.
        return lines, say("Capacity retention / %"), 100.0
    unit, factor = choose_scale(cycles["discharging_capacity_ah"], "Ah")
    return _read_lines(cycles, "discharging_capacity_ah", factor), f"{say('Discharge capacity')} / {unit}", 0.0


def _scaled(threshold: float | None, factor: float, lines: Sequence[Line]) -> float | None:
    """Return the level of the end of life, where the lines come near it."""
    if not threshold or not factor:
        return None
    # A level far below every line would only press the lines together.
    lowest = min(y for line in lines for _, y in line.points)
    return threshold * factor if lowest < threshold * factor + (100 - threshold * factor) else None


def _mark(panel: Panel, say: Callable[..., str]) -> Panel:
    label = say("End of life {level} %", level=f"{panel.level:g}")
    return Panel(panel.label, panel.lines, panel.top, panel.height, panel.low, panel.high, panel.level, label)


def _read_lines(cycles: pl.DataFrame, column: str, factor: float) -> tuple[Line, ...]:
    rows = cycles.select("cell_id", "cycle", column).drop_nulls()
    found = rows.partition_by("cell_id", as_dict=True, maintain_order=True)
    return tuple(
        Line(str(cell), _thin([(float(x), y * factor) for x, y in part.select("cycle", column).rows()]))
        for (cell,), part in found.items()
    )


def _thin(points: list[Point]) -> tuple[Point, ...]:
    """Keep the smallest and the largest value of every bucket of cycles, so that no extreme is lost."""
    # Two of each bucket are kept: thinning fewer points than that would gain nothing.
    if len(points) <= 2 * BUCKETS:
        return tuple(points)
    size = math.ceil(len(points) / BUCKETS)
    kept: list[Point] = []
    for start in range(0, len(points), size):
        bucket = points[start : start + size]
        ends = {min(bucket, key=lambda point: point[1]), max(bucket, key=lambda point: point[1])}
        kept += sorted(ends)
    return tuple(kept)


def _fit_panel(
    label: str, lines: tuple[Line, ...], top: float, height: float, level: float | None, *, clipped: bool = False
) -> Panel:
    values = sorted(y for line in lines for _, y in line.points)
    low, high = values[0], values[-1]
    if clipped:
        low, high = (values[round(part * (len(values) - 1))] for part in SHOWN_QUANTILES)
        missing = max(NARROWEST - (high - low), 0.0) / 2
        low, high = low - missing, high + missing
    if level is not None:
        low = min(low, level)
    # Equal values would leave no height to divide by.
    margin = (high - low) * 0.06 or max(abs(high) * 0.01, 1e-9)
    return Panel(label, lines, top, height, low - margin, high + margin, level)


def _draw_panel(panel: Panel, last: float) -> str:
    parts = [_draw_axes(panel, last)]
    clip = f"clip{panel.top:g}"
    box = f'x="{LEFT}" y="{panel.top:g}" width="{_inner()}" height="{panel.height:g}"'
    # Efficiencies beyond the shown quantiles must not be drawn over the other panel.
    parts.append(f'<clipPath id="{clip}"><rect {box}/></clipPath><g clip-path="url(#{clip})">')
    parts += [_draw_line(line, number, panel, last) for number, line in enumerate(panel.lines)]
    parts.append("</g>")
    if panel.level is not None:
        y = _y(panel, panel.level)
        parts.append(_rule((LEFT, y), (WIDTH - RIGHT, y), INK, 'stroke-width="0.8" stroke-dasharray="4 3"'))
        parts.append(_text((WIDTH - RIGHT - 3, y - 3), panel.level_label, "end", 8))
    parts.append(f'<rect {box} fill="none" stroke="{INK}" stroke-width="0.8"/>')
    return "".join(parts)


def _draw_axes(panel: Panel, last: float) -> str:
    parts = []
    for value in make_ticks(panel.low, panel.high, TICKS):
        y = _y(panel, value)
        parts.append(_rule((LEFT, y), (WIDTH - RIGHT, y), GRID, 'stroke-width="0.5"'))
        parts.append(_text((LEFT - 4, y + 3), f"{value:g}", "end", 8))
    for value in make_ticks(0, last, 2 * TICKS):
        x = _x(value, last)
        parts.append(_rule((x, panel.top), (x, panel.top + panel.height), GRID, 'stroke-width="0.5"'))
        parts.append(_text((x, panel.top + panel.height + 11), f"{value:g}", "middle", 8))
    middle = panel.top + panel.height / 2
    turned = f'transform="rotate(-90 12 {middle:.1f})"'
    return "".join([*parts, _text((12, middle), panel.label, "middle", 8, turned)])


def make_ticks(low: float, high: float, wanted: int) -> list[float]:
    """Return round values between two ends, about as many as wanted."""
    raw = (high - low) / wanted
    base = 10.0 ** math.floor(math.log10(raw))
    step = next(base * part for part in (1, 2, 2.5, 5, 10) if base * part >= raw * (1 - 1e-9))
    # Binary fractions miss round values by the last digit.
    first = math.ceil(low / step - 1e-9)
    return [round(number * step, 10) for number in range(first, math.floor(high / step + 1e-9) + 1)]


def _draw_line(line: Line, number: int, panel: Panel, last: float) -> str:
    places = [(_x(x, last), _y(panel, y)) for x, y in line.points]
    path = "M" + "L".join(f"{x:.2f} {y:.2f}" for x, y in places)
    many = len(panel.lines) > MANY
    style = f'stroke="{GREY}" stroke-width="0.6"' if many else _style(number)
    drawn = f'<path d="{path}" fill="none" {style}/>'
    # A marker now and then tells lines apart where they lie on each other.
    every = max(1, len(places) // 12)
    marks = "" if many else "".join(_marker(x, y, number) for x, y in places[:: every or 1])
    return drawn + marks


def _style(number: int) -> str:
    dash = DASHES[number // len(COLOURS) % len(DASHES)] or DASHES[number % len(DASHES)]
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return f'stroke="{COLOURS[number % len(COLOURS)]}" stroke-width="1.2"{dashed}'


def _marker(x: float, y: float, number: int) -> str:
    colour = COLOURS[number % len(COLOURS)]
    shapes = (
        f'<circle cx="{x:.2f}" cy="{y:.2f}" r="2"',
        f'<rect x="{x - 1.9:.2f}" y="{y - 1.9:.2f}" width="3.8" height="3.8"',
        f'<path d="M{x:.2f} {y - 2.4:.2f}L{x + 2.2:.2f} {y + 1.6:.2f}L{x - 2.2:.2f} {y + 1.6:.2f}Z"',
        f'<path d="M{x:.2f} {y - 2.6:.2f}L{x + 2.6:.2f} {y:.2f}L{x:.2f} {y + 2.6:.2f}L{x - 2.6:.2f} {y:.2f}Z"',
    )
    return f'{shapes[number % len(shapes)]} fill="{colour}"/>'


def _draw_legend(lines: Sequence[Line], top: float, say: Callable[..., str]) -> tuple[str, float]:
    """Return the legend and its height; one line needs none."""
    if len(lines) == 1:
        return "", 0
    if len(lines) > MANY:
        return _text((LEFT, top + 10), say("{count} cells, each a line", count=len(lines)), "start", 8), 16
    parts = []
    columns = 3
    for number, line in enumerate(lines):
        x = LEFT + _inner() / columns * (number % columns)
        y = top + 10 + 13 * (number // columns)
        parts.append(f'<path d="M{x:.1f} {y - 3:.1f}L{x + 22:.1f} {y - 3:.1f}" fill="none" {_style(number)}/>')
        parts += [_marker(x + 11, y - 3, number), _text((x + 27, y), line.name, "start", 8)]
    return "".join(parts), 6 + 13 * math.ceil(len(lines) / columns)


def _inner() -> int:
    return WIDTH - LEFT - RIGHT


def _x(cycle: float, last: float) -> float:
    # A little room on the right, so that the last marker is whole.
    return LEFT + _inner() * cycle / (last * 1.02)


def _y(panel: Panel, value: float) -> float:
    return panel.top + panel.height * (panel.high - value) / (panel.high - panel.low)


def _rule(begin: Point, end: Point, colour: str, more: str) -> str:
    path = f"M{begin[0]:.2f} {begin[1]:.2f}L{end[0]:.2f} {end[1]:.2f}"
    return f'<path d="{path}" stroke="{colour}" {more}/>'


def _text(at: Point, text: str, anchor: str, size: int = 9, more: str = "") -> str:
    place = f'x="{at[0]:.1f}" y="{at[1]:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{INK}" {more}'
    return f'<text font-family="{FAMILY}" {place}>{escape(text)}</text>'
