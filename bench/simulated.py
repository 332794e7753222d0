"""Tests of virtual cells put into a home without files: through gate, derivation and store as an ingest sends them."""

from __future__ import annotations

from hashlib import sha256

import numpy as np
import polars as pl

from flows.virtual_lab import LabOptions, layouts
from flows.virtual_lab.cell import CHARGE_CC, CHARGE_CV, DISCHARGE_CC
from flows.virtual_lab.design import VirtualCell, design_cell
from flows.virtual_lab.trace import Trace, traces
from warehouse.home import Home
from warehouse.publish import Incoming, Owner, Prepared, admit, commit_prepared, prepare_test
from warehouse.schema import SPECTRA

LAYOUT = "arbin_csv"


def put_test(home: Home, options: LabOptions, number: int, owner: Owner, after: int = 0) -> int:
    """Put a test of a lab's cell into a home, which begins when so many cycles are over; returns its rows."""
    cell = design_cell(options, number, layouts()[LAYOUT])
    table = _measure(cell, options, after, np.random.default_rng([options.seed, number]))
    name = f"{owner.firm}-{number}-{options.seed}"
    channel = f"{cell.run.instrument}-{cell.run.channel}"
    digest = sha256(name.encode()).hexdigest()
    incoming = Incoming(name, digest, LAYOUT, 1, "cycling", table, SPECTRA.empty(), {"channel": channel})
    prepared = prepare_test(home, admit(incoming), owner)
    if not isinstance(prepared, Prepared):
        raise TypeError(f"{name} is there already")
    with home.registry.write() as connection:
        commit_prepared(home, connection, prepared)
    return table.height


def _measure(cell: VirtualCell, options: LabOptions, after: int, rng: np.random.Generator) -> pl.DataFrame:
    """Return the records of a cell, which begin when so many cycles are over."""
    sampling = layouts()[LAYOUT].sampling(options.points, options.edges)
    table = pl.concat([_frame(trace) for trace in traces(cell.operation, sampling, rng)])
    begin = cell.run.start.timestamp() + after * cell.run.seconds
    return table.with_columns(unix_time_second=pl.col("test_time_second") + begin)


def _frame(trace: Trace) -> pl.DataFrame:
    step = np.cumsum(trace.tile(trace.first.astype(np.int64))) + (trace.cycle[0] - 1) * (DISCHARGE_CC + 2)
    charges = np.isin(trace.kind, (CHARGE_CC, CHARGE_CV))
    return pl.DataFrame(
        {
            "test_time_second": trace.time.ravel(),
            "voltage_volt": trace.voltage.ravel(),
            "current_ampere": trace.current.ravel(),
            "cycle_count": trace.spread(trace.cycle),
            "step_count": step,
            "step_id": trace.tile(trace.kind + 1),
            "step_charging_capacity_ah": (trace.step_charge * charges).ravel(),
            "step_discharging_capacity_ah": (trace.step_charge * (trace.kind == DISCHARGE_CC)).ravel(),
        }
    )
