"""Capacity, retention and efficiencies of cells at single cycles, straight between the ageing cycles around each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from warehouse.arrays import Doubles, Integers, doubles
from warehouse.replicates.courses import find_runs
from warehouse.wafers.groups import Flags
from warehouse.wafers.sites import Sites

OF_FADE: Final = {
    "capacity": "discharging_capacity_ah",
    "capacity_retention": "capacity_retention",
    "coulombic_efficiency": "coulombic_efficiency",
    "energy_efficiency": "energy_efficiency",
}


@dataclass(frozen=True)
class Fades:
    """Cycles of all cells, by the cells' names and in their order.

    Args:
        site: of each cell.
        cell: place of each cycle's cell among them.
        cycle: its number.
        ageing: whether it is an ageing cycle.
        whole: whether it is complete.
        values: of each quantity in each cycle, NaN where it has none.
    """

    site: Integers
    cell: Integers
    cycle: Integers
    ageing: Flags
    whole: Flags
    values: dict[str, Doubles]


def read_fades(fade: pl.DataFrame, sites: Sites) -> Fades:
    """Return what the question ``fade`` says of a firm's cells."""
    # By name, as the question answers: then hardly anything is left to sort.
    cells = sites.cells.sort("cell_id")
    places = {name: place for place, name in enumerate(cells["cell_id"].to_list())}
    told = [(places.get(name, -1), rows.stop - rows.start) for name, rows in find_runs(fade["cell_id"])]
    cell = np.repeat(*np.array(told, dtype=np.int64).reshape(-1, 2).T)
    cycle, said = fade["cycle"].to_numpy(), fade["class"]
    # What is of none of these cells comes first, and is left out.
    order = np.lexsort((cycle, cell))[np.count_nonzero(cell < 0) :]
    values = {quantity: doubles(fade[column])[order] for quantity, column in OF_FADE.items()}
    ageing, whole = ((said == "ageing").to_numpy()[order], (said != "incomplete").to_numpy()[order])
    return Fades(cells["site"].to_numpy(), cell[order], cycle[order], ageing, whole, values)


def find_last(fades: Fades, sites: Sites) -> Doubles:
    """Return of each site the last ageing cycle; NaN where it has none."""
    last = np.full(len(sites), np.nan)
    np.fmax.at(last, fades.site[fades.cell[fades.ageing]], fades.cycle[fades.ageing].astype(np.float64))
    return last


def follow_cycles(fades: Fades, cycles: Sequence[int]) -> Iterator[tuple[str, Integers, Doubles, Doubles]]:
    """Yield quantity, sites, values and cycles: of each cell at each of some cycles, NaN where there is no value."""
    if not cycles or not len(fades.cycle):
        return
    site, cycle = np.repeat(fades.site, len(cycles)), np.tile(np.array(cycles, dtype=np.int64), len(fades.site))
    # One number for a cell and a cycle, in the order of both, so that one search finds either.
    stride = max(*cycles, int(fades.cycle.max())) + 1
    wanted = np.repeat(np.arange(len(fades.site)), len(cycles)) * stride + cycle
    moment = fades.cell * stride + fades.cycle
    for quantity, values in fades.values.items():
        known = fades.whole & ~np.isnan(values)
        line = _draw_line(moment[known & fades.ageing], values[known & fades.ageing], wanted, stride)
        exact, ageing = _look_up(moment[known], values[known], fades.ageing[known], wanted)
        # Ageing cycles follow one line; a check-up or a formation cycle only counts where it is the very cycle.
        yield quantity, site, np.where(ageing | np.isnan(line), exact, line), cycle.astype(np.float64)


def _draw_line(moment: Integers, values: Doubles, wanted: Integers, stride: int) -> Doubles:
    """Return the value on the straight line between the cycles before and after; NaN where one of them is missing."""
    line = np.full(len(wanted), np.nan)
    before = np.searchsorted(moment, wanted, side="right") - 1
    after = np.searchsorted(moment, wanted)
    inside = np.flatnonzero((before >= 0) & (after < len(moment)))
    before, after = before[inside], after[inside]
    cell = wanted[inside] // stride
    # The cycle before the first one of a cell is the last one of another.
    same = (moment[before] // stride == cell) & (moment[after] // stride == cell) & (before < after)
    inside, before, after = inside[same], before[same], after[same]
    part = (wanted[inside] - moment[before]) / (moment[after] - moment[before])
    # In this order of operations, for another one may differ in the last digit.
    line[inside] = values[before] + part * (values[after] - values[before])
    return line


def _look_up(moment: Integers, values: Doubles, ageing: Flags, wanted: Integers) -> tuple[Doubles, Flags]:
    """Return the value of that very cycle, NaN where it has none, and whether it is an ageing cycle."""
    place = np.searchsorted(moment, wanted)
    found = np.flatnonzero(place < len(moment))
    found = found[moment[place[found]] == wanted[found]]
    exact, is_ageing = np.full(len(wanted), np.nan), np.zeros(len(wanted), dtype=bool)
    exact[found], is_ageing[found] = values[place[found]], ageing[place[found]]
    return exact, is_ageing
