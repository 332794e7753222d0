"""What was injected, as JSON: what a perfect reader would find in the files."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class CycleTruth:
    """Per-cycle arrays of one cell, cycle 1 first; capacities in Ah.

    Args:
        kind: class of the cycle, ``class`` in the JSON.
        c_rate: set current over nominal capacity.
        set_current_ampere: displayed current of the constant-current steps.
        true_charging_capacity_ah: charge that went in.
        true_discharging_capacity_ah: charge that came out.
        true_coulombic_efficiency: their ratio.
        displayed_charging_capacity_ah: the instrument's counter.
        displayed_discharging_capacity_ah: likewise; the trapezoid of the samples is the same.
        displayed_coulombic_efficiency: their ratio: lower than the truth by about twice offset over current.
        trapezoid_charging_capacity_ah: trapezoid of the displayed samples; above the counter by the hold's curvature.
        true_capacity_retention: discharge capacity over the reference cycle's; null outside ageing.
    """

    kind: Sequence[str]
    c_rate: Sequence[float]
    set_current_ampere: Sequence[float]
    true_charging_capacity_ah: Sequence[float]
    true_discharging_capacity_ah: Sequence[float]
    true_coulombic_efficiency: Sequence[float]
    displayed_charging_capacity_ah: Sequence[float]
    displayed_discharging_capacity_ah: Sequence[float]
    displayed_coulombic_efficiency: Sequence[float]
    trapezoid_charging_capacity_ah: Sequence[float]
    true_capacity_retention: Sequence[float | None]


@dataclass(frozen=True)
class Identity:
    """Whose cell it is and where it lay on its wafer."""

    firm: str
    project: str
    lot: str
    wafer: str
    die_x: int
    die_y: int
    cell_id: str
    process_split: str


@dataclass(frozen=True)
class Recording:
    """The cell's file.

    Args:
        file: relative to the lab's folder.
        format: of the file.
        rows: samples in it.
        instrument: number of the cycler, from 1.
        channel: of the cycler, from 1.
        start_time: of the first step, ISO 8601 with the site's offset.
        duration_second: of the run.
        quantum: smallest step of the file's numbers, by unit; 0 where they are binary doubles.
    """

    file: str
    format: str
    rows: int
    instrument: int
    channel: int
    start_time: str
    duration_second: float
    quantum: Mapping[str, float]


@dataclass(frozen=True)
class Properties:
    """What the cell and its channel are like.

    Args:
        nominal_capacity_ah: of the design.
        active_area_mm2: electrode area.
        capacity_factor: capacity of the die over the design's, from wafer position and split.
        fresh_capacity_ah: true discharge capacity at 1C before any fade.
        current_offset_ampere: displayed minus true current.
        initial_coulombic_efficiency: true, of the first cycle.
        coulombic_efficiency: true, after formation.
    """

    nominal_capacity_ah: float
    active_area_mm2: float
    capacity_factor: float
    fresh_capacity_ah: float
    current_offset_ampere: float
    initial_coulombic_efficiency: float
    coulombic_efficiency: float


@dataclass(frozen=True)
class Life:
    """How the cell ages.

    Args:
        role: slow, medium, fast or knee.
        fade_law: linear, sqrt or power: loss = coefficient · (cycle - reference_cycle)^exponent up to the knee.
        fade_coefficient: of that law.
        fade_exponent: of that law.
        knee_cycle: cycle from which the loss is linear and steeper by ``knee_slope_ratio``; null without a knee.
        knee_slope_ratio: slope just after the knee over the slope just before it; null without a knee.
        reference_cycle: first cycle after formation and rate test.
        end_of_life_threshold: retention that ends life.
        end_of_life_cycle: interpolated cycle of the sustained crossing; null when not reached.
    """

    role: str
    fade_law: str
    fade_coefficient: float
    fade_exponent: float
    knee_cycle: int | None
    knee_slope_ratio: float | None
    reference_cycle: int
    end_of_life_threshold: float
    end_of_life_cycle: float | None


@dataclass(frozen=True)
class CellTruth:
    """One cell: who, what, how, every cycle, and what else was asked for; flat in the JSON, but for the cycles."""

    identity: Identity
    recording: Recording
    properties: Properties
    life: Life
    cycles: CycleTruth
    more: Mapping[str, object] = field(default_factory=dict)


def write_truth(
    path: Path, lab: Mapping[str, object], cells: Sequence[CellTruth], more: Sequence[Mapping[str, object]] = ()
) -> None:
    """Write the truth: what holds for the lab, then one object per cell.

    Args:
        path: of the JSON file.
        lab: options, wafer coefficients, tolerances.
        cells: in the order of the manifest.
        more: cells of blocks, likewise; they stand apart, for they have no cycles.
    """
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(json.dumps(dict(lab), ensure_ascii=False)[:-1] + ', "cells": [\n')
        # One cell a line, so that a large lab's truth can be read by eye and by line.
        file.write(",\n".join(json.dumps(_plain(cell), ensure_ascii=False) for cell in cells))
        if more:
            file.write('\n], "block_cells": [\n' + ",\n".join(json.dumps(cell, ensure_ascii=False) for cell in more))
        file.write("\n]}\n")


def _plain(cell: CellTruth) -> dict[str, object]:
    # dataclasses.asdict would copy every element of every array.
    parts = (cell.identity, cell.recording, cell.properties, cell.life)
    cycles = dict(vars(cell.cycles))
    flat = {name: value for part in parts for name, value in vars(part).items()}
    return {**flat, **cell.more, "cycles": {"class": cycles.pop("kind"), **cycles}}
