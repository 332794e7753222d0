"""BioLogic EC-Lab, text export ``.mpt`` of a GCPL run: a writer for the virtual lab.

Header lines in cp1252, CR LF, tabs; the columns of the binary file with the flags taken apart, and after them what
the program computes at export: step time, current, cycle number and power. Doubles print with 16 significant
digits, singles with 8.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from flows.virtual_lab import _text as text
from flows.virtual_lab import write_mpr as binary
from flows.virtual_lab.cell import LOWER_VOLT, UPPER_VOLT
from flows.virtual_lab.layout import Layout, Run
from flows.virtual_lab.trace import Trace

# Name and bit mask.
FLAGS: Final = (
    ("mode", 0x03),
    ("ox/red", binary.OXIDATION),
    ("error", 0x08),
    ("control changes", binary.CONTROL_CHANGE),
    ("Ns changes", binary.NS_CHANGE),
    ("counter inc.", binary.COUNTER_CHANGE),
)
EXPORTED: Final = ("step time/s", "I/mA", "cycle number", "P/W")
DOUBLE_DECIMALS: Final = 15
SINGLE_DECIMALS: Final = 7
MILLI: Final = 1e3
ENDING: Final = "\r\n"
CELL_WIDTH: Final = 20


def write(path: Path, run: Run, traces: Iterator[Trace]) -> None:
    """Write a run as the instrument's program exports it."""
    with path.open("wb") as file:
        file.write("".join(line + ENDING for line in _head(path, run)).encode("cp1252"))
        text.append_rows(file, _columns(binary.open_circuit(), np.zeros((len(EXPORTED), binary.LEADING))), "\t", ENDING)
        for trace in traces:
            text.append_rows(file, _columns(binary.records(trace), _computed(trace)), "\t", ENDING)


def _columns(table: NDArray[np.void], computed: NDArray[np.float64]) -> dict[str, object]:
    columns: dict[str, object] = {name: _flag(table["flags"], mask) for name, mask in FLAGS}
    columns |= {name: _stored(table[name], kind) for _, name, kind in binary.COLUMNS}
    return columns | {name: text.scientific(row, DOUBLE_DECIMALS) for name, row in zip(EXPORTED, computed, strict=True)}


def _computed(trace: Trace) -> NDArray[np.float64]:
    """Return what the program computes at export, one row per column."""
    cycle = trace.spread(trace.cycle - 1)
    # Momentary, unlike <I>/mA: this run has one export that tells what the instrument displayed.
    power = trace.voltage * trace.current
    return np.stack([trace.step_time.ravel(), (trace.current * MILLI).ravel(), cycle, power.ravel()])


def _flag(flags: NDArray[np.uint8], mask: int) -> NDArray[np.uint8]:
    return (flags & mask).astype(np.uint8) // np.uint8(mask & -mask)


def _stored(values: NDArray[np.generic], kind: str) -> pl.Series:
    if kind.startswith("<u"):
        return pl.Series(values)
    return text.scientific(values.astype(np.float64), DOUBLE_DECIMALS if kind == "<f8" else SINGLE_DECIMALS)


def _head(path: Path, run: Run) -> list[str]:
    title = [
        "",
        "Galvanostatic Cycling with Potential Limitation",
        "",
        f"Run on channel : {run.channel} (SN {binary.channel_serial(run)})",
        "User : ",
        "Ewe ctrl range : min = {:.2f} V, max = {:.2f} V".format(*binary.SAFETY_RANGE_VOLT),
        f"Acquisition started on : {run.local_start:%m/%d/%Y %H:%M:%S}.{run.local_start.microsecond // 1000:03d}",
        "Saved on :",
        f"\tFile : {path.with_suffix('.mpr').name}",
        "\tDirectory : C:\\Data\\",
        f"\tHost : {binary.HOST}",
        f"Device : VMP3 (SN {binary.device_serial(run)})",
        f"EC-LAB for windows v{binary.SOFTWARE} (software)",
        f"Comments : {run.cell_id}",
        # What operators leave as it is: nobody may compute with it.
        "Electrode surface area : 0.001 cm²",
        "Characteristic mass : 0.001 g",
        "Cycle Definition : Charge/Discharge alternance",
        *_sequences(run),
        "",
    ]
    names = [name for name, _ in FLAGS] + [name for _, name, _ in binary.COLUMNS] + list(EXPORTED)
    # The two lines before these and the line of names count as header lines too.
    count = len(title) + 3
    return ["EC-Lab ASCII FILE", f"Nb header lines : {count:<28}", *title, "\t".join(names)]


def _sequences(run: Run) -> list[str]:
    """Return the table of settings: a charge and a discharge column per block, after the idle first one."""
    currents = [sign * rate * run.nominal_ah * 1e6 for rate in run.rates for sign in (1, -1)]
    limits = [limit for _ in run.rates for limit in (UPPER_VOLT, LOWER_VOLT)]
    loops = [count for repeats in run.repeats for count in (0, repeats - 1)]
    rows = {
        "Ns": [str(number) for number in range(len(currents) + 1)],
        "Is": ["0.000", *(f"{current:.3f}" for current in currents)],
        "unit Is": ["mA", *("µA" for _ in currents)],
        "EM (V)": ["0.000", *(f"{limit:.3f}" for limit in limits)],
        "nc cycles": ["0", *(str(loop) for loop in loops)],
    }
    return [name.ljust(CELL_WIDTH) + "".join(cell.ljust(CELL_WIDTH) for cell in cells) for name, cells in rows.items()]


QUANTUM: Final = {"ampere": 0.0, "volt": 2.4e-7, "second": 0.0, "ampere_hour": 0.0}
LAYOUT: Final = Layout("biologic_mpt", ".mpt", QUANTUM, write, binary.DELAY, binary.HOLD, binary.LEADING)
