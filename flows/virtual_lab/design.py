"""Which cell is what: identity, place on the wafer, role, law, offset, and so the whole run of each cell."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from typing import Final

import numpy as np

from flows.virtual_lab import ageing, wafer
from flows.virtual_lab.ageing import Fade, as_numbers
from flows.virtual_lab.cell import OHMIC_SHARE, RC_SECOND, Operation, Sampling
from flows.virtual_lab.layout import Layout, Run
from flows.virtual_lab.options import OFFSET, RESISTANCE, ROLES, LabOptions
from flows.virtual_lab.truth import CellTruth, CycleTruth, Identity, Life, Properties, Recording

# One product per firm; multiples of 1 nAh, so that every C-rate used is a whole number of 0.1 nA.
NOMINAL_UAH: Final = (50.0, 100.0, 10.0, 20.0, 200.0, 5.0)
AREAL_UAH_PER_MM2: Final = 1.0
# Channel offset over the 1C current; the second shifts the displayed efficiency by -0.2 %.
OFFSETS: Final = (0.0, 1e-3, -5e-4, 2e-4)
# Of an ampere: 0.1 nA, the coarsest that a layout prints.
OFFSET_DECIMALS: Final = 10
INITIAL_EFFICIENCY: Final = (0.86, 0.90)
STEADY_EFFICIENCY: Final = (0.9990, 0.9998)
CHANNELS: Final = 16
APART: Final = timedelta(minutes=5)
TEST_NAME: Final = "cycle_life"
RATE_TEST_NAME: Final = "rate_and_cycle_life"
MICRO: Final = 1e6
# Of the 1C current: standard deviation of what an idle channel shows.
REST_NOISE: Final = 2e-5
# Resistance at the end of the run over that of the fresh cell, from and to.
GROWTHS: Final = (1.2, 2.5)


@dataclass(frozen=True)
class VirtualCell:
    """A cell ready to be recorded: how it runs, what the instrument knows, what is true."""

    operation: Operation
    run: Run
    truth: CellTruth


def design_cell(options: LabOptions, index: int, layout: Layout) -> VirtualCell:
    """Return the cell with the given index, from 0; it depends on nothing but options, index and layout."""
    # Its own stream per cell: more cells in a lab leave the first ones as they were.
    rng = np.random.default_rng([options.seed, index, 0])
    identity = identify(options, index)
    die = wafer.Die(int(identity.wafer[1:]), identity.die_x, identity.die_y)
    common = wafer.effect(options.seed, die.wafer) if options.wafers else 0.0
    factor = wafer.capacity_factor(die, identity.process_split, rng.standard_normal(), common)
    schedule = ageing.plan_cycles(options, options.cycles * (2 if index >= options.cells - options.long_cells else 1))
    role, number = _role(options, index), index // len(options.firms)
    fade = ageing.draw_fade(role, number, len(schedule.kind) - schedule.reference, rng)
    properties = draw_properties(options, index, factor, rng)
    discharged = ageing.true_discharges(schedule, fade, properties.fresh_capacity_ah, rng, options.scatter)
    efficiency = ageing.true_efficiencies(
        schedule, properties.initial_coulombic_efficiency, properties.coulombic_efficiency
    )
    operation = Operation(
        schedule=schedule,
        growth=_draw_growth(options, len(schedule.kind), rng),
        rest_noise=REST_NOISE * properties.nominal_capacity_ah if OFFSET in options.blocks else None,
        nominal=properties.nominal_capacity_ah,
        charged=discharged / efficiency,
        discharged=discharged,
        fresh=properties.fresh_capacity_ah,
        offset=properties.current_offset_ampere,
    )
    sampling = layout.sampling(options.points, options.edges)
    rows = layout.leading + len(schedule.kind) * sum(sampling.counts)
    run = _run(options, index, identity.cell_id, operation, rows)
    cycles = _cycle_truth(operation, sampling)
    life = _life(role, fade, operation)
    truth = CellTruth(
        identity, describe_recording(identity, run, layout), properties, life, cycles, _more(options, operation)
    )
    return VirtualCell(operation, run, truth)


def _role(options: LabOptions, index: int) -> str:
    # Dealt within a firm, so that no firm has all the cells of one kind.
    roles = options.roles or ROLES
    return roles[index // len(options.firms) % len(roles)]


def identify(options: LabOptions, index: int) -> Identity:
    """Return who the cell with the given index is, and where it lay."""
    number, firm = divmod(index, len(options.firms))
    first, stride, wafers = options.wafer + firm, len(options.firms), options.wafers * len(wafer.SPLITS)
    if wafers:
        die = wafer.deal(options.seed, first, stride, wafers, number)
        split = wafer.SPLITS[number % len(wafer.SPLITS)]
    else:
        die = wafer.place(options.seed, first, stride, number)
        # Shifted by one after every round of roles: each role occurs in both splits.
        split = wafer.SPLITS[(number + number // len(ROLES)) % len(wafer.SPLITS)]
    wafer_id = f"W{die.wafer:02d}"
    return Identity(
        firm=options.firms[firm],
        project=f"{options.firms[firm]} virtual lab",
        lot=options.lot,
        wafer=wafer_id,
        die_x=die.x,
        die_y=die.y,
        cell_id=f"{options.lot}-{wafer_id}-D{die.x:+03d}{die.y:+03d}",
        process_split=split,
    )


def draw_properties(options: LabOptions, index: int, factor: float, rng: np.random.Generator) -> Properties:
    """Return what a cell with a given capacity factor and its channel are like."""
    number, firm = divmod(index, len(options.firms))
    nominal_uah = NOMINAL_UAH[firm % len(NOMINAL_UAH)]
    offset = OFFSETS[(number + index) % len(OFFSETS)] * nominal_uah / MICRO
    return Properties(
        nominal_capacity_ah=nominal_uah / MICRO,
        active_area_mm2=nominal_uah / AREAL_UAH_PER_MM2,
        capacity_factor=factor,
        fresh_capacity_ah=nominal_uah / MICRO * factor,
        current_offset_ampere=round(offset, OFFSET_DECIMALS),
        initial_coulombic_efficiency=rng.uniform(*INITIAL_EFFICIENCY),
        coulombic_efficiency=rng.uniform(*STEADY_EFFICIENCY),
    )


def _draw_growth(options: LabOptions, cycles: int, rng: np.random.Generator) -> ageing.Doubles | None:
    if RESISTANCE not in options.blocks:
        return None
    # By the cycle and not by the loss, so that one cannot be mistaken for the other.
    return np.asarray(1.0 + (rng.uniform(*GROWTHS) - 1.0) * np.linspace(0.0, 1.0, cycles), dtype=np.float64)


def _more(options: LabOptions, operation: Operation) -> dict[str, object]:
    """Return what the blocks of a life add to its truth."""
    more: dict[str, object] = {}
    if operation.growth is not None:
        more["resistance"] = {
            "ohmic_resistance_ohm": as_numbers(operation.resistance * OHMIC_SHARE),
            "transfer_resistance_ohm": as_numbers(operation.resistance * (1.0 - OHMIC_SHARE)),
            "transfer_second": RC_SECOND,
        }
    if operation.rest_noise is not None:
        more["rest_current_ampere"] = operation.offset
    if options.has_rates and options.blocks:
        more["rate_factors"] = {f"{rate:g}": factor for rate, factor in ageing.RATE_FACTORS.items()}
    return more


def _run(options: LabOptions, index: int, cell_id: str, operation: Operation, rows: int) -> Run:
    # The block's number keeps neighbours with the same rate apart.
    blocks = [(rate, len(list(same))) for (_, rate), same in groupby(_block_rates(operation))]
    return Run(
        name=RATE_TEST_NAME if options.has_rates else TEST_NAME,
        cell_id=cell_id,
        start=options.start + index * APART,
        # A channel holds one cell at a time, so a full cycler is followed by another.
        instrument=index // CHANNELS + 1,
        channel=index % CHANNELS + 1,
        nominal_ah=operation.nominal,
        rates=tuple(rate for rate, _ in blocks),
        repeats=tuple(count for _, count in blocks),
        rows=rows,
        seconds=float(operation.starts[-1, -1]),
    )


def _block_rates(operation: Operation) -> list[tuple[int, float]]:
    schedule = operation.schedule
    return list(zip(schedule.block.tolist(), schedule.rate.tolist(), strict=True))


def describe_recording(identity: Identity, run: Run, layout: Layout) -> Recording:
    """Return what is true of a run's file."""
    return Recording(
        file=f"{identity.firm}/{identity.cell_id}/{run.name}{layout.extension}",
        format=layout.name,
        rows=run.rows,
        instrument=run.instrument,
        channel=run.channel,
        start_time=run.start.isoformat(),
        duration_second=run.seconds,
        quantum=layout.quantum,
    )


def _life(role: str, fade: Fade, operation: Operation) -> Life:
    reference = operation.schedule.reference
    return Life(
        role=role,
        fade_law=fade.law,
        fade_coefficient=fade.coefficient,
        fade_exponent=fade.exponent,
        knee_cycle=None if fade.knee is None else reference + fade.knee,
        knee_slope_ratio=None if fade.knee is None else fade.ratio,
        reference_cycle=reference,
        end_of_life_threshold=ageing.END_OF_LIFE,
        end_of_life_cycle=ageing.end_of_life(operation.schedule, operation.discharged),
    )


def _cycle_truth(operation: Operation, sampling: Sampling) -> CycleTruth:
    shown_in, shown_out = operation.shown_charged, operation.shown_discharged
    kinds = operation.schedule.kind
    retention = as_numbers(operation.discharged / operation.discharged[operation.schedule.reference - 1])
    return CycleTruth(
        kind=kinds,
        c_rate=as_numbers(operation.schedule.rate),
        set_current_ampere=as_numbers(operation.current),
        true_charging_capacity_ah=as_numbers(operation.charged),
        true_discharging_capacity_ah=as_numbers(operation.discharged),
        true_coulombic_efficiency=as_numbers(operation.discharged / operation.charged),
        displayed_charging_capacity_ah=as_numbers(shown_in),
        displayed_discharging_capacity_ah=as_numbers(shown_out),
        displayed_coulombic_efficiency=as_numbers(shown_out / shown_in),
        trapezoid_charging_capacity_ah=as_numbers(operation.trapezoid_charged(sampling)),
        true_capacity_retention=[
            value if kind == "ageing" else None for value, kind in zip(retention, kinds, strict=True)
        ],
    )
