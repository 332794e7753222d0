"""A virtual lab: instruments' files of cells whose every property is known, in the vendors' own layouts.

::

    from flows.virtual_lab import LabOptions, simulate
    report = simulate(Path("lab"), LabOptions(cells=12, cycles=60))
    report.files, report.manifest, report.truth, report.rows

A layout is a module ``write_*`` of this package, a block that is a test of its own a module ``block_*``; nothing lists
them. The same options give the same bytes.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np

from flows.virtual_lab import wafer
from flows.virtual_lab.design import VirtualCell, design_cell
from flows.virtual_lab.layout import Layout
from flows.virtual_lab.manifest import write_manifest, write_wafers
from flows.virtual_lab.options import LIFE_BLOCKS, LabOptions, LabReport
from flows.virtual_lab.siblings import BlockTruth, blocks, design_block_cell, record_block_cell
from flows.virtual_lab.trace import traces
from flows.virtual_lab.truth import CellTruth, write_truth
from warehouse.errors import UsageError

__all__ = ["LIFE_BLOCKS", "LabOptions", "LabReport", "blocks", "layouts", "simulate"]

MANIFEST_NAME: Final = "manifest.csv"
WAFERS_NAME: Final = "wafers.csv"
OPT_IN: Final = ("blocks", "scatter", "roles", "wafers")
TRUTH_NAME: Final = "truth.json"
# What a careful reader may be off by, relative: numbers print rounded, and where the first record of a step lies
# after its start, the trapezoid misses that sliver.
CAPACITY_TOLERANCE: Final = 1e-4


@cache
def layouts() -> dict[str, Layout]:
    """Return every layout by name, in alphabetical order."""
    found = {}
    for module in pkgutil.iter_modules(__path__):
        if module.name.startswith("write_"):
            declared: Layout = importlib.import_module(f"{__name__}.{module.name}").LAYOUT
            found[declared.name] = declared
    return dict(sorted(found.items()))


def simulate(folder: Path, options: LabOptions, progress: Callable[[int, int], None] | None = None) -> LabReport:
    """Write the files of a virtual lab, its manifest and its truth.

    Args:
        folder: where to; files go to ``<firm>/<cell_id>/<test>.<ext>`` below it.
        options: what to simulate.
        progress: called after every cell with the cells done and the cells in all.

    Returns:
        What was written.

    Raises:
        UsageError: the options name a layout or a block that does not exist.
    """
    chosen = _choose(options.formats)
    _check_blocks(options)
    total = options.cells * (1 + len(options.test_blocks))
    cells, files = [], []
    for index in range(options.cells):
        layout = chosen[index % len(chosen)]
        cell = design_cell(options, index, layout)
        files.append(_record(folder, options, index, layout, cell))
        cells.append(cell.truth)
        if progress:
            progress(index + 1, total)
    others = _record_blocks(folder, options, progress)
    files += [folder / other.recording.file for other in others]
    everyone: list[CellTruth | BlockTruth] = [*cells, *others]
    write_manifest(folder / MANIFEST_NAME, [(cell.identity, cell.properties) for cell in everyone])
    if options.wafers:
        write_wafers(folder / WAFERS_NAME, [cell.identity for cell in everyone])
    write_truth(folder / TRUTH_NAME, _describe(options), cells, [other.plain() for other in others])
    rows = sum(cell.recording.rows for cell in everyone)
    wafers = folder / WAFERS_NAME if options.wafers else None
    return LabReport(tuple(files), folder / MANIFEST_NAME, folder / TRUTH_NAME, rows, wafers)


def _choose(names: tuple[str, ...]) -> list[Layout]:
    unknown = sorted(set(names) - set(layouts()))
    if unknown:
        raise UsageError(f"the virtual lab has no layout {', '.join(unknown)}; it has {', '.join(layouts())}")
    return [layouts()[name] for name in names or layouts()]


def _check_blocks(options: LabOptions) -> None:
    known = {*LIFE_BLOCKS, *blocks()}
    if unknown := sorted(set(options.blocks) - known):
        raise UsageError(f"the virtual lab has no block {', '.join(unknown)}; it has {', '.join(sorted(known))}")


def _record_blocks(folder: Path, options: LabOptions, progress: Callable[[int, int], None] | None) -> list[BlockTruth]:
    truths = []
    for name in options.test_blocks:
        # Few layouts can tell a program of any steps.
        shows = blocks()[name].shows_in
        able = list(filter(shows, _choose(options.formats))) or list(filter(shows, layouts().values()))
        for number in range(options.cells):
            layout = able[number % len(able)]
            cell = design_block_cell(options, name, number, layout)
            record_block_cell(folder, cell, layout)
            truths.append(cell.truth)
            if progress:
                progress(options.cells + len(truths), options.cells * (1 + len(options.test_blocks)))
    return truths


def _record(folder: Path, options: LabOptions, index: int, layout: Layout, cell: VirtualCell) -> Path:
    path = folder / cell.truth.recording.file
    path.parent.mkdir(parents=True, exist_ok=True)
    # Apart from the design's stream, so that denser sampling of a lab leaves its cells as they are.
    noise = np.random.default_rng([options.seed, index, 1])
    layout.write(path, cell.run, traces(cell.operation, layout.sampling(options.points, options.edges), noise))
    return path


def _describe(options: LabOptions) -> dict[str, object]:
    return {
        "options": {**_given(options), "start": options.start.isoformat()},
        "wafer_gradient": wafer.describe() | ({"between_wafers": wafer.BETWEEN_WAFERS} if options.wafers else {}),
        "capacity_tolerance": CAPACITY_TOLERANCE,
    }


def _given(options: LabOptions) -> dict[str, object]:
    """Return the options; those that nobody asked for and that change nothing are left out."""
    given = asdict(options)
    return {name: value for name, value in given.items() if name not in OPT_IN or value != getattr(LabOptions, name)}
