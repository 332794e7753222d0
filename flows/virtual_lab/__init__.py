"""A virtual lab: instruments' files of cells whose every property is known, in the vendors' own layouts.

::

    from flows.virtual_lab import LabOptions, simulate
    report = simulate(Path("lab"), LabOptions(cells=12, cycles=60))
    report.files, report.manifest, report.truth, report.rows

A layout is a module ``write_*`` of this package; nothing lists them. The same options give the same bytes.
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
from flows.virtual_lab.manifest import write_manifest
from flows.virtual_lab.options import LabOptions, LabReport
from flows.virtual_lab.trace import traces
from flows.virtual_lab.truth import write_truth
from warehouse.errors import UsageError

__all__ = ["LabOptions", "LabReport", "layouts", "simulate"]

MANIFEST_NAME: Final = "manifest.csv"
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
        UsageError: the options name a layout that does not exist.
    """
    chosen = _choose(options.formats)
    cells, files = [], []
    for index in range(options.cells):
        layout = chosen[index % len(chosen)]
        cell = design_cell(options, index, layout)
        files.append(_record(folder, options, index, layout, cell))
        cells.append(cell.truth)
        if progress:
            progress(index + 1, options.cells)
    write_manifest(folder / MANIFEST_NAME, cells)
    write_truth(folder / TRUTH_NAME, _describe(options), cells)
    rows = sum(cell.recording.rows for cell in cells)
    return LabReport(tuple(files), folder / MANIFEST_NAME, folder / TRUTH_NAME, rows)


def _choose(names: tuple[str, ...]) -> list[Layout]:
    unknown = sorted(set(names) - set(layouts()))
    if unknown:
        raise UsageError(f"the virtual lab has no layout {', '.join(unknown)}; it has {', '.join(layouts())}")
    return [layouts()[name] for name in names or layouts()]


def _record(folder: Path, options: LabOptions, index: int, layout: Layout, cell: VirtualCell) -> Path:
    path = folder / cell.truth.recording.file
    path.parent.mkdir(parents=True, exist_ok=True)
    # Apart from the design's stream, so that denser sampling of a lab leaves its cells as they are.
    noise = np.random.default_rng([options.seed, index, 1])
    layout.write(path, cell.run, traces(cell.operation, layout.sampling(options.points), noise))
    return path


def _describe(options: LabOptions) -> dict[str, object]:
    return {
        "options": {**asdict(options), "start": options.start.isoformat()},
        "wafer_gradient": wafer.describe(),
        "capacity_tolerance": CAPACITY_TOLERANCE,
    }
