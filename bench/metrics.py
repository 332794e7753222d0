"""The night of 1,000 cells with 1,000 cycles each: every metric of every cell, and again after ten cells changed.

The home is made without files: the virtual lab's cells, some forty records a cycle, go through gate, derivation and
store as an ingest would send them. Seconds of processors stand beside those of the clock, which a busy machine
stretches; a part's are those of this process alone. ``CELLAR_BENCH_CELLS`` and ``CELLAR_BENCH_CYCLES`` make it smaller.
"""

from __future__ import annotations

import os
import tempfile
import time
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import polars as pl

from flows.nightly import run_night
from flows.virtual_lab import LabOptions, layouts
from flows.virtual_lab.cell import CHARGE_CC, CHARGE_CV, DISCHARGE_CC
from flows.virtual_lab.design import VirtualCell, design_cell, draw_properties, identify
from flows.virtual_lab.manifest import write_manifest
from flows.virtual_lab.trace import Trace, traces
from warehouse.crew import Crew, count_cores
from warehouse.home import Home
from warehouse.manifest import import_manifest
from warehouse.marts import compact_firm, store_answer
from warehouse.publish import Incoming, Owner, Prepared, admit, commit_prepared, prepare_test
from warehouse.schema import FADE, SPECTRA, SUMMARY

CELLS = int(os.environ.get("CELLAR_BENCH_CELLS", "1000"))
CYCLES = int(os.environ.get("CELLAR_BENCH_CYCLES", "1000"))
CHANGED = 10
LATER_CYCLES = 40
FIRM = "FIRM-A"
LAYOUT = "arbin_csv"
OPTIONS = LabOptions(
    firms=(FIRM,), cells=CELLS, cycles=CYCLES, long_cells=0, points=4, blocks=("resistance", "offset"), wafers=3
)


def run() -> None:
    """Print what the first night takes, part by part, and the next one after ten cells changed."""
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder) / "home")
        started = time.perf_counter()
        _describe(home, Path(folder))
        rows = _publish(home, OPTIONS, 0, CELLS)
        took = time.perf_counter() - started
        print(f"{CELLS:,} cells x {CYCLES:,} cycles, {rows:,} rows put in: {took:.1f} s, {rows / took:,.0f} rows/s")
        first = _night_by_parts(home, "first night")
        started = time.perf_counter()
        made = run_night(home)["made"]
        print(f"again: {time.perf_counter() - started:.2f} s, {made} tables made")
        later = replace(OPTIONS, cycles=LATER_CYCLES, seed=2)
        _publish(home, later, CYCLES, CHANGED)
        changed = _night_by_parts(home, f"after {CHANGED} of {CELLS:,} cells changed")
        print(f"that is {changed / first:.1%} of the first night for {CHANGED / CELLS:.1%} of the cells")
        home.close()


def _describe(home: Home, folder: Path) -> None:
    """Import the manifest of all cells: whose they are is known before their tests come."""
    rng = np.random.default_rng(0)
    cells = [(identify(OPTIONS, index), draw_properties(OPTIONS, index, 1.0, rng)) for index in range(CELLS)]
    write_manifest(folder / "cells.csv", cells)
    import_manifest(home, folder / "cells.csv")


def _publish(home: Home, options: LabOptions, after: int, count: int) -> int:
    """Put the first cells of a lab into the home, as tests that begin after so many cycles; returns their rows."""
    rows = 0
    for number in range(count):
        cell = design_cell(options, number, layouts()[LAYOUT])
        table = _measure(cell, after, np.random.default_rng([options.seed, number]))
        # Another seed places its cells elsewhere; these are the same cells again.
        _commit(home, identify(OPTIONS, number).cell_id, f"{number}-{options.seed}", table, cell)
        rows += table.height
    return rows


def _commit(home: Home, cell_id: str, name: str, table: pl.DataFrame, cell: VirtualCell) -> None:
    digest = sha256(name.encode()).hexdigest()
    channel = f"{cell.run.instrument}-{cell.run.channel}"
    incoming = Incoming(name, digest, LAYOUT, 1, "cycling", table, SPECTRA.empty(), {"channel": channel})
    prepared = prepare_test(home, admit(incoming), Owner(FIRM, cell_id, "folder"))
    if not isinstance(prepared, Prepared):
        raise TypeError(f"{name} is there already")
    with home.registry.write() as connection:
        commit_prepared(home, connection, prepared)


def _measure(cell: VirtualCell, after: int, rng: np.random.Generator) -> pl.DataFrame:
    """Return the records of a cell, which begin when so many cycles are over."""
    sampling = layouts()[LAYOUT].sampling(OPTIONS.points, OPTIONS.edges)
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


def _night_by_parts(home: Home, title: str) -> float:
    """Do a night's work on the one firm, telling each part; returns the seconds that it took."""
    begun, begun_cpu = time.perf_counter(), sum(os.times()[:4])
    crew = Crew(home.folder, home.registry_url, count_cores())
    for name, parts in (
        ("compact", lambda: compact_firm(home, FIRM)),
        ("tests", lambda: home.results.store(FIRM, {"test"}, crew)),
        ("fade", lambda: [store_answer(home, FIRM, FADE)]),
        ("cells", lambda: home.results.store(FIRM, {"cell"}, crew)),
        ("summary", lambda: [store_answer(home, FIRM, SUMMARY)]),
        ("firm", lambda: home.results.store(FIRM, {"firm"})),
    ):
        started, cpu = time.perf_counter(), time.process_time()
        for done in parts():
            took, used = time.perf_counter() - started, time.process_time() - cpu
            told = f"{took:7.2f} s ({used:6.2f} s of this process)"
            print(f"  {name:8} {done.table:16} {told}  {done.why}, {done.rows:,} rows", flush=True)
            started, cpu = time.perf_counter(), time.process_time()
    crew.close()
    # Whom the crew's processes were waited for, their seconds count too.
    took, used = time.perf_counter() - begun, sum(os.times()[:4]) - begun_cpu
    print(f"{title}: {took:.1f} s ({used:.1f} s of processors)")
    return took
