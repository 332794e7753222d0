"""The cells beside the cycled ones: one block each, in a file of its own, on dies that follow on the same wafers."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np

import flows.virtual_lab as package
from flows.virtual_lab import wafer
from flows.virtual_lab.block import Bench, Block
from flows.virtual_lab.design import APART, CHANNELS, describe_recording, draw_properties, identify
from flows.virtual_lab.layout import Layout, Run
from flows.virtual_lab.options import LabOptions
from flows.virtual_lab.program import Records
from flows.virtual_lab.truth import Identity, Properties, Recording

PREFIX: Final = "block_"
# Block cells draw from a stream that no cycled cell draws from.
STREAM: Final = 2


@dataclass(frozen=True)
class BlockTruth:
    """One cell of a block: who, where, what it is like and what was injected.

    Args:
        identity: whose it is and where it lay.
        recording: its file.
        properties: the cell and its channel.
        block: what was done to it.
        injected: what a perfect reader would find.
    """

    identity: Identity
    recording: Recording
    properties: Properties
    block: str
    injected: Mapping[str, Any]

    def plain(self) -> dict[str, object]:
        """Return it as it stands in the JSON: flat, but for what was injected."""
        parts = (self.identity, self.recording, self.properties)
        flat = {name: value for part in parts for name, value in vars(part).items()}
        return {**flat, "block": self.block, "injected": dict(self.injected)}


@dataclass(frozen=True)
class BlockCell:
    """A cell of a block, ready to be recorded."""

    run: Run
    records: Records
    truth: BlockTruth


@cache
def blocks() -> dict[str, Block]:
    """Return every block that is a test of its own, by name, in alphabetical order."""
    found = {}
    for module in pkgutil.iter_modules(package.__path__):
        if module.name.startswith(PREFIX):
            declared: Block = importlib.import_module(f"{package.__name__}.{module.name}").BLOCK
            found[declared.name] = declared
    return dict(sorted(found.items()))


def design_block_cell(options: LabOptions, name: str, number: int, layout: Layout) -> BlockCell:
    """Return a cell of a block; it depends on nothing but options, block, number and layout.

    Args:
        options: of the lab.
        name: of the block.
        number: of the cell within the block, from 0.
        layout: of its file.
    """
    # By the block's place among all there are: another block asked for leaves these cells as they are.
    index = options.cells * (1 + list(blocks()).index(name)) + number
    rng = np.random.default_rng([options.seed, index, STREAM])
    identity = identify(options, index)
    common = wafer.effect(options.seed, int(identity.wafer[1:])) if options.wafers else 0.0
    die = wafer.Die(int(identity.wafer[1:]), identity.die_x, identity.die_y)
    factor = wafer.capacity_factor(die, identity.process_split, rng.standard_normal(), common)
    properties = draw_properties(options, index, factor, rng)
    player, injected = blocks()[name].play(Bench(properties, number, rng))
    records = Records(tuple(player.steps))
    run = _run(options, index, (name, identity.cell_id), properties.nominal_capacity_ah, records)
    return BlockCell(
        run, records, BlockTruth(identity, describe_recording(identity, run, layout), properties, name, injected)
    )


def record_block_cell(folder: Path, cell: BlockCell, layout: Layout) -> Path:
    """Write a block cell's file and return its path."""
    path = folder / cell.truth.recording.file
    path.parent.mkdir(parents=True, exist_ok=True)
    if layout.write_records is None:
        raise TypeError(f"the layout {layout.name} has no way to write a program")
    layout.write_records(path, cell.run, cell.records)
    return path


def _run(options: LabOptions, index: int, called: tuple[str, str], nominal: float, records: Records) -> Run:
    return Run(
        name=called[0],
        cell_id=called[1],
        start=options.start + index * APART,
        instrument=index // CHANNELS + 1,
        channel=index % CHANNELS + 1,
        nominal_ah=nominal,
        rates=(),
        repeats=(),
        rows=records.rows,
        seconds=float(records.ends[-1]),
    )
