"""The life of a cell over its cycles: fade laws, knees, and how far they may be carried on.

``series`` takes the ageing cycles from the answer to the question ``fade``; ``laws`` says which curves there are,
``fits`` fits them, ``noise`` judges what is left, ``models`` makes rows of them; ``breaks``, ``segments`` and
``bacon_watts`` fit curves with a break, ``knees`` says whether it is a knee; ``forecasts`` carries a law on, as a band;
``reasons`` says in two languages why a figure is missing.
"""

from __future__ import annotations

from typing import Final

from warehouse.life.computations import compute_life
from warehouse.metrics.computation import Computation
from warehouse.schema import FADE_MODELS, FORECAST, KNEES

COMPUTATIONS: Final = (Computation("life", "cell", (FADE_MODELS, KNEES, FORECAST), compute_life, reads=("fade",)),)
