"""Maccor, text export: a writer for the virtual lab.

The dialect in minutes: one line about the test, one of names, tab separated, CR LF. Amps are unsigned and ``State``
gives the direction; Amp-hr and Watt-hr restart at every step; ``Cyc#`` counts from 0; ``ES`` is 0 on the first record
of a step, 129 where time, 132 where current and 133 where voltage ended it, 1 elsewhere. The first record of a step
lies at its start.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flows.virtual_lab import _text as text
from flows.virtual_lab.cell import STEPS
from flows.virtual_lab.layout import Layout, Run
from flows.virtual_lab.trace import Trace

HEADER: Final = (
    *("Rec#", "Cyc#", "Step", "Test (Min)", "Step (Min)", "Amp-hr", "Watt-hr", "Amps", "Volts"),
    *("State", "ES", "DPt Time"),
)
STATES: Final = ("C", "C", "R", "D", "R")
END_CODES: Final = np.array([133, 132, 129, 133, 129])
FIRST_CODE: Final = 0
RUNNING_CODE: Final = 1
ENDING: Final = "\r\n"
MINUTE: Final = 60.0


def write(path: Path, run: Run, traces: Iterator[Trace]) -> None:
    """Write a run as Maccor's program exports it."""
    with path.open("wb") as file:
        file.write((_title(path, run) + ENDING + "\t".join(HEADER) + ENDING).encode("cp1252"))
        for trace in traces:
            text.append_rows(file, dict(zip(HEADER, _columns(run, trace), strict=True)), "\t", ENDING)


def _title(path: Path, run: Run) -> str:
    # Whoever exports does so after the end.
    today = run.local_start + timedelta(seconds=run.seconds)
    name = f"C:\\Data\\Backup\\LAB #{run.instrument}\\{run.cell_id}_{run.name}.{run.channel:03d}"
    return (
        f"Today's Date {today:%m/%d/%Y}  Date of Test:\t{run.local_start:%m/%d/%Y}\t Filename:\t{name}"
        f" Procedure: {path.stem}.000\tComment/Barcode: {run.cell_id}"
    )


def _columns(run: Run, trace: Trace) -> list[object]:
    step = trace.kind[None, :] + 1 + STEPS * trace.block[:, None]
    return [
        trace.record,
        trace.spread(trace.cycle - 1),
        step.ravel(),
        text.fixed(trace.time / MINUTE, 4),
        text.fixed(trace.step_time / MINUTE, 4),
        text.fixed(trace.step_charge, 10),
        text.fixed(trace.step_energy, 10),
        text.fixed(np.abs(trace.current), 10),
        text.fixed(trace.voltage, 8),
        text.choose(STATES, trace.tile(trace.kind)),
        trace.tile(_end_codes(trace)),
        text.wall_clock(run.local_start, trace.time, "%m/%d/%Y %H:%M:%S"),
    ]


def _end_codes(trace: Trace) -> NDArray[np.int64]:
    codes = np.where(trace.last, END_CODES[trace.kind], RUNNING_CODE)
    # The first record wins: no step is so short that it is also the last.
    return np.where(trace.first, FIRST_CODE, codes).astype(np.int64)


QUANTUM: Final = {"ampere": 1e-10, "volt": 1e-8, "second": 6e-3, "ampere_hour": 1e-10}
LAYOUT: Final = Layout("maccor_txt", ".txt", QUANTUM, write)
