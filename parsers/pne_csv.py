"""PNE SaveData file by itself: one of the csv files of a ``Restore/`` folder.

**Not confirmed by a real file.** Layouts, units and sources: :mod:`parsers.pne_restore`, which reads the whole channel
folder and is the better way: a single file covers one day, and nothing in it tells µA from nA. It is read only where
the site's settings state the cycler's unit, otherwise it is refused with the advice to drop the folder as a zip.

``chNN_SaveEndData.csv`` has the same columns but only the last row of every step; it is refused by itself, because a
test made of step ends alone would look complete. It is recognised by its rows: each begins another step.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from parsers._pne import read_single
from parsers._pne_layout import find_layout, is_whole
from parsers.contract import Format, Peek, Reading, Source

FIRST_LINES: Final = 20
VOLTAGE_LIMIT: Final = 1_000_000_000
KIND_LIMIT: Final = 64


def sniff(peek: Peek) -> bool:
    """Recognise the header of the named layout, or lines of whole numbers as the other two have them."""
    layout = find_layout(peek.head)
    if layout is None:
        return False
    # The head's last line may be cut.
    lines = [line.split(",") for line in peek.head.decode("latin-1").split("\n")[layout.first_line - 1 : -1]]
    rows = [cells for cells in lines[:FIRST_LINES] if len(cells) > 1]
    if layout.name == "named":
        return True
    whole = all(len(cells) in layout.widths and all(is_whole(cell) for cell in cells) for cells in rows)
    return whole and all(_is_plausible(cells, layout.places) for cells in rows)


def read(source: Source) -> Reading:
    """Read one SaveData file."""
    return read_single(source, source.path.read_bytes())


def _is_plausible(cells: list[str], places: Mapping[str, int]) -> bool:
    kind, voltage, step = (int(cells[places[name]]) for name in ("type", "voltage", "step"))
    return 0 <= kind < KIND_LIMIT and abs(voltage) < VOLTAGE_LIMIT and step >= 0


FORMAT = Format(
    "pne_csv",
    "PNE",
    frozenset({".csv"}),
    "cycling",
    sniff,
    read,
    verified=False,
    lost="power, energy (whole mWh), averages",
)
