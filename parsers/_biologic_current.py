"""The current of files without a current column: GCPL stores charge per record, OCV stores neither.

``dq/mA.h`` is the charge since the previous record, so dq over the time between two records is the mean current of that
interval. EC-Lab itself writes this as ``<I>/mA`` when it exports the file: it agrees to 1e-6 on every row of the paired
exports, and to 1e-5 with ``P/W`` over ``Ewe/V`` on all 76 000 galvanostatic rows of the GCPL files that hold a power.

* First record of a file: no interval, no charge yet; 0, as in EC-Lab's export.
* First record of a step: its interval began before the step, the mean is smaller than the set current; kept as it is.
* Records that no time separates: the control value where the mode is galvanostatic, else the current before.
* Open circuit (mode 3): 0, also in the record that still carries the last milliseconds of the step before it.

``control/V/mA`` holds milliamperes where the mode is galvanostatic and volts where it is potentiostatic.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from parsers._biologic_steps import GALVANOSTATIC, MODE, OPEN_CIRCUIT
from parsers._numbers import Doubles, shortest_decimals

HOUR_SECOND: Final = 3600.0
# Column → what turns its charge per second into amperes.
CHARGES: Final = {"dq/mA.h": 3.6, "dQ/mA.h": 3.6, "dQ/C": 1.0}
CONTROLS: Final = ("control/mA", "control/V/mA")


def current_ampere(columns: Mapping[str, NDArray[Any]], technique: str) -> Doubles | None:
    """Derive the current of every record; NaN where it cannot be known, None where nothing tells any of it.

    Args:
        columns: the file's columns by name; ``time/s`` among them.
        technique: short name of the technique; ``OCV`` has no current by definition.
    """
    mode = columns.get(MODE)
    charge = next((name for name in CHARGES if name in columns), None)
    rows = len(columns["time/s"])
    if charge is not None:
        elapsed = np.diff(columns["time/s"])
        current = _mean_current(elapsed, columns[charge], CHARGES[charge])
        _fill_instants(current, columns, np.concatenate([[False], elapsed == 0]))
    elif technique == "OCV":
        return np.zeros(rows)
    elif mode is not None:
        current = np.full(rows, np.nan)
    else:
        return None
    # The record that ends a step at rest still carries its last milliseconds; at rest nothing flows.
    if mode is not None:
        current[mode == OPEN_CIRCUIT] = 0.0
    return current


def _mean_current(elapsed: NDArray[Any], charge: NDArray[Any], factor: float) -> Doubles:
    """Return charge over elapsed time; NaN where no time has elapsed, 0 in the first record."""
    current = np.full(len(charge), np.nan)
    current[:1] = 0.0
    passed = elapsed > 0
    current[1:][passed] = charge[1:][passed] * factor / elapsed[passed]
    return current


def _fill_instants(current: Doubles, columns: Mapping[str, NDArray[Any]], instants: NDArray[np.bool_]) -> None:
    """Fill records that no time separates from the one before."""
    control = next((columns[name] for name in CONTROLS if name in columns), None)
    if control is not None and MODE in columns:
        driven = instants & (columns[MODE] == GALVANOSTATIC)
        current[driven] = shortest_decimals(control[driven].astype(np.float32), 3)
        instants &= ~driven
    # Each row that is still open takes the last one before it that is not; the first row never is.
    source = np.where(instants, 0, np.arange(len(current)))
    current[:] = current[np.maximum.accumulate(source)]
