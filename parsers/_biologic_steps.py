"""Where steps and spectra begin, and what the mode flags of EC-Lab and BT-Lab say.

The status byte of a record: bits 0-1 mode (1 galvanostatic, 2 potentiostatic, 3 open circuit), bit 2 oxidation,
bit 3 error, bit 4 control changes, bit 5 Ns changes, bit 6 last record of the technique or loop, bit 7 counter inc.
The flags of an export are the same bits in columns; BT-Lab's advanced text export writes the whole byte into each.
A BCS sets *Ns changes* one record late.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

Numbers = NDArray[np.int64]
Rows = NDArray[np.bool_]
Columns = Mapping[str, NDArray[Any]]

MODE: Final = "mode"
OXIDATION: Final = "ox/red"
SEQUENCE: Final = "Ns"
SEQUENCE_CHANGES: Final = "Ns changes"
FREQUENCY: Final = "freq/Hz"
GALVANOSTATIC: Final = 1
POTENTIOSTATIC: Final = 2
OPEN_CIRCUIT: Final = 3
# Flag → its bits in the status byte.
FLAG_BITS: Final = {MODE: 0x03, OXIDATION: 0x04, SEQUENCE_CHANGES: 0x20}
# Changes of these separate two spectra, whatever the frequency does.
SWEEP_COUNTERS: Final = ("z cycle", "cycle number", SEQUENCE)
# Potentiostatic means a held voltage in these techniques; in the others it sweeps.
HOLDING: Final = frozenset({"GCPL", "MB", "CA"})
SWEEPING: Final = frozenset({"CV", "CVA", "LSV"})


def unpack_status(status: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Return the flags that a status byte holds."""
    word = status.astype(np.uint8)
    return {name: (word & bits) >> ((bits & -bits).bit_length() - 1) for name, bits in FLAG_BITS.items()}


def step_starts(columns: Columns) -> Rows | None:
    """Mark the records that begin an executed step; None where the file tells nothing of steps.

    A step begins where Ns changes, where Ns changes to itself (a loop of one), and with each rest inside an Ns that
    lasts for more than one record: GCPL charges and rests under one Ns.
    """
    present = [name for name in (SEQUENCE, SEQUENCE_CHANGES, MODE) if name in columns]
    if not present:
        return None
    starts = np.zeros(len(columns[present[0]]), dtype=np.bool_)
    starts[:1] = True
    if SEQUENCE in columns:
        starts[1:] |= np.diff(columns[SEQUENCE].astype(np.float64)) != 0
    if SEQUENCE_CHANGES in columns:
        # A flag with no change beside it is a sequence that loops to itself; beside one it tells nothing new.
        announced = (columns[SEQUENCE_CHANGES] != 0) & ~starts
        announced[1:] &= ~starts[:-1]
        starts |= announced
    if MODE in columns:
        starts[1:] |= np.diff(_lasting(columns[MODE] == OPEN_CIRCUIT)) != 0
    return starts


def _lasting(rest: Rows) -> NDArray[np.int8]:
    """Return 1 for records of a rest of at least two records: a BCS ends each step with a single one."""
    neighbour = np.zeros(len(rest), dtype=np.bool_)
    neighbour[1:] |= rest[:-1]
    neighbour[:-1] |= rest[1:]
    return (rest & neighbour).astype(np.int8)


def step_types(columns: Columns, technique: str) -> pl.Series | None:
    """Name what the instrument says it does, record by record; None where the file has no mode flags."""
    if MODE not in columns:
        return None
    mode = columns[MODE].astype(np.float64)
    mode = np.where(np.isin(mode, (GALVANOSTATIC, POTENTIOSTATIC, OPEN_CIRCUIT)), mode, 0)
    oxidation = columns[OXIDATION].astype(np.float64) if OXIDATION in columns else np.full(len(mode), np.nan)
    held = "_cv" if technique in HOLDING else ""
    names: dict[int, str] = {10 * OPEN_CIRCUIT + side: "rest" for side in range(3)}
    for side, way in enumerate(("discharge", "charge")):
        names[10 * GALVANOSTATIC + side] = f"{way}_cc"
        names[10 * POTENTIOSTATIC + side] = "other" if technique in SWEEPING else f"{way}{held}"
    # A code of two digits, mode and direction, keeps this one look-up a column wide.
    # 2 stands for a direction that the file does not tell.
    code = pl.Series(10 * mode + np.where(np.isin(oxidation, (0, 1)), oxidation, 2))
    return code.cast(pl.Int64).replace_strict(names, default=None, return_dtype=pl.String)


def spectrum_index(columns: Columns, kept: Rows) -> Numbers:
    """Number the spectra from 1: a new one after other records, at a counter's change, where the sweep turns back."""
    rows = np.flatnonzero(kept)
    starts = np.zeros(len(rows), dtype=np.bool_)
    starts[0] = True
    starts[1:] |= np.diff(rows) != 1
    for name in SWEEP_COUNTERS:
        if name in columns:
            starts[1:] |= np.diff(columns[name][kept].astype(np.float64)) != 0
    # The commoner direction is the sweep's; a step the other way is a jump back to its beginning.
    turns = np.sign(np.diff(columns[FREQUENCY][kept].astype(np.float64)))
    starts[1:] |= turns * np.sign(turns.sum()) < 0
    return np.cumsum(starts, dtype=np.int64)
