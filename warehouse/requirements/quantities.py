"""What can be required of a cell: where each quantity is measured, and under which conditions.

A quantity is one entry: the frame of :mod:`warehouse.requirements.frames` that holds it, its value and interval there,
the columns that say under which conditions it was measured, and which of a cell's values counts where several do.

formula: capacity: delivered charge, median of the first cycles of a block of like cycles
formula: leakage_per_year = leakage current · 8760 h / nominal capacity
formula: area_resistance = resistance · active (electrode) area
formula: energy_density = energy / (active area · thickness of cathode, electrolyte and anode)
formula: rate_capability = capacity / capacity of the slowest block at the same temperature
formula: temperature_capability = capacity / capacity at the recipe's ``reference_celsius`` and the same rate
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from warehouse.replicates.stated import stated

# No interval of its own: the recipe assumes one.
NOTHING: Final = pl.lit(None, dtype=pl.Float64)
HOURS_PER_YEAR: Final = 8760.0
DAYS_PER_YEAR: Final = 365.0
NOMINAL: Final = stated(pl.col("nominal_capacity_ah"))
AREA: Final = stated(pl.col("active_area_square_metre"))
THICKNESS: Final = stated(
    sum((pl.col(f"{layer}_thickness_metre") for layer in ("electrolyte", "anode")), pl.col("cathode_thickness_metre"))
)
BLOCK: Final = {
    "temperature_celsius": pl.col("temperature_celsius"),
    "rate_per_hour": pl.col("discharging_rate_per_hour"),
    "depth_of_discharge": pl.col("depth_of_discharge"),
    "upper_voltage_volt": pl.col("upper_voltage_volt"),
    "lower_voltage_volt": pl.col("lower_voltage_volt"),
}
# Several blocks may meet the conditions; a short one at another rate must not speak for the cell.
STANDING: Final = (pl.col("stands_for_cell"), pl.col("cycles"))
LOAD: Final = {
    "temperature_celsius": pl.col("temperature_celsius"),
    "state_of_charge": pl.col("state_of_charge"),
    "cycle": pl.col("cell_cycle"),
}
SPECTRUM: Final = {"temperature_celsius": pl.col("temperature_celsius"), "state_of_charge": pl.col("state_of_charge")}
STORED: Final = {"temperature_celsius": pl.col("temperature_celsius"), "storage_day": pl.col("storage_day")}


@dataclass(frozen=True)
class Quantity:
    """A quantity.

    Args:
        unit: SI unit; empty for fractions and counts.
        meaning: what it is.
        frame: that holds it.
        value: of a row; null where it was refused.
        under: conditions that it was measured under, by name.
        low: lower end of its interval.
        high: upper end of it.
        take: which of a cell's matching values counts: ``median``, ``min`` or ``max``.
        prefer: or the row that is first by these, the greatest first.
    """

    unit: str
    meaning: str
    frame: str
    value: pl.Expr
    under: Mapping[str, pl.Expr] = field(default_factory=dict)
    low: pl.Expr = NOTHING
    high: pl.Expr = NOTHING
    take: str = "median"
    prefer: tuple[pl.Expr, ...] = ()

    @property
    def conditions(self) -> tuple[str, ...]:
        """Names of the conditions that it is measured under."""
        return tuple(self.under)


def _block(unit: str, meaning: str, value: pl.Expr, frame: str = "conditions") -> Quantity:
    """Return a quantity of a block of like cycles; of several the one that stands for the cell, else the longest."""
    return Quantity(unit, meaning, frame, value, BLOCK, prefer=STANDING)


def _spectral(name: str, meaning: str) -> Quantity:
    low, high = (pl.col(f"{name}_{end}_ohm") for end in ("low", "high"))
    return Quantity("Ω", meaning, "spectrum_fits", pl.col(f"{name}_ohm"), SPECTRUM, low, high)


def _stored(part: str, meaning: str) -> Quantity:
    """Return a loss in storage as a rate per year; its interval is the fraction's, over the same time."""
    per_year = DAYS_PER_YEAR / pl.col("storage_day")
    low, high = (pl.col(f"{part}_{end}_fraction") * per_year for end in ("low", "high"))
    return Quantity("1/a", meaning, "storage_loss", pl.col(f"{part}_per_year_linear"), STORED, low, high)


QUANTITIES: Final[dict[str, Quantity]] = {
    "capacity": _block("Ah", "Delivered charge", pl.col("capacity_ah")),
    "capacity_of_nominal": _block("", "Delivered charge over nominal capacity", pl.col("capacity_ah") / NOMINAL),
    "areal_capacity": _block("Ah/m²", "Delivered charge over active area", pl.col("capacity_ah") / AREA),
    "energy": _block("Wh", "Delivered energy", pl.col("energy_wh")),
    "energy_density": _block("Wh/m³", "Delivered energy over active volume", pl.col("energy_wh") / (AREA * THICKNESS)),
    "coulombic_efficiency": Quantity(
        "",
        "Coulombic efficiency, median; its interval is the floor of what is known of the channel",
        "conditions",
        pl.col("coulombic_efficiency"),
        BLOCK,
        pl.col("coulombic_efficiency") - pl.col("coulombic_efficiency_floor"),
        pl.col("coulombic_efficiency") + pl.col("coulombic_efficiency_floor"),
        prefer=STANDING,
    ),
    "energy_efficiency": _block("", "Energy efficiency, median", pl.col("energy_efficiency")),
    "charge_time": _block("s", "Time under charging current in a cycle, median", pl.col("charge_time_second")),
    "rate_capability": _block("", "Capacity over that of the slowest block", pl.col("rate_ratio"), "ratios"),
    "temperature_capability": _block("", "Capacity over that at 25 °C", pl.col("temperature_ratio"), "ratios"),
    "capacity_retention": Quantity(
        "",
        "Capacity over the reference capacity at a cycle; the last where none is named",
        "retentions",
        pl.col("value"),
        {**BLOCK, "cycle": pl.col("cycle")},
    ),
    "life": Quantity(
        "",
        "Cycles to the end of life; more than were seen where it was not reached",
        "lives",
        pl.col("value"),
        {**BLOCK, "end_of_life": pl.col("end_of_life_threshold")},
        pl.col("seen"),
    ),
    "resistance": Quantity(
        "Ω",
        "Direct-current resistance when a discharge begins",
        "resistance",
        pl.col("resistance_ohm"),
        {**LOAD, "pulse_second": pl.col("after_second")},
    ),
    "area_resistance": Quantity(
        "Ω·m²",
        "The same times the active area",
        "resistance",
        pl.col("resistance_ohm") * AREA,
        {**LOAD, "pulse_second": pl.col("after_second")},
    ),
    "pulse_voltage": Quantity(
        "V",
        "Lowest voltage under a discharging pulse; of several pulses the lowest",
        "pulses",
        pl.col("lowest_voltage_volt"),
        {
            **LOAD,
            "pulse_second": pl.col("duration_second"),
            "pulse_rate_per_hour": pl.col("current_ampere").abs() / NOMINAL,
        },
        take="min",
    ),
    "acir": Quantity(
        "Ω",
        "Modulus of the impedance at one frequency",
        "spectrum_fits",
        pl.col("acir_modulus_ohm"),
        {**SPECTRUM, "frequency_hertz": pl.col("acir_frequency_hertz")},
    ),
    "hf_resistance": _spectral("hf_resistance", "Electrolyte and contacts, from a spectrum"),
    "interface_resistance": _spectral("interface_resistance", "Interfaces, from a spectrum"),
    "leakage": Quantity(
        "A",
        "Current that holds the cell at a voltage",
        "float_leakage",
        pl.col("leakage_ampere"),
        {"temperature_celsius": pl.col("temperature_celsius"), "voltage_volt": pl.col("voltage_volt")},
        pl.col("leakage_low_ampere"),
        pl.col("leakage_high_ampere"),
    ),
    "leakage_per_year": Quantity(
        "1/a",
        "The same over a year, over nominal capacity",
        "float_leakage",
        pl.col("leakage_ampere") * HOURS_PER_YEAR / NOMINAL,
        {"temperature_celsius": pl.col("temperature_celsius"), "voltage_volt": pl.col("voltage_volt")},
        pl.col("leakage_low_ampere") * HOURS_PER_YEAR / NOMINAL,
        pl.col("leakage_high_ampere") * HOURS_PER_YEAR / NOMINAL,
    ),
    "self_discharge_current": Quantity(
        "A",
        "Current that the resting cell loses charge by",
        "voltage_decay",
        pl.col("self_discharge_ampere"),
        {"temperature_celsius": pl.col("temperature_celsius"), "voltage_volt": pl.col("voltage_volt")},
        pl.col("self_discharge_low_ampere"),
        pl.col("self_discharge_high_ampere"),
    ),
    "self_discharge": _stored("self_discharge", "Charge lost in storage, per year, linear"),
    "irreversible_loss": _stored("irreversible", "Charge lost for good in storage, per year, linear"),
    "calendar_retention": Quantity(
        "",
        "Capacity over that of the first check-up, of the first check-up behind the time named",
        "calendar",
        pl.col("capacity_retention"),
        {
            # Later check-ups tell of longer times; the first one behind the time named is the closest.
            "storage_day": pl.col("calendar_day"),
            "temperature_celsius": pl.col("period_temperature_celsius"),
            "voltage_volt": pl.col("period_voltage_volt"),
        },
        prefer=(-pl.col("calendar_day"),),
    ),
    "capacity_after_exposure": Quantity(
        "",
        "Capacity behind an exposure to heat over that before it; of several the lowest",
        "exposures",
        pl.col("capacity_ratio"),
        {"exposure_celsius": pl.col("temperature_celsius"), "exposure_second": pl.col("duration_second")},
        take="min",
    ),
}
# Rows of a frame that hold its quantities, where not all of them do.
DISCHARGING: Final = pl.col("direction") == "discharge"
WHERE: Final = {
    # A charge's beginning and a release are other resistances.
    "resistance": (pl.col("edge") == "load") & DISCHARGING,
    "pulses": DISCHARGING,
}
# Frames that are made of the firm itself, not of a result table.
DERIVED: Final = ("ratios", "retentions", "lives")
READS: Final = tuple(dict.fromkeys(one.frame for one in QUANTITIES.values() if one.frame not in DERIVED))
# Of resistances, each cycle has several; the cycle of the cell is found by that of the test.
COLUMNS: Final = {
    "resistance": (
        "test_id",
        "edge",
        "direction",
        "cycle",
        "after_second",
        "temperature_celsius",
        "state_of_charge",
        "resistance_ohm",
    )
}
