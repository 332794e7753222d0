"""Arbin MITS, channel data exported as CSV in A, V, Ah and Wh: a writer for the virtual lab.

MITS 8's names, a tab before the date as MITS writes it, line feeds. Step_Index is the schedule's number; the schedule
resets the counters at the start of every cycle. The first record of a step follows its start by 10 ms.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from flows.virtual_lab import _text as text
from flows.virtual_lab.ageing import Doubles
from flows.virtual_lab.cell import CHARGE_CC, CHARGE_CV, DISCHARGE_CC, STEPS
from flows.virtual_lab.layout import Layout, Run
from flows.virtual_lab.program import Records
from flows.virtual_lab.trace import Trace

HEADER: Final = (
    *("Data_Point", "Date_Time", "Test_Time(s)", "Step_Time(s)", "Cycle_Index", "Step_Index"),
    *("Current(A)", "Voltage(V)", "Power(W)", "Charge_Capacity(Ah)", "Discharge_Capacity(Ah)"),
    *("Charge_Energy(Wh)", "Discharge_Energy(Wh)"),
)
# The instrument stores doubles, and twelve decimals keep what a micro cell needs of them.
FINE: Final = 12
TEMPERATURE: Final = "Aux_Temperature_1(C)"
CHARGES, DISCHARGES = (CHARGE_CC, CHARGE_CV), (DISCHARGE_CC,)


def write(path: Path, run: Run, traces: Iterator[Trace]) -> None:
    """Write a run as MITS exports it."""
    with path.open("wb") as file:
        file.write((",".join(HEADER) + "\n").encode("ascii"))
        for trace in traces:
            text.append_rows(file, dict(zip(HEADER, _columns(run, trace), strict=True)), ",", "\n")


def write_records(path: Path, run: Run, records: Records) -> None:
    """Write a program of any steps as MITS exports it, with the temperature that its chamber had."""
    steps = records.steps
    columns = [
        np.arange(1, records.rows + 1),
        text.wall_clock(run.local_start, records.time, "\t%m/%d/%Y %H:%M:%S%.3f"),
        text.fixed(records.time, 4),
        text.fixed(records.step_time, 4),
        records.spread([step.cycle for step in steps]),
        records.spread(range(1, len(steps) + 1)),
        text.fixed(records.current, FINE),
        text.fixed(records.voltage, 6),
        text.fixed(records.current * records.voltage, FINE),
        text.fixed(records.counter(CHARGES, "cycle"), FINE),
        text.fixed(records.counter(DISCHARGES, "cycle"), FINE),
        text.fixed(records.counter(CHARGES, "cycle", energy=True), FINE),
        text.fixed(records.counter(DISCHARGES, "cycle", energy=True), FINE),
        text.fixed(records.temperature, 2),
    ]
    header = (*HEADER, TEMPERATURE)
    with path.open("wb") as file:
        file.write((",".join(header) + "\n").encode("ascii"))
        text.append_rows(file, dict(zip(header, columns, strict=True)), ",", "\n")


def _columns(run: Run, trace: Trace) -> list[object]:
    step = trace.kind[None, :] + 1 + STEPS * trace.block[:, None]
    return [
        trace.record,
        text.wall_clock(run.local_start, trace.time, "\t%m/%d/%Y %H:%M:%S%.3f"),
        text.fixed(trace.time, 4),
        text.fixed(trace.step_time, 4),
        trace.spread(trace.cycle),
        step.ravel(),
        text.fixed(trace.current, FINE),
        text.fixed(trace.voltage, 6),
        text.fixed(trace.current * trace.voltage, FINE),
        text.fixed(trace.charged, FINE),
        text.fixed(trace.discharged, FINE),
        text.fixed(_energy(trace, (CHARGE_CC, CHARGE_CV)), FINE),
        text.fixed(_energy(trace, (DISCHARGE_CC,)), FINE),
    ]


def _energy(trace: Trace, steps: tuple[int, ...]) -> Doubles:
    """Return the energy since the start of the cycle in the given steps."""
    finished = trace.step_energy[:, trace.last]
    before = trace.step_energy * 0.0
    for step in steps:
        before += finished[:, step, None] * (trace.kind > step) + trace.step_energy * (trace.kind == step)
    return before


QUANTUM: Final = {"ampere": 1e-12, "volt": 1e-6, "second": 1e-4, "ampere_hour": 1e-12}
LAYOUT: Final = Layout("arbin_csv", ".csv", QUANTUM, write, delay=0.01, write_records=write_records)
