"""Colours that everybody can tell apart: Okabe and Ito for categories, viridis and cividis for what has an order."""

from __future__ import annotations

from typing import Any, Final

# Okabe and Ito 2008, https://jfly.uni-koeln.de/color/ ; without the yellow, which is lost on white.
CATEGORIES: Final = ("#0072B2", "#D55E00", "#009E73", "#000000", "#CC79A7", "#E69F00", "#56B4E9")
# Numbers without a common divisor with the colours: neighbours differ in all three, and few are alike in all.
DASHES: Final = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
MARKERS: Final = ("circle", "square", "diamond", "triangle-up", "x", "cross", "star", "triangle-down", "pentagon")
GREY: Final = "#595959"
LIGHT: Final = "#BDBDBD"
GRID: Final = "#E3E3E3"
GOOD, BAD = "#0072B2", "#D55E00"
# Nine stops of viridis (van der Walt and Smith, CC0).
VIRIDIS: Final = (
    (68, 1, 84),
    (71, 44, 122),
    (59, 81, 139),
    (44, 113, 142),
    (33, 144, 141),
    (39, 173, 129),
    (92, 200, 99),
    (170, 220, 50),
    (253, 231, 37),
)
# Its last stops are too light for a line on white.
LINES_END: Final = 0.88


def style_of(number: int) -> dict[str, Any]:
    """Return line and marker of the category with a number: colour, dash and shape together tell it."""
    colour = CATEGORIES[number % len(CATEGORIES)]
    return {
        "line": {"color": colour, "dash": DASHES[number % len(DASHES)], "width": 2},
        "marker": {"color": colour, "symbol": MARKERS[number % len(MARKERS)], "size": 6},
    }


def fill_of(number: int) -> str:
    """Return the colour of the area that belongs to a category, so light that lines stay visible over it."""
    red, green, blue = (int(CATEGORIES[number % len(CATEGORIES)][place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.18)"


def viridis(part: float) -> str:
    """Return the colour at a part, from 0 to 1, of the range of viridis that shows on white."""
    place = min(max(part, 0.0), 1.0) * LINES_END * (len(VIRIDIS) - 1)
    index = min(int(place), len(VIRIDIS) - 2)
    mixed = (
        round(low + (place - index) * (high - low))
        for low, high in zip(VIRIDIS[index], VIRIDIS[index + 1], strict=True)
    )
    return "rgb({},{},{})".format(*mixed)


def viridis_scale() -> list[list[Any]]:
    """Return what :func:`viridis` does as a colour scale for the bar beside a chart."""
    return [[step / 8, viridis(step / 8)] for step in range(9)]
