"""A wafer: any metric on its dies, bins with their numbers, yield at later cycles, the profile from centre to edge."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from portal.charts.efficiency import cut_without_floor
from portal.charts.figure import Figure, Heading, Trace, axis, empty_figure
from portal.charts.palette import CATEGORIES, GREY, LIGHT, style_of, viridis_scale
from portal.charts.text import Text
from portal.charts.units import pick_prefix, to_plain
from portal.reasons import explain
from warehouse.schema import DIE_BINS
from warehouse.wafers.yields import ALL_SPECS, BY_MAP

MAP: Final = Text("Wafer map")
RADIAL: Final = Text("Profile from centre to edge")
YIELD: Final = Text("Yield at later cycles")
OF_MAP: Final = Text("Imported map")
METRICS: Final = {
    "capacity_ah": Heading("capacity_ah", Text("Capacity"), "Ah"),
    "areal_capacity_ah_per_square_metre": Heading(
        "areal_capacity_ah_per_square_metre", Text("Areal capacity"), "Ah/m²"
    ),
    "capacity_retention": Heading("capacity_retention", Text("Capacity retention"), percent=True),
    "coulombic_efficiency": Heading("coulombic_efficiency", Text("Coulombic efficiency"), percent=True),
    "resistance_ohm": Heading("resistance_ohm", Text("Resistance"), "Ω"),
    "hf_resistance_ohm": Heading("hf_resistance_ohm", Text("High-frequency resistance"), "Ω"),
    "leakage_ampere": Heading("leakage_ampere", Text("Leakage current"), "A"),
    "fade_rate_per_cycle": Heading("fade_rate_per_cycle", Text("Fade rate per cycle"), percent=True),
    "life_cycle": Heading("life_cycle", Text("Cycle life")),
    "cycles": Heading("cycles", Text("Cycles")),
    "defects": Heading("defects", Text("Defects")),
    "bin": Heading("bin", Text("Bin")),
    "map_hard_bin": Heading("map_hard_bin", Text("Bin of the imported map")),
}
BINS: Final = frozenset({"bin", "map_hard_bin"})
BIN_WORDS: Final = {
    1: Text("pass"),
    2: Text("short"),
    3: Text("open"),
    4: Text("low capacity"),
    5: Text("high resistance"),
    6: Text("high leakage"),
    7: Text("not tested"),
    8: Text("excluded"),
    9: Text("other limit"),
}
BIN_COLOURS: Final = ("#0072B2", "#000000", "#56B4E9", "#D55E00", "#E69F00", "#CC79A7", "#D0D0D0", "#8C8C8C", "#7A4B00")
MILLIMETRE: Final = 1e3
NUMBERS_UP_TO: Final = 150


def draw_map(dies: pl.DataFrame, metric: str) -> Figure:
    """Draw a metric on the dies of one wafer, notch down.

    Args:
        dies: rows of the query ``wafer`` of one wafer.
        metric: a key of METRICS.
    """
    heading = METRICS[metric]
    placed = cut_without_floor(dies).filter(pl.col("die_x").is_not_null(), pl.col("die_y").is_not_null())
    if placed.is_empty():
        return empty_figure(MAP, Text("No die of this wafer has a place in the manifest."))
    # An empty map would look like a wafer that failed.
    if placed[metric].null_count() == placed.height:
        return empty_figure(MAP, Text("No die of this wafer has a value for: {metric}.", metric=heading.text))
    grid = _Grid(placed)
    trace = _draw_bins(placed, metric, grid) if metric in BINS else _draw_values(placed, heading, grid)
    # Null where nobody states it; one wafer has one.
    radius = placed["diameter_metre"][0] / 2 if placed["diameter_metre"].null_count() == 0 else None
    outline = grid.outline(radius)
    # Plotly does not look at shapes when it chooses a range.
    reach = 1.05 * outline[0]["x1"]
    bare = {"showgrid": False, "zeroline": False, "range": [-reach, reach]}
    layout = {
        "xaxis": axis(grid.title("x"), scaleanchor="y", constrain="domain", **bare),
        "yaxis": axis(grid.title("y"), constrain="domain", **bare),
        "shapes": outline,
    }
    notes = (
        ()
        if radius is not None
        else (Text("The wafer's size is not in the manifest; its edge is not drawn to scale."),)
    )
    return Figure(MAP, [trace], layout, placed.sort("die_y", "die_x"), _die_headings(heading), notes, "cell_id", 560)


class _Grid:
    """Where dies lie: in millimetres where the pitch is known, else by their numbers."""

    def __init__(self, dies: pl.DataFrame) -> None:
        self.scaled = dies["x_metre"].null_count() == 0
        self.columns = list(range(min(dies["die_x"]), max(dies["die_x"]) + 1))
        self.rows = list(range(min(dies["die_y"]), max(dies["die_y"]) + 1))
        self.x0, self.dx = self._line(dies, "die_x", "x_metre")
        self.y0, self.dy = self._line(dies, "die_y", "y_metre")

    def _line(self, dies: pl.DataFrame, number: str, metre: str) -> tuple[float, float]:
        """Return where die 0 is, and the pitch."""
        places = dies.select(number, metre).unique(subset=number).sort(number)
        if not self.scaled or places.height < 2:  # noqa: PLR2004 a pitch needs two
            return 0.0, 1.0
        first, last = places.row(0), places.row(-1)
        # Out of the places themselves: the map may skip columns.
        pitch = (last[1] - first[1]) / (last[0] - first[0])
        return (first[1] - first[0] * pitch) * MILLIMETRE, pitch * MILLIMETRE

    def title(self, letter: str) -> Text:
        """Return the title of an axis."""
        return Text(letter, unit="mm") if self.scaled else Text("Die {letter}", letter=letter)

    def matrix(self, dies: pl.DataFrame, values: list[Any]) -> list[list[Any]]:
        """Return values as rows and columns of the grid."""
        found = {(x, y): value for x, y, value in zip(dies["die_x"], dies["die_y"], values, strict=True)}
        return [[found.get((x, y)) for x in self.columns] for y in self.rows]

    def axes(self) -> dict[str, Any]:
        """Return the centres of columns and rows."""
        return {
            "x": [round(self.x0 + number * self.dx, 6) for number in self.columns],
            "y": [round(self.y0 + number * self.dy, 6) for number in self.rows],
        }

    def outline(self, radius: float | None) -> list[dict[str, Any]]:
        """Return the wafer's edge and its notch."""
        across = [abs(self.x0 + number * self.dx) + abs(self.dx) for number in (self.columns[0], self.columns[-1])]
        up = [abs(self.y0 + number * self.dy) + abs(self.dy) for number in (self.rows[0], self.rows[-1])]
        # Where nobody states the size, an edge around all dies still shows where the notch is.
        size = radius * MILLIMETRE if radius is not None and self.scaled else max(*across, *up)
        line = {"color": GREY, "width": 1.5}
        circle = {"type": "circle", "x0": -size, "x1": size, "y0": -size, "y1": size, "line": line, "layer": "below"}
        half, depth = 0.035 * size, 0.05 * size
        path = f"M {-half:.4f},{-size:.4f} L 0,{depth - size:.4f} L {half:.4f},{-size:.4f} Z"
        notch = {"type": "path", "path": path, "line": line, "fillcolor": GREY}
        return [circle, notch]


def _draw_values(dies: pl.DataFrame, heading: Heading, grid: _Grid) -> Trace:
    factor, unit = (100.0, "%") if heading.percent else pick_prefix(dies[heading.name], heading.unit)
    values = to_plain(dies[heading.name], factor)
    # On more dies the numbers would be too small to read; hover and table have them.
    few = dies.height <= NUMBERS_UP_TO
    return {
        **_tiles(dies, grid),
        "z": grid.matrix(dies, values),
        "colorscale": viridis_scale(),
        "colorbar": {"title": {"text": Text(heading.text, unit=unit)}, "thickness": 14},
        "texttemplate": "%{z:.3g}" if few else "",
        "textfont": {"size": 10},
        "hovertemplate": f"%{{text}}<br>%{{z:.5g}} {unit}<extra></extra>",
    }


def _draw_bins(dies: pl.DataFrame, metric: str, grid: _Grid) -> Trace:
    # An imported map may have bins beyond ours.
    most = max(len(DIE_BINS), *(number for number in dies[metric] if number is not None))
    colours = [BIN_COLOURS[number % len(BIN_COLOURS)] for number in range(most)]
    scale = [[(number + side) / most, colour] for number, colour in enumerate(colours) for side in (0, 1)]
    seen = sorted({number for number in dies[metric] if number is not None})
    words = [
        Text("{bin}: {word}", bin=number, word=BIN_WORDS[number]) if number in BIN_WORDS else str(number)
        for number in seen
    ]
    bar = {"title": {"text": METRICS[metric].text}, "tickvals": seen, "ticktext": words, "thickness": 14}
    return {
        **_tiles(dies, grid),
        "z": grid.matrix(dies, dies[metric].to_list()),
        "zmin": 0.5,
        "zmax": most + 0.5,
        "colorscale": scale,
        "colorbar": bar,
        # A bin must not hang on its colour.
        "texttemplate": "%{z}",
        "hovertemplate": "%{text}<br>%{z}<extra></extra>",
    }


def _tiles(dies: pl.DataFrame, grid: _Grid) -> dict[str, Any]:
    names = [name or f"({x}, {y})" for name, x, y in dies.select("cell_id", "die_x", "die_y").rows()]
    named = {"text": grid.matrix(dies, names), "customdata": grid.matrix(dies, dies["cell_id"].to_list())}
    return {"type": "heatmap", **grid.axes(), **named, "xgap": 2, "ygap": 2, "hoverongaps": False}


def _die_headings(heading: Heading) -> tuple[Heading, ...]:
    return (
        Heading("cell_id", Text("Cell")),
        Heading("die_x", Text("Die {letter}", letter="x")),
        Heading("die_y", Text("Die {letter}", letter="y")),
        *([heading] if heading.name != "bin" else []),
        Heading("bin", Text("Bin")),
        Heading("failed_quantity", Text("Limit that failed")),
        Heading("process_split", Text("Process split")),
    )


def draw_radial(dies: pl.DataFrame, metric: str, profile: Mapping[str, Any] | None) -> Figure:
    """Draw a metric over the distance from the centre, with the fitted profile.

    Args:
        dies: rows of the query ``wafer`` of one wafer.
        metric: a key of METRICS.
        profile: the row of ``uniformity`` of that wafer and quantity.
    """
    heading = METRICS[metric]
    placed = cut_without_floor(dies).filter(pl.col("radius_metre").is_not_null())
    rows = placed.filter(pl.col(metric).is_not_null()).sort("radius_metre")
    if rows.is_empty():
        return empty_figure(RADIAL, Text("No die of this wafer has a value and a place in millimetres."))
    factor, unit = (100.0, "%") if heading.percent else pick_prefix(rows[metric], heading.unit)
    points = {
        "type": "scatter",
        "mode": "markers",
        "name": heading.text,
        "x": to_plain(rows["radius_metre"], MILLIMETRE),
        "y": to_plain(rows[metric], factor),
        "customdata": rows["cell_id"].to_list(),
        "hovertemplate": "%{customdata}<br>%{x:.4g} mm: %{y:.5g}<extra></extra>",
        "marker": style_of(0)["marker"],
    }
    line, notes = _draw_profile(profile, factor)
    layout = {
        "xaxis": axis(Text("Distance from the centre", unit="mm")),
        "yaxis": axis(Text(heading.text, unit=unit)),
        "showlegend": bool(line),
    }
    headings = (
        Heading("cell_id", Text("Cell")),
        Heading("radius_metre", Text("Distance from the centre"), "m"),
        heading,
    )
    return Figure(RADIAL, [points, *line], layout, rows, headings, notes, "cell_id", 380)


def _draw_profile(profile: Mapping[str, Any] | None, factor: float) -> tuple[list[Trace], tuple[Text, ...]]:
    if profile is None:
        return [], ()
    if profile["profile_status"] != "fitted":
        reason = explain("wafers", profile["profile_reason"] or profile["reason"])
        return [], (reason,) if reason else ()
    radius, centre, part = profile["reference_radius_metre"], profile["centre_value"], profile["radial_part"]
    # The fitted profile is a parabola: twenty pieces are smooth.
    places = [radius * step / 20 for step in range(21)]
    values = [centre * (1 + part * (place / radius) ** 2) for place in places]
    line = {
        "type": "scatter",
        "mode": "lines",
        "name": Text("Fitted profile"),
        "x": [round(place * MILLIMETRE, 4) for place in places],
        "y": to_plain(pl.Series(values), factor),
        "line": {"color": CATEGORIES[1], "dash": "dash", "width": 2},
    }
    low, high = profile["radial_part_low"], profile["radial_part_high"]
    said = Text(
        "Centre to edge: {part} % ({low} to {high} %).", part=_percent(part), low=_percent(low), high=_percent(high)
    )
    return [line], (said,)


def _percent(part: float | None) -> str:
    return "?" if part is None or not math.isfinite(part) else f"{part * 100:+.2f}"


def draw_yield(yields: pl.DataFrame) -> Figure:
    """Draw the yield of one wafer at later cycles, with its interval.

    Args:
        yields: rows of the query ``wafer_yield`` of one wafer.
    """
    rows = yields.filter(pl.col("yield_of_tested").is_not_null()).sort("spec", "revision", "at_cycle")
    codes = yields.filter(pl.col("yield_of_tested").is_null())["reason"].drop_nulls().unique().sort().to_list()
    notes = tuple(text for code in codes if (text := explain("wafers", code)))
    headings = (
        Heading("spec", Text("Specification")),
        Heading("revision", Text("Revision")),
        Heading("at_cycle", Text("At cycle")),
        Heading("tested", Text("Dies tested")),
        Heading("good", Text("Good dies")),
        Heading("censored", Text("Fate not known yet")),
        Heading("yield_of_tested", Text("Yield of those tested"), percent=True),
        Heading("yield_of_tested_low", Text("Lower end"), percent=True),
        Heading("yield_of_tested_high", Text("Upper end"), percent=True),
        Heading("yield_of_gross", Text("Yield of all dies"), percent=True),
    )
    if rows.is_empty():
        return empty_figure(YIELD, *(notes or (Text("There is no specification that dies are sorted by."),)))
    traces = [
        _draw_spec(part, number)
        for number, part in enumerate(rows.partition_by("spec", "revision", maintain_order=True))
    ]
    layout = {
        # Between these cycles nothing was judged.
        "xaxis": axis(
            Text("Cycle (0: at the sort)"), rangemode="tozero", tickvals=rows["at_cycle"].unique().sort().to_list()
        ),
        "yaxis": axis(Text("Yield of those tested", unit="%"), range=[0, 103]),
        "showlegend": True,
    }
    return Figure(YIELD, traces, layout, yields, headings, notes, height=380)


def _draw_spec(rows: pl.DataFrame, number: int) -> Trace:
    shares = to_plain(rows["yield_of_tested"], 100.0)
    above = to_plain(rows["yield_of_tested_high"] - rows["yield_of_tested"], 100.0)
    below = to_plain(rows["yield_of_tested"] - rows["yield_of_tested_low"], 100.0)
    spec, revision = rows["spec"][0], rows["revision"][0]
    name = {ALL_SPECS: Text("All specifications"), BY_MAP: OF_MAP}.get(spec, f"{spec} r{revision}")
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": name,
        "x": rows["at_cycle"].to_list(),
        "y": shares,
        "error_y": {"type": "data", "symmetric": False, "array": above, "arrayminus": below, "color": LIGHT},
        "hovertemplate": "%{fullData.name}<br>%{x}: %{y:.1f} %<extra></extra>",
        **style_of(number),
    }
