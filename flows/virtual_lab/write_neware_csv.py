"""Neware BTSDA, detail layer exported as CSV in µA, mV, mAs and mWs: a writer for the virtual lab.

The columns in BTSDA 8's order, an empty one at the end, one header line in cp1252, line feeds. Step Index is the
schedule's number, capacities and energies restart at every step, the first record of a step lies at its start.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from flows.virtual_lab import _text as text
from flows.virtual_lab.ageing import Doubles
from flows.virtual_lab.cell import CHARGE_CC, CHARGE_CV, DISCHARGE_CC
from flows.virtual_lab.layout import Layout, Run
from flows.virtual_lab.program import Records
from flows.virtual_lab.trace import Trace

STEP_TYPES: Final = ("CC Chg", "CV Chg", "Rest", "CC DChg", "Rest")
# Five steps and the loop step that records nothing.
STEPS_PER_BLOCK: Final = 6

# The columns per gram of a cell whose mass nobody entered.
ZERO_SPECIFIC: Final = "0.00"
HEADER: Final = (
    *("DataPoint", "Cycle Index", "Step Index", "Step Type", "Time", "Total Time", "Current(µA)", "Voltage(mV)"),
    *("Capacity(mAs)", "Spec. Cap.(mAh/g)", "Chg. Cap.(mAs)", "Chg. Spec. Cap.(mAh/g)"),
    *("DChg. Cap.(mAs)", "DChg. Spec. Cap.(mAh/g)", "Energy(mWs)", "Spec. Energy(mWh/g)"),
    *("Chg. Energy(mWs)", "Chg. Spec. Energy(mWh/g)", "DChg. Energy(mWs)", "DChg. Spec. Energy(mWh/g)"),
    *("Date", "Power(mW)"),
)

TEMPERATURE: Final = "T1(°C)"
AS_PER_AH: Final = 3600.0
MILLI: Final = 1e3
MICRO: Final = 1e6


def write(path: Path, run: Run, traces: Iterator[Trace]) -> None:
    """Write a run as BTSDA exports it."""
    with path.open("wb") as file:
        file.write((",".join(HEADER) + ",\n").encode("cp1252"))
        for trace in traces:
            columns = dict(zip(HEADER, _columns(run, trace), strict=True))
            text.append_rows(file, {**columns, "": text.constant("", trace.rows)}, ",", "\n")


def write_records(path: Path, run: Run, records: Records) -> None:
    """Write a program of any steps as BTSDA exports it, with the temperature that its chamber had."""
    steps = records.steps
    header = (*HEADER, TEMPERATURE)
    columns = [
        np.arange(1, records.rows + 1),
        records.spread([step.cycle for step in steps]),
        records.spread(range(1, len(steps) + 1)),
        text.choose(STEP_TYPES, records.spread([step.kind for step in steps])),
        text.hours(records.step_time),
        text.hours(records.time),
        text.fixed(records.current * MICRO, 4),
        text.fixed(records.voltage * MILLI, 1),
        *_count_program(records, energy=False),
        *_count_program(records, energy=True),
        text.wall_clock(run.local_start, records.time, "%Y-%m-%d %H:%M:%S%.3f"),
        text.fixed(records.current * records.voltage * MILLI, 4),
        text.fixed(records.temperature, 1),
    ]
    with path.open("wb") as file:
        file.write((",".join(header) + ",\n").encode("cp1252"))
        frame = {**dict(zip(header, columns, strict=True)), "": text.constant("", records.rows)}
        text.append_rows(file, frame, ",", "\n")


def _count_program(records: Records, *, energy: bool) -> list[pl.Series]:
    specific = text.constant(ZERO_SPECIFIC, records.rows)
    kinds = (CHARGE_CC, CHARGE_CV, DISCHARGE_CC), (CHARGE_CC, CHARGE_CV), (DISCHARGE_CC,)
    counted = [records.counter(each, "step", energy=energy) * MILLI * AS_PER_AH for each in kinds]
    return [column for part in counted for column in (text.fixed(part, 4), specific)]


def _columns(run: Run, trace: Trace) -> list[object]:
    step = trace.kind[None, :] + 1 + STEPS_PER_BLOCK * trace.block[:, None]
    return [
        trace.record,
        trace.spread(trace.cycle),
        step.ravel(),
        text.choose(STEP_TYPES, trace.tile(trace.kind)),
        text.hours(trace.step_time),
        text.hours(trace.time),
        text.fixed(trace.current * MICRO, 4),
        text.fixed(trace.voltage * MILLI, 1),
        *_counters(trace, trace.step_charge * MILLI * AS_PER_AH),
        *_counters(trace, trace.step_energy * MILLI * AS_PER_AH),
        text.wall_clock(run.local_start, trace.time, "%Y-%m-%d %H:%M:%S%.3f"),
        text.fixed(trace.current * trace.voltage * MILLI, 4),
    ]


def _counters(trace: Trace, counted: Doubles) -> list[pl.Series]:
    """Return a counter and its charge and discharge parts, each with its column per gram of a cell without mass."""
    charge = np.isin(trace.kind, (CHARGE_CC, CHARGE_CV))
    parts = (counted, counted * charge, counted * (trace.kind == DISCHARGE_CC))
    specific = text.constant(ZERO_SPECIFIC, trace.rows)
    return [column for part in parts for column in (text.fixed(part, 4), specific)]


QUANTUM: Final = {"ampere": 1e-10, "volt": 1e-4, "second": 1e-3, "ampere_hour": 1e-7 / AS_PER_AH}
LAYOUT: Final = Layout("neware_csv", ".csv", QUANTUM, write, write_records=write_records)
