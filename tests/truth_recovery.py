"""What was injected into virtual cells beside what the queries say of them: value, interval, and how often it holds.

A quantity whose query states an interval is held to that. The others are held to a tolerance that follows from the
lab's scatter and the files' digits, and that the table names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pages import DOCS, write_figures
from truth_labs import Known, Truth, opened, straight, tests_of_their_own
from truth_labs import lives as lives_lab

from flows.virtual_lab.ageing import RATE_BLOCK
from flows.virtual_lab.cell import HOUR, LOWER_VOLT, OPEN_CIRCUIT, SOC
from flows.virtual_lab.trace import NOISE_VOLT
from flows.virtual_lab.wafer import SPLITS, effect

Doubles = NDArray[np.float64]
Row = dict[str, Any]
Check = Callable[[Known], Iterator["Found"]]
PAGE: Final = DOCS / "truth.md"
INTERVAL: Final = "95 % interval"
# Which of some laws describes a noisy series best is a choice, and no measurement.
MOSTLY: Final = "9 in 10 equal"
NINE_IN_TEN: Final = 0.9
CONFIDENCE: Final = 0.95
SIGMAS: Final = 3.0
MICRO: Final = 1e-6
# Of a cycle's charge: what lies before the first record of its steps.
UNSEEN: Final = 1e-5


@dataclass(frozen=True)
class Found:
    """One figure of one cell.

    Args:
        quantity: what it is.
        stated: what it is held to: an interval of its own, or a tolerance.
        truth: what was injected.
        value: what the query says; None where it refuses.
        low: lower end of what the truth may be.
        high: upper end of it.
    """

    quantity: str
    stated: str
    truth: float
    value: float | None
    low: float | None
    high: float | None

    @property
    def holds(self) -> bool:
        """Whether the truth lies within."""
        return self.low is not None and self.high is not None and self.low <= self.truth <= self.high


@dataclass(frozen=True)
class Line:
    """How one quantity came out over all cells.

    Args:
        quantity: what it is.
        stated: what it was held to.
        injected: how many were injected.
        found: how many were told.
        held: of how many of these the truth lay within.
        median: difference from the truth, median of the sizes, as a part of the truth (of its spread where that is 0).
        largest: the largest of them.
    """

    quantity: str
    stated: str
    injected: int
    found: int
    held: int
    median: float
    largest: float

    @property
    def share(self) -> float:
        """Part of the told ones that hold."""
        return self.held / self.found if self.found else 0.0

    @property
    def enough(self) -> bool:
        """Whether so few could hold by chance of intervals that hold as often as they say; a tolerance always must."""
        if self.stated == MOSTLY:
            return self.share >= NINE_IN_TEN
        if self.stated != INTERVAL:
            return self.held == self.found
        spread = (CONFIDENCE * (1.0 - CONFIDENCE) / max(self.found, 1)) ** 0.5
        return bool(self.share >= CONFIDENCE - SIGMAS * spread)


def sum_up(found: list[Found]) -> list[Line]:
    """Return one line a quantity, in the order in which they came."""
    lines = []
    for quantity, group in groupby(sorted(found, key=_order(found)), key=lambda one: one.quantity):
        all_of = list(group)
        told = [one for one in all_of if one.value is not None]
        scale = np.median([abs(one.truth) for one in all_of]) or 1.0
        apart = [abs((one.value or 0.0) - one.truth) / scale for one in told] or [float("nan")]
        held = sum(one.holds for one in told)
        figures = float(np.median(apart)), float(np.max(apart))
        lines.append(Line(quantity, all_of[0].stated, len(all_of), len(told), held, *figures))
    return lines


def tabulate(lines: list[Line]) -> str:
    """Return lines as a Markdown table."""
    head = (
        "| quantity | held to | injected | told | truth within | median difference | largest |",
        "| --- |" + " --- |" * 6,
    )
    rows = (
        f"| {line.quantity} | {line.stated} | {line.injected} | {line.found} | {line.held} ({line.share:.1%}) "
        f"| {line.median:.2%} | {line.largest:.2%} |"
        for line in lines
    )
    return "\n".join((*head, *rows))


def recover(known: Known) -> list[Found]:
    """Ask every question that a lab has answers for."""
    if known.blocks:
        checks: tuple[Check, ...] = BLOCKED
    else:
        checks = CYCLED if "blocks" in known.lab["options"] else STRAIGHT
    return [found for check in checks for found in check(known)]


def recover_all(folder: Path, cells: int) -> str:
    """Recover the truth of all labs and write the tables into the page; returns a short account.

    Args:
        folder: where homes may be made.
        cells: cells of each lab that cycles; the blocks have a sixth of them each.
    """
    sizes = {"lives": lives_lab(cells), "straight": straight(cells), "blocks": tests_of_their_own(max(cells // 6, 2))}
    parts, lines = [], []
    for name, options in sizes.items():
        with opened(folder / name, options) as known:
            told = sum_up(recover(known))
            counted = len(known.cells) + len(known.blocks)
        lines += told
        parts.append(f"**{name}**: {counted} cells\n\n{tabulate(told)}")
    write_figures(PAGE, "\n\n".join(parts))
    missed = [line.quantity for line in lines if not line.enough]
    account = f"{len(lines)} quantities of {sum(line.found for line in lines):,} figures in three labs"
    return f"{account}, {len(missed)} held less often than stated{': ' + ', '.join(missed) if missed else ''}"


def _order(found: list[Found]) -> Callable[[Found], int]:
    places: dict[str, int] = {}
    for one in found:
        places.setdefault(one.quantity, len(places))
    return lambda one: places[one.quantity]


def _ask(known: Known, name: str) -> dict[tuple[str, str], list[Row]]:
    """Return a query's rows by cell."""
    rows: dict[tuple[str, str], list[Row]] = {}
    frame = known.home.query(name)
    if "firm" not in frame.columns:
        tests = known.home.query("tests").select("test_id", "firm")
        frame = frame.join(tests, on="test_id", how="left")
    for row in frame.iter_rows(named=True):
        rows.setdefault((row["firm"], row["cell_id"]), []).append(row)
    return rows


def _one(rows: list[Row] | None, **conditions: object) -> Row:
    """Return the row that meets the conditions, or an empty one."""
    met = (row for row in rows or () if all(row[name] == value for name, value in conditions.items()))
    return next(met, {})


def _within(quantity: str, truth: float, value: float | None, tolerance: float, stated: str) -> Found:
    if value is None:
        return Found(quantity, stated, truth, None, None, None)
    return Found(quantity, stated, truth, value, value - tolerance, value + tolerance)


def _between(quantity: str, truth: float, row: Row, name: str, unit: str = "") -> Found:
    """Return a figure with its interval, by the house's rule of names."""
    names = (f"{name}{unit}", f"{name}_low{unit}", f"{name}_high{unit}")
    value, low, high = (row.get(one) for one in names)
    return Found(quantity, INTERVAL, truth, value, low, high)


def fade_laws(known: Known) -> Iterator[Found]:
    """The law's coefficient and exponent, and which law it is, of cells without a knee."""
    asked = _ask(known, "fade_models")
    for key, cell in known.cells.items():
        if cell["knee_cycle"] is not None:
            continue
        law = cell["fade_law"]
        chosen = _one(asked.get(key), chosen=True)
        told = None if not chosen else float(chosen["model"] == law)
        yield _within("fade law is the injected one", 1.0, told, 0.0, MOSTLY)
        fitted = _one(asked.get(key), model=law)
        yield _between(f"fade coefficient, {law}", cell["fade_coefficient"], fitted, "coefficient")
        if law == "power":
            yield _between("fade exponent, power", cell["fade_exponent"], fitted, "exponent")


def knees(known: Known) -> Iterator[Found]:
    """Where a knee was injected, its cycle and its sharpness; where none was, that none is detected."""
    asked = _ask(known, "knees")
    for key, cell in known.cells.items():
        row = _one(asked.get(key), method="consensus")
        if cell["knee_cycle"] is None:
            detected = float(row["status"] == "detected") if row else None
            yield _within("no knee is detected", 0.0, detected, 0.0, "equal")
            continue
        yield _between("knee", cell["knee_cycle"], row, "knee", "_cycle")
        ratio = cell["knee_slope_ratio"]
        yield _within("slope behind the knee over slope before", ratio, row.get("acceleration"), 0.05 * ratio, "± 5 %")


def lives(known: Known) -> Iterator[Found]:
    """End of life, where it was reached; that it is censored, where it was not."""
    asked = _ask(known, "summary")
    for key, cell in known.cells.items():
        row = _one(asked.get(key))
        truth = cell["end_of_life_cycle"]
        if truth is not None:
            yield _within("end of life", truth, row.get("end_of_life_cycle"), 1.0, "± 1 cycle")
        else:
            yield _within("life is censored", 1.0, float(row["end_of_life_censored"]), 0.0, "equal")


def offsets(known: Known) -> Iterator[Found]:
    """The channel's offset, where the file says which steps are rests."""
    asked = _ask(known, "precision")
    for key, cell in known.cells.items():
        row = _one(asked.get(key))
        if row.get("current_offset_source") != "rest":
            continue
        noise = 4.0 * (row["current_noise_ampere"] or 0.0) / max(row["resting_records"], 1) ** 0.5
        tolerance = noise + (row["current_quantum_ampere"] or 0.0)
        stated = "± 4 standard errors and a digit"
        yield _within("offset at rest", cell["current_offset_ampere"], row["current_offset_ampere"], tolerance, stated)


def efficiencies(known: Known) -> Iterator[Found]:
    """The true coulombic efficiency of ageing cycles lies within the stated floor of the displayed one."""
    asked = _ask(known, "fade")
    for key, cell in known.cells.items():
        truths = cell["cycles"]["true_coulombic_efficiency"]
        ageing = [row for row in asked.get(key, ()) if row["class"] == "ageing"]
        # Without a known offset the floor is of what is known, and is printed as a lower bound.
        stated = [row for row in ageing if "offset" in (row["coulombic_efficiency_floor_terms"] or "")]
        if not stated:
            continue
        worst = max(stated, key=lambda row: abs(row["coulombic_efficiency"] - truths[row["cycle"] - 1]))
        floor, value = worst["coulombic_efficiency_floor"] + UNSEEN, worst["coulombic_efficiency"]
        truth = truths[worst["cycle"] - 1]
        yield _within("coulombic efficiency, worst cycle of a cell", truth, value, floor, "± floor + 1e-5")
        if _is_ten_nanoampere(cell):
            # A little more than twice the ratio: at constant voltage the current is lower than 10 µA.
            shift = float(np.median([row["coulombic_efficiency"] - truths[row["cycle"] - 1] for row in ageing]))
            yield _within("shift by 10 nA on 10 µA", -0.002, shift, 2e-4, "± 0.02 %")


def resistances(known: Known) -> Iterator[Found]:
    """The resistance a second behind the discharge's edge, first and last cycle, and how it grew."""
    asked = _ask(known, "resistance")
    for key, cell in known.cells.items():
        edges = [
            row
            for row in asked.get(key, ())
            if (row["direction"], row["edge"], row["after_second"], row["at_end"]) == ("discharge", "load", 1.0, False)
        ]
        told = {row["cycle"]: row["resistance_ohm"] for row in edges}
        injected = _resistance_at(cell, 1.0)
        first, last = 1, len(injected)
        for cycle in (first, last):
            truth = injected[cycle - 1]
            tolerance = 0.002 * truth + _hidden_volt(cell) / cell["cycles"]["set_current_ampere"][cycle - 1]
            yield _within("resistance after 1 s", truth, told.get(cycle), tolerance, "± 0.2 %, noise and digit")
        if told.get(first) and told.get(last):
            growth = injected[-1] / injected[0]
            found = told[last] / told[first]
            hidden = _hidden_volt(cell) / (cell["cycles"]["set_current_ampere"][0] * injected[0])
            tolerance = growth * (0.002 + 1.5 * hidden)
            yield _within("growth of the resistance", growth, found, tolerance, "± 0.2 %, noise and digit")


def rates(known: Known) -> Iterator[Found]:
    """What is left at each rate of the rate test, and that it comes back."""
    asked = _ask(known, "rate")
    for key, cell in known.cells.items():
        shown = _displayed_by_rate(cell)
        reference = shown[min(shown)]
        for rate in sorted({*RATE_BLOCK} - {min(shown)}):
            row = next((row for row in asked.get(key, ()) if _is_rate(row, rate)), {})
            truth = shown[rate] / reference
            yield _within(f"capacity at {rate:g}C over C/5", truth, row.get("capacity_ratio"), 2e-3, "± 0.2 %")
        back = [row["recovery"] for row in asked.get(key, ()) if row["recovery"] is not None]
        yield _within("recovery after the rate test", 1.0, back[0] if back else None, 2e-3, "± 0.2 %")


def wafers(known: Known) -> Iterator[Found]:
    """Radial fall and tilt of the capacity over each wafer, as parts of its centre's."""
    gradient = known.lab["wafer_gradient"]
    options = known.lab["options"]
    rows = {
        (row["firm"], row["wafer"]): row
        for row in known.home.query("uniformity").iter_rows(named=True)
        if row["quantity"] == "capacity"
    }
    dies = {(cell["firm"], cell["wafer"]): cell["process_split"] for cell in known.cells.values()}
    for key, split in sorted(dies.items()):
        row = rows.get(key, {})
        # Of the wafer that the die of its centre lies on.
        centre = 1.0 + (gradient["split"] if split == SPLITS[1] else 0.0)
        centre += effect(options["seed"], int(key[1][1:]))
        for name in ("radial", "tilt_x", "tilt_y"):
            yield _between(f"{name} part of the capacity over a wafer", gradient[name] / centre, row, f"{name}_part")


def process_splits(known: Known) -> Iterator[Found]:
    """What the second split does to the capacity, with its wafers as replicates."""
    nominal = {cell["firm"]: cell["nominal_capacity_ah"] for cell in known.cells.values()}
    asked = known.home.query("splits").filter(pl.col("quantity") == "capacity", pl.col("split") == SPLITS[1])
    rows = {row["firm"]: row for row in asked.iter_rows(named=True)}
    for firm, capacity in sorted(nominal.items()):
        row = rows.get(firm, {})
        truth = known.lab["wafer_gradient"]["split"] * capacity
        yield _between("effect of a process split on the capacity", truth, row, "effect")


def titrations(known: Known) -> Iterator[Found]:
    """D/L² of every pulse, and of every cell its median."""
    asked = _ask(known, "gitt")
    for key, cell in _of_block(known, "gitt"):
        truth = cell["injected"]["diffusion_per_second"]
        rows = [row for row in asked.get(key, ()) if row["reason"] != "first_pulse"]
        for row in rows:
            yield _between("D/L² of a pulse", truth, row, "diffusion_rate", "_per_second")
        told = [row["diffusion_rate_per_second"] for row in rows if row["status"] == "measured"]
        median = float(np.median(told)) if told else None
        yield _within("D/L² of a cell, median", truth, median, 0.1 * truth, "± 10 %")


def floats(known: Known) -> Iterator[Found]:
    """Leakage by float; where the channel's offset is unknown, the figure holds that too and says so."""
    asked = _ask(known, "self_discharge")
    for key, cell in _of_block(known, "float"):
        row = _one(asked.get(key), method="float")
        truth = cell["injected"]["leakage_ampere"]
        hidden = "offset_unknown" in (row.get("flags") or "")
        truth += cell["injected"]["rest_current_ampere"] if hidden else 0.0
        yield _between("leakage by float", truth, row, "self_discharge", "_ampere")


def storages(known: Known) -> Iterator[Found]:
    """Self-discharge by capacity, its irreversible part, and its current by the slope of the voltage."""
    asked = _ask(known, "self_discharge")
    for key, cell in _of_block(known, "storage"):
        injected = cell["injected"]
        row = _one(asked.get(key), method="capacity")
        yield _between("self-discharge by capacity", injected["self_discharge"], row, "self_discharge", "_fraction")
        value, reach = row.get("irreversible_fraction"), row.get("fraction_reach")
        ends = (None, None) if value is None or reach is None else (value - reach, value + reach)
        yield Found("irreversible loss by storage", INTERVAL, injected["irreversible"], value, *ends)
        slope = _one(asked.get(key), method="voltage")
        truth = injected["self_discharge_current_ampere"]
        yield _between("self-discharge by slope of voltage", truth, slope, "self_discharge", "_ampere")


def calendars(known: Known) -> Iterator[Found]:
    """Loss by the calendar with its exponent given, and the exponent where it is found."""
    asked = _ask(known, "calendar")
    for key, cell in _of_block(known, "calendar"):
        row = _one(asked.get(key))
        injected = cell["injected"]
        yield _between("calendar loss per root day", injected["loss_per_root_day"], row, "loss", "_per_day_power")
        yield _between("calendar exponent", injected["exponent"], row, "free_exponent")


def pulses(known: Known) -> Iterator[Found]:
    """Resistance of well-sampled pulses, their lowest voltage, and that badly sampled ones tell none."""
    asked = _ask(known, "pulses")
    for key, cell in _of_block(known, "pulse"):
        told = {row["step_count"]: row for row in asked.get(key, ())}
        for pulse in cell["injected"]["pulses"]:
            row = told.get(pulse["step_count"], {})
            if pulse["train"] == "coarse":
                refused = float(row["status"] == "not_resolved") if row else None
                yield _within("a burst of two samples is refused", 1.0, refused, 0.0, "equal")
                continue
            truths = dict(zip(pulse["told_second"], pulse["resistance_ohm"], strict=True))
            for second, name in ((0.01, "10_millisecond"), (1.0, "1_second"), (10.0, "10_second")):
                if second in truths:
                    value, truth = row.get(f"resistance_{name}_ohm"), truths[second]
                    yield _within(f"pulse resistance after {second:g} s", truth, value, 0.002 * truth, "± 0.2 %")
            if pulse["train"] == "fine":
                lowest = row.get("lowest_voltage_volt")
                yield _within("lowest voltage of a burst", pulse["lowest_voltage_volt"], lowest, 2e-6, "a digit")


def temperatures(known: Known) -> Iterator[Found]:
    """Capacity at each temperature over that at room."""
    asked = _ask(known, "temperature")
    for key, cell in _of_block(known, "temperature"):
        injected = cell["injected"]
        pairs = zip(injected["temperatures_celsius"], injected["capacity_factors"], strict=True)
        for celsius, truth in list(pairs)[1:-1]:
            row = next((row for row in asked.get(key, ()) if _is_soaked_at(row, celsius)), {})
            value = row.get("capacity_ratio")
            yield _within("capacity at a temperature over that at room", truth, value, 1e-3, "± 0.1 %")


def _of_block(known: Known, name: str) -> Iterator[tuple[tuple[str, str], Truth]]:
    return ((key, cell) for key, cell in known.blocks.items() if cell["block"] == name)


def _is_ten_nanoampere(cell: Truth) -> bool:
    nominal, offset = cell["nominal_capacity_ah"], cell["current_offset_ampere"]
    return bool(np.isclose(nominal / MICRO, 10.0) and np.isclose(offset / MICRO, 0.01))


def _resistance_at(cell: Truth, second: float) -> Doubles:
    """What the discharge's edge shows after so long in every cycle, with what the open circuit has slid by then."""
    injected, cycles = cell["resistance"], cell["cycles"]
    ohmic, transfer = (np.array(injected[f"{name}_resistance_ohm"]) for name in ("ohmic", "transfer"))
    settled = 1.0 - np.exp(-second / injected["transfer_second"])
    current = np.array(cycles["set_current_ampere"])
    hours = np.array(cycles["displayed_discharging_capacity_ah"]) / current
    empty = np.interp(LOWER_VOLT + current * (ohmic + transfer), OPEN_CIRCUIT, SOC)
    slid = OPEN_CIRCUIT[-1] - np.interp(1.0 - (1.0 - empty) * second / (hours * HOUR), SOC, OPEN_CIRCUIT)
    return np.asarray(ohmic + settled * transfer + slid / current, dtype=np.float64)


def _hidden_volt(cell: Truth) -> float:
    """What noise and digits may make of a difference of two voltages: four standard deviations."""
    return float(SIGMAS + 1.0) * float(np.hypot(2**0.5 * NOISE_VOLT, cell["quantum"]["volt"] / 6**0.5))


def _displayed_by_rate(cell: Truth) -> dict[float, float]:
    """Median displayed capacity of the rate test's cycles, by rate."""
    cycles = cell["cycles"]
    told = zip(cycles["class"], cycles["c_rate"], cycles["displayed_discharging_capacity_ah"], strict=True)
    frame = pl.DataFrame([(rate, capacity) for kind, rate, capacity in told if kind == "rate"], orient="row")
    return dict(frame.group_by("column_0").agg(pl.col("column_1").median()).iter_rows())


def _is_soaked_at(row: Row, celsius: float) -> bool:
    return row["status"] == "measured" and bool(abs(row["temperature_celsius"] - celsius) < 1.0)


def _is_rate(row: Row, rate: float) -> bool:
    told = row["rate_per_hour"]
    return told is not None and bool(abs(told - rate) < 0.05 * rate)


STRAIGHT: Final = (fade_laws, knees, lives, wafers)
CYCLED: Final = (fade_laws, knees, lives, offsets, efficiencies, resistances, rates, process_splits)
BLOCKED: Final = (titrations, floats, storages, calendars, pulses, temperatures)
