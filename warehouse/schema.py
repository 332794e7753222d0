"""Every table that Cellar keeps, declared once.

Names are those of the Battery Data Format 1.3 where it has one, the unit is part of the name, SI throughout,
positive current charges the cell, fractions are fractions. Times are seconds, wall clock is UTC.
Everything else that knows a column (Polars, DuckDB, the registry's DDL, Parquet metadata, ``docs/schema.md``)
is a projection of the tuples below.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import polars as pl

from warehouse.errors import SchemaMismatch

SCHEMA_VERSION: Final = 1

STEP_TYPES: Final = (
    "rest",
    "charge",
    "charge_cc",
    "charge_cv",
    "charge_cccv",
    "discharge",
    "discharge_cc",
    "discharge_cv",
    "discharge_cccv",
    "pause",
    "pulse",
    "eis",
    "other",
)
CYCLE_CLASSES: Final = ("formation", "ageing", "rpt", "rate", "pulse", "hold", "incomplete")
CONVENTIONS: Final = ("full_charge_first", "full_discharge_first", "half_anode", "half_cathode", "symmetric")
DIRECTIONS: Final = ("down", "left", "up", "right")
SOURCE_STATES: Final = (
    "committed",
    "duplicate",
    "unchanged",
    "superseded",
    "quarantined",
    "ignored",
    "in_progress",
)
# Bins of a die: what is wrong with it.
DIE_BINS: Final = {
    1: "pass",
    2: "short",
    3: "open",
    4: "low_capacity",
    5: "high_resistance",
    6: "high_leakage",
    7: "not_tested",
    8: "excluded",
    9: "other_limit",
}
KINDS: Final = ("cycling", "eis", "companion", "empty")
ROLES: Final = ("firm", "technician", "operator")

F64: Final = pl.Float64()
I64: Final = pl.Int64()
TEXT: Final = pl.String()
FLAG: Final = pl.Boolean()
STEP_TYPE: Final = pl.Enum(STEP_TYPES)


@dataclass(frozen=True)
class Column:
    """One column: its name carries the unit, ``unit`` repeats it for machines (empty for counts and labels)."""

    name: str
    dtype: pl.DataType
    unit: str
    description: str
    required: bool = False
    key: bool = False


@dataclass(frozen=True)
class Table:
    """A named tuple of columns; ``place`` is ``parquet`` (a file per test) or ``registry`` (a database table)."""

    name: str
    description: str
    place: str
    columns: tuple[Column, ...]
    unique: tuple[tuple[str, ...], ...] = field(default=())

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The column names in their declared order."""
        return tuple(column.name for column in self.columns)

    @cached_property
    def dtypes(self) -> dict[str, pl.DataType]:
        """Column name to Polars dtype, in the declared order."""
        return {column.name: column.dtype for column in self.columns}

    @cached_property
    def required(self) -> tuple[str, ...]:
        """The columns that may neither be absent nor hold a null."""
        return tuple(column.name for column in self.columns if column.required)

    @cached_property
    def _empty(self) -> pl.DataFrame:
        return pl.DataFrame(schema=self.dtypes)

    def empty(self) -> pl.DataFrame:
        """A frame of this table without rows."""
        # Made once: a wide frame takes a millisecond, and a night asks for thousands.
        return self._empty.clone()


def _float(name: str, unit: str, description: str, *, required: bool = False, key: bool = False) -> Column:
    return Column(name, F64, unit, description, required, key)


def _count(name: str, description: str, *, required: bool = False, key: bool = False) -> Column:
    return Column(name, I64, "", description, required, key)


def _text(name: str, description: str, *, required: bool = False, key: bool = False) -> Column:
    return Column(name, TEXT, "", description, required, key)


def _flag(name: str, description: str, *, required: bool = False) -> Column:
    return Column(name, FLAG, "", description, required)


def _stamps() -> tuple[Column, ...]:
    """The two columns that say which manifest a row is from."""
    return (
        _count("manifest_version", "Manifest that last changed this row; null where none did"),
        _float("updated_unix_second", "s", "When this row last changed", required=True),
    )


def _grid() -> tuple[Column, ...]:
    """The columns that say which group of the comparison between firms a row is of."""
    return (
        _text("chemistry_family", "Family of the cathode", required=True, key=True),
        _text("capacity_decade", "Decade of the nominal capacity, in words", required=True, key=True),
        _text("temperature_bin", "Bin of the temperature, in words", required=True, key=True),
        _text("rate_bin", "Bin of the C-rate of discharge, in words", required=True, key=True),
        _text("metric", "What is compared; its unit is part of the name", required=True, key=True),
        _count("at_cycle", "Cycle at which it is compared; 0 where the metric is of no cycle", required=True, key=True),
    )


def _counters(prefix: str, resets: str) -> tuple[Column, ...]:
    """The four charge and energy counters of one resetting behaviour."""
    return tuple(
        _float(
            f"{prefix}{way}ing_{what}_{unit}",
            symbol,
            f"{what.capitalize()} {'into' if way == 'charg' else 'out of'} the cell, instrument's counter, {resets}",
        )
        for what, unit, symbol in (("capacity", "ah", "Ah"), ("energy", "wh", "Wh"))
        for way in ("charg", "discharg")
    )


def _interval(name: str, unit_name: str, unit: str, description: str) -> tuple[Column, ...]:
    """A figure, the ends of its confidence interval, and why it is missing."""
    return (
        _float(f"{name}_{unit_name}", unit, description),
        _float(f"{name}_low_{unit_name}", unit, "Lower end of its confidence interval"),
        _float(f"{name}_high_{unit_name}", unit, "Upper end of its confidence interval"),
        _text(f"{name}_reason", "Why it is missing: a key of warehouse.impedance.reasons"),
    )


def _bounds(name: str, unit_name: str, unit: str, description: str) -> tuple[Column, ...]:
    """A figure and the ends of its confidence interval."""
    return (
        _float(f"{name}_{unit_name}", unit, description),
        _float(f"{name}_low_{unit_name}", unit, "Lower end of its confidence interval"),
        _float(f"{name}_high_{unit_name}", unit, "Upper end of its confidence interval"),
    )


MEASUREMENTS: Final = Table(
    "measurements",
    "One row per recorded sample of a test, as the instrument recorded it, in SI units.",
    "parquet",
    (
        _float("test_time_second", "s", "Time since the start of the test; never decreases", required=True),
        _float("voltage_volt", "V", "Cell voltage", required=True),
        _float("current_ampere", "A", "Current; positive charges the cell", required=True),
        _float("unix_time_second", "s", "Wall clock, seconds since 1970-01-01 UTC"),
        _count("cycle_count", "Cycle as the instrument counts it; never renumbered"),
        _count("step_count", "Executed steps so far, from 1, never decreases"),
        _count("step_id", "Number of the step in the instrument's schedule; may recur"),
        Column("step_type", STEP_TYPE, "", "What the instrument says it is doing"),
        _count("record_index", "Number of the record as the instrument counts it"),
        _float("step_time_second", "s", "Time since the start of the step"),
        *_counters("", "never reset"),
        _float("net_capacity_ah", "Ah", "Charge since the start, charging minus discharging, instrument's counter"),
        _float("net_energy_wh", "Wh", "Energy since the start, charging minus discharging, instrument's counter"),
        *_counters("schedule_", "reset where the schedule says"),
        *_counters("cycle_", "reset at each cycle"),
        *_counters("step_", "reset at each step"),
        _float("power_watt", "W", "Power as the instrument recorded it; positive charges the cell"),
        _float("ambient_temperature_celsius", "°C", "Temperature of the chamber"),
        _float("surface_temperature_celsius", "°C", "Temperature of the cell's surface"),
        *(_float(f"temperature_t{n}_celsius", "°C", f"Temperature, auxiliary channel {n}") for n in range(1, 6)),
        _float("internal_resistance_ohm", "Ω", "Internal resistance as the instrument computed it"),
        _float("current_range_ampere", "A", "Full scale of the current range in use"),
        _count("source_flags", "Status word of the record, as the instrument wrote it"),
    ),
)

SPECTRA: Final = Table(
    "spectra",
    "One row per frequency point of an impedance spectrum.",
    "parquet",
    (
        _count("spectrum_index", "Number of the spectrum within its test, from 1", required=True),
        _float("frequency_hertz", "Hz", "Frequency of the excitation", required=True),
        _float("real_impedance_ohm", "Ω", "Real part of the impedance", required=True),
        _float("imaginary_impedance_ohm", "Ω", "Imaginary part; negative when capacitive", required=True),
        _float("test_time_second", "s", "Time since the start of the test"),
        _float("unix_time_second", "s", "Wall clock, seconds since 1970-01-01 UTC"),
        _float("bias_voltage_volt", "V", "Mean cell voltage during the point"),
        _float("bias_current_ampere", "A", "Mean current during the point; positive charges the cell"),
        _float("amplitude_voltage_volt", "V", "Amplitude of the voltage"),
        _float("amplitude_current_ampere", "A", "Amplitude of the current"),
        _float("temperature_celsius", "°C", "Temperature during the point"),
        _float("state_of_charge", "", "State of charge as a fraction of nominal capacity, where the file says it"),
        _count("cycle_count", "Cycle as the instrument counts it"),
        _count("step_id", "Number of the step in the instrument's schedule"),
    ),
)

STEPS: Final = Table(
    "steps",
    "One row per executed step: charge and energy by trapezoid, the instrument's counter beside them.",
    "parquet",
    (
        _text("test_id", "The test", required=True, key=True),
        _count("revision", "Revision of the test's data", required=True),
        _count("step_count", "Number of the step within the test, from 1", required=True, key=True),
        _count("step_id", "Number of the step in the instrument's schedule"),
        Column("kind", STEP_TYPE, "", "What the step did, from its current and voltage", required=True),
        _count("cycle", "Logical cycle, from 1; 0 before the first half cycle", required=True),
        _count("cycle_count", "Cycle as the instrument counts it, at the step's start"),
        _float("start_time_second", "s", "Test time of the first record", required=True),
        _float("duration_second", "s", "From the first record to the last", required=True),
        _float("start_unix_time_second", "s", "Wall clock of the first record, UTC"),
        _float("charge_ah", "Ah", "∫I·dt by trapezoid within the step, gaps excluded; positive charges", required=True),
        _float("counter_charge_ah", "Ah", "The same by the instrument's counter"),
        _float("counter_ratio", "", "charge_ah over counter_charge_ah, from the same records"),
        _float(
            "primary_charge_ah",
            "Ah",
            "The figure to rely on: the counter's where it is fine enough, with what flowed before the first "
            "record; else charge_ah",
        ),
        _float("energy_wh", "Wh", "∫V·I·dt by trapezoid, gaps excluded; positive charges", required=True),
        _float("counter_energy_wh", "Wh", "The same by the instrument's counter"),
        _float("primary_energy_wh", "Wh", "The figure to rely on, chosen as primary_charge_ah"),
        _float("first_voltage_volt", "V", "Voltage of the first record", required=True),
        _float("last_voltage_volt", "V", "Voltage of the last record", required=True),
        _float("mean_voltage_volt", "V", "Voltage, mean over time", required=True),
        _float("first_current_ampere", "A", "Current of the first record", required=True),
        _float("last_current_ampere", "A", "Current of the last record", required=True),
        _float("mean_current_ampere", "A", "Current, mean over time", required=True),
        _float("cv_charge_ah", "Ah", "The part of charge_ah that flowed at constant voltage"),
        _text("end_reason", "current, voltage or time: what the last records stood at; null where unclear"),
        _float("mean_temperature_celsius", "°C", "Mean of the first temperature that the file carries"),
        _count("records", "Number of samples", required=True),
        _float("largest_gap_second", "s", "Longest time between two records", required=True),
        _text("flags", "Comma-separated: gap, counter_differs, current_reverses, single_record, …", required=True),
    ),
)

CYCLES: Final = Table(
    "cycles",
    "One row per logical cycle: a charge group and a discharge group in the order of the cell's convention.",
    "parquet",
    (
        _text("test_id", "The test", required=True, key=True),
        _count("revision", "Revision of the test's data", required=True),
        _count("cycle", "Logical cycle within the test, from 1", required=True, key=True),
        _count("cycle_count", "Cycle as the instrument counts it, at the cycle's start"),
        _text("class", f"One of {', '.join(CYCLE_CLASSES)}", required=True),
        _float("start_time", "s", "Wall clock of the first record, seconds since 1970-01-01 UTC"),
        _float("start_time_second", "s", "Test time of the first record", required=True),
        _float("duration_second", "s", "From the first record to the last", required=True),
        _float("charging_capacity_ah", "Ah", "Charge into the cell"),
        _float("discharging_capacity_ah", "Ah", "Charge out of the cell"),
        _float("charging_energy_wh", "Wh", "Energy into the cell"),
        _float("discharging_energy_wh", "Wh", "Energy out of the cell"),
        _float("coulombic_efficiency", "", "By the cell's convention; null when the cycle is incomplete"),
        _float("energy_efficiency", "", "Energy out over energy in; null when the cycle is incomplete"),
        _float("mean_charging_voltage_volt", "V", "charging_energy_wh / charging_capacity_ah"),
        _float("mean_discharging_voltage_volt", "V", "discharging_energy_wh / discharging_capacity_ah"),
        _float("mean_charging_current_ampere", "A", "Mean charging current, weighted by the charge of its steps"),
        _float("mean_discharging_current_ampere", "A", "Mean discharging current, weighted likewise; negative"),
        _float("cv_fraction", "", "Part of charging_capacity_ah that flowed at constant voltage"),
        _float("upper_voltage_volt", "V", "Highest voltage under charge"),
        _float("lower_voltage_volt", "V", "Lowest voltage under discharge"),
        _float("charge_rest_voltage_volt", "V", "Voltage at the end of the rest after charge"),
        _float("discharge_rest_voltage_volt", "V", "Voltage at the end of the rest after discharge"),
        _float("mean_temperature_celsius", "°C", "Mean of the steps' temperatures, by time"),
        _text("flags", "Comma-separated: charge_only, discharge_only, truncated, gap, counter, …", required=True),
    ),
)

SPECTRUM_FITS: Final = Table(
    "spectrum_fits",
    "One row per impedance spectrum: whether it may be trusted, what was fitted, what a firm reads off it.",
    "parquet",
    (
        _text("test_id", "The test", required=True, key=True),
        _count("revision", "Revision of the test's data", required=True),
        _count("spectrum_index", "Number of the spectrum within its test, from 1", required=True, key=True),
        _text("status", "fitted, refused, or not_applicable to a spectrum too short to fit", required=True),
        _text("reason", "Why it was not fitted: a key of warehouse.impedance.reasons"),
        _float("start_time_second", "s", "Test time of the first point"),
        _float("start_unix_time_second", "s", "Wall clock of the first point, UTC"),
        _float("duration_second", "s", "From the first point to the last"),
        _count("cycle_count", "Cycle as the instrument counts it, at the first point"),
        _float("bias_voltage_volt", "V", "Mean cell voltage"),
        _float("state_of_charge", "", "Mean state of charge, where the file says it"),
        _float("temperature_celsius", "°C", "Mean temperature"),
        _text("temperature_source", "recorded by the instrument, or stated by a person; never taken from a name"),
        _count("points", "Points measured", required=True),
        _count("points_used", "Points fitted", required=True),
        _text("failing_points", "Frequencies in Hz that fail the Kramers-Kronig test, comma-separated", required=True),
        _float("lowest_frequency_hertz", "Hz", "Lower end of the band", required=True),
        _float("highest_frequency_hertz", "Hz", "Upper end of the band", required=True),
        _float("kramers_kronig_rms", "", "Root mean square of the test's residuals, as a part of the modulus"),
        _float("kramers_kronig_largest", "", "Largest of the test's residuals, as a part of the modulus"),
        _float("acir_frequency_hertz", "Hz", "Frequency of the two figures that follow"),
        _float("acir_modulus_ohm", "Ω", "Modulus of the measured impedance there: ACIR by modulus"),
        _float("acir_real_ohm", "Ω", "Real part of the measured impedance there: ACIR by real part"),
        _text("circuit", "The circuit that was chosen"),
        _float("misfit", "", "Root mean square of the fit's residuals, as a part of the modulus"),
        _float(
            "residual_correlation", "", "How far neighbouring residuals resemble each other; intervals are wider by it"
        ),
        _float("confidence", "", "Level of the intervals", required=True),
        *_interval("hf_resistance", "ohm", "Ω", "R_hf: electrolyte and contacts, up to highest_frequency_hertz"),
        *_interval("interface_resistance", "ohm", "Ω", "R_interface: sum of the arcs of interfaces within the band"),
        _float("interface_capacitance_farad", "F", "(QR)^(1/n) / R of the largest arc of an interface"),
        _float("area_square_metre", "m²", "Area that resistances were multiplied with"),
        _text("area_kind", "Which area it is: electrode, die or package"),
        _float("hf_area_resistance_ohm_square_metre", "Ω·m²", "hf_resistance_ohm times the area"),
        _float("interface_area_resistance_ohm_square_metre", "Ω·m²", "interface_resistance_ohm times the area"),
        *_interval(
            "ionic_conductivity",
            "siemens_per_metre",
            "S/m",
            "Apparent ionic conductivity, from the electrolyte's own arc; never without geometry",
        ),
        _float("electrolyte_peak_hertz", "Hz", "Apex of the electrolyte's arc; expected where the band ends below it"),
        _text("recipe", "Version of the thresholds", required=True),
    ),
)

SPECTRUM_ELEMENTS: Final = Table(
    "spectrum_elements",
    "One row per element of a fitted circuit.",
    "parquet",
    (
        _text("test_id", "The test", required=True, key=True),
        _count("revision", "Revision of the test's data", required=True),
        _count("spectrum_index", "Number of the spectrum within its test, from 1", required=True, key=True),
        _text("element", "L, R0, R1 to R3 for an arc, Q for the tail", required=True, key=True),
        _text("place", "series, above, electrolyte, interface, below or tail", required=True),
        *_interval("resistance", "ohm", "Ω", "Resistance"),
        _float("exponent", "", "n of the constant phase element; 1 is an ideal capacitance"),
        _float("exponent_low", "", "Lower end of its confidence interval"),
        _float("exponent_high", "", "Upper end of its confidence interval"),
        _float("q_siemens_second_power", "S·sⁿ", "Q of the constant phase element, Z = 1 / (Q (jω)ⁿ)"),
        _float("capacitance_farad", "F", "(QR)^(1/n) / R"),
        _float("apex_hertz", "Hz", "Frequency of the arc's apex"),
        _float("relative_permittivity", "", "Capacitance times thickness over area and ε0; only with geometry"),
        _float("inductance_henry", "H", "Inductance"),
    ),
)

ARRHENIUS: Final = Table(
    "arrhenius",
    "One row per cell, quantity and form: the activation energy over the temperatures of its spectra.",
    "parquet",
    (
        _text("firm", "Code of the firm", key=True),
        _text("cell_id", "The cell", required=True, key=True),
        _text("quantity", "hf_resistance, interface_resistance or ionic_conductivity", required=True, key=True),
        _text("form", "What was fitted over 1/T: ln(1/R), ln(T/R), ln(sigma) or ln(sigma T)", required=True, key=True),
        _text("status", "fitted or refused", required=True),
        _text("reason", "Why there is no energy: a key of warehouse.impedance.reasons"),
        _float("activation_energy_electronvolt", "eV", "Activation energy"),
        _float("activation_energy_low_electronvolt", "eV", "Lower end of its confidence interval"),
        _float("activation_energy_high_electronvolt", "eV", "Upper end of its confidence interval"),
        _float("logarithm_at_infinite_temperature", "", "The logarithm where the line meets 1/T = 0, in SI units"),
        _float("r_squared", "", "Part of the logarithm's variance that the line explains"),
        _float("confidence", "", "Level of the interval", required=True),
        _count("spectra", "Spectra in the series", required=True),
        _float("lowest_temperature_celsius", "°C", "Lowest temperature", required=True),
        _float("highest_temperature_celsius", "°C", "Highest temperature", required=True),
        _text("temperature_sources", "recorded, stated, or both", required=True),
        _text("recipe", "Version of the thresholds", required=True),
    ),
)

RESISTANCE: Final = Table(
    "resistance",
    "One row per current edge and time behind it: direct-current resistance abs(ΔV) / abs(ΔI) across the edge.",
    "parquet",
    (
        _text("test_id", "The test", required=True, key=True),
        _count("revision", "Revision of the test's data", required=True),
        _count("step_count", "The step that begins with the edge, or that it lies in", required=True, key=True),
        _float("start_time_second", "s", "Test time of the edge", required=True, key=True),
        _float("after_second", "s", "Time behind the edge, to the last record too", required=True, key=True),
        _flag("at_end", "Whether it is the last record of the step", required=True),
        _count("cycle", "Logical cycle within the test; 0 before the first", required=True),
        _text("of", "pulse, or cycle for the beginning of a half cycle", required=True),
        _count("pulse", "Number of the pulse within the test; null of a half cycle"),
        _text("edge", "load where current begins or grows, release where it ends", required=True),
        _text("direction", "charge or discharge: which way the loading current flows", required=True),
        _text("status", "resolved, not_resolved or below_noise", required=True),
        _float("resistance_ohm", "Ω", "abs(V(t) - V before) / abs(I(t) - I before)"),
        _float("voltage_change_volt", "V", "V(t) - V before"),
        _float("current_change_ampere", "A", "I(t) - I before"),
        _float("voltage_before_volt", "V", "Voltage of the last record before the edge", required=True),
        _float("current_before_ampere", "A", "Current of the last record before the edge", required=True),
        _float("rest_before_second", "s", "Time at rest right before the edge; 0 where another current flowed"),
        _flag("interpolated", "Whether the values lie between two records", required=True),
        _flag("range_changed", "Whether the current range differs from that before the edge; null without ranges"),
        _float("start_unix_time_second", "s", "Wall clock of the step's first record, UTC"),
        _float("temperature_celsius", "°C", "Mean temperature of the step"),
        _float("state_of_charge", "", "Before the edge, counted within its complete cycle of a full cell; else null"),
        _text("recipe", "Version of the thresholds", required=True),
    ),
)

PULSES: Final = Table(
    "pulses",
    "One row per current pulse: what the voltage did, what it delivered, what the cell could bear.",
    "parquet",
    (
        _text("test_id", "The test", required=True, key=True),
        _count("revision", "Revision of the test's data", required=True),
        _count("pulse", "Number of the pulse within the test, from 1", required=True, key=True),
        _count("train", "Number of its train within the test: like pulses in a row", required=True),
        _count("pulse_of_train", "Number of the pulse within its train, from 1", required=True),
        _count("step_count", "The step that it is, or lies in", required=True),
        _count("cycle", "Logical cycle within the test; 0 before the first", required=True),
        _text("direction", "charge or discharge", required=True),
        _text("status", "resolved; not_resolved: no figure of its voltage; below_noise: no resistance", required=True),
        _float("start_time_second", "s", "Test time of its first record", required=True),
        _float("start_unix_time_second", "s", "Wall clock of its first record, UTC"),
        _float("duration_second", "s", "From the edge to its last record", required=True),
        _count("records", "Records within it", required=True),
        _float("current_ampere", "A", "Mean current over time", required=True),
        _float("current_before_ampere", "A", "Current of the last record before it"),
        _float("rest_before_second", "s", "Time at rest right before it; 0 where another current flowed"),
        _float("rest_after_second", "s", "Time at rest right after it; 0 where another current followed"),
        _float("voltage_before_volt", "V", "V_0: voltage of the last record before it"),
        _float("lowest_voltage_volt", "V", "Lowest voltage within it"),
        _float("highest_voltage_volt", "V", "Highest voltage within it"),
        _float("first_record_second", "s", "Time behind the edge of the first record at the pulse's current"),
        _float("ohmic_change_volt", "V", "Voltage of that record less V_0: ohmic as far as that time is short"),
        _float("polarisation_change_volt", "V", "Voltage of the last record less that of the first"),
        _float("recovery_volt", "V", "Back from the extreme at the end of the rest that follows; null without one"),
        _float("resistance_ohm", "Ω", "abs(V - V_0) / abs(I - I_0) at the last record"),
        _float("charge_ah", "Ah", "Charge; positive charges"),
        _float("energy_wh", "Wh", "Energy; positive charges"),
        _float(
            "largest_current_ampere", "A", "abs(V_0 - V_cut) / resistance: the pulse that would just reach the limit"
        ),
        _float("limit_voltage_volt", "V", "V_cut: the cell's limit in the pulse's direction, from its manifest"),
        _float("temperature_celsius", "°C", "Mean temperature of the step"),
        _float("state_of_charge", "", "Before it, counted within its complete cycle of a full cell; else null"),
        _text("recipe", "Version of the thresholds", required=True),
    ),
)

DQDV: Final = Table(
    "dqdv",
    "One row per grid point: dQ/dV and dV/dQ of some ageing cycles, or one row that says why there are none.",
    "parquet",
    (
        _text("test_id", "The test", required=True, key=True),
        _count("revision", "Revision of the test's data", required=True),
        _count("cycle", "Logical cycle within the test", required=True, key=True),
        _text("direction", "charge or discharge", required=True, key=True),
        _text("status", "shown or refused", required=True),
        _text("reason", "Why it is refused: a key of warehouse.loads.reasons"),
        _float("voltage_volt", "V", "Grid point, a whole multiple of the grid", key=True),
        _float("charge_ah", "Ah", "Charge moved in this direction when the voltage passes the grid point"),
        _float("dqdv_ah_per_volt", "Ah/V", "dQ/dV, central difference, smoothed; positive in either direction"),
        _float("dvdq_volt_per_ah", "V/Ah", "dV/dQ, its reciprocal; null where no charge moved"),
        _float("grid_volt", "V", "Width of the grid", required=True),
        _count("window", "Grid points that were averaged", required=True),
        _count("records", "Records that the curve is made of, back-steps left out", required=True),
        _text("recipe", "Version of the thresholds", required=True),
    ),
)

CYCLE_EXTRAS: Final = Table(
    "cycle_extras",
    "One row per logical cycle: what of it is read off its records.",
    "parquet",
    (
        _text("test_id", "The test", required=True, key=True),
        _count("revision", "Revision of the test's data", required=True),
        _count("cycle", "Logical cycle within the test", required=True, key=True),
        _float("polarisation_volt", "V", "Mean charging less mean discharging voltage; complete cycles only"),
        _float("voltage_efficiency", "", "Mean discharging over mean charging voltage; complete cycles only"),
        _float("charging_second", "s", "Time under charge"),
        _float("discharging_second", "s", "Time under discharge"),
        _float("charging_to_80_percent_second", "s", "Time under charge until 80 % of the cycle's charge was in"),
        _float("charging_to_90_percent_second", "s", "The same for 90 %"),
        _float("lowest_temperature_celsius", "°C", "Lowest temperature recorded"),
        _float("highest_temperature_celsius", "°C", "Highest temperature recorded"),
        _count("pulses", "Pulses in it", required=True),
        _float("longest_hold_second", "s", "Longest rest or constant voltage between steps that moved charge"),
        _text("recipe", "Version of the thresholds", required=True),
    ),
)

PRECISION: Final = Table(
    "precision",
    "One row per test: how finely and how truly its current and voltage were measured, from its own records.",
    "parquet",
    (
        _text("test_id", "The test", required=True, key=True),
        _count("revision", "Revision of the test's data", required=True),
        _float("current_offset_ampere", "A", "What the instrument reads where no current flows; null while unknown"),
        _text(
            "current_offset_source",
            "channel: a manifest states it; rest: mean that the instrument recorded while it said rest; unknown",
            required=True,
        ),
        _float("current_noise_ampere", "A", "Standard deviation of one current record; robust, trend removed"),
        _float("current_quantum_ampere", "A", "Smallest step of the recorded current values; null where none is seen"),
        _float("voltage_noise_volt", "V", "Standard deviation of one voltage record; robust, trend removed"),
        _float("voltage_quantum_volt", "V", "Smallest step of the recorded voltage values; null where none is seen"),
        _float("current_range_ampere", "A", "Largest current range in use; else the channel's full scale"),
        _float("range_accuracy_ampere", "A", "The channel's accuracy as a part of its range, times the range"),
        _float("input_resistance_ohm", "Ω", "Input resistance of the channel's voltmeter, where a manifest states it"),
        _float("sample_interval_second", "s", "Median time between two records of one step"),
        _count("resting_records", "Records that the instrument itself called rest", required=True),
        _text("recipe", "Version of the thresholds", required=True),
    ),
)

CONDITIONS: Final = Table(
    "conditions",
    "One row per cell and block of like cycles: under which conditions it was cycled, and what it gave there.",
    "parquet",
    (
        _text("firm", "Code of the firm", key=True),
        _text("cell_id", "The cell; the test where no cell is known", required=True, key=True),
        _count("block", "Number of the block, from 1 in the order in which they begin", required=True, key=True),
        _text("class", f"One of {', '.join(CYCLE_CLASSES)}", required=True),
        _flag("stands_for_cell", "Whether the cell is compared with others by this block", required=True),
        _count("cycles", "Complete cycles in the block", required=True),
        _count("first_cycle", "First of them, as the cell's life counts", required=True),
        _count("last_cycle", "Last of them", required=True),
        _float("charging_current_ampere", "A", "Charging current, median"),
        _float("discharging_current_ampere", "A", "Discharging current, median; negative"),
        _float("charging_rate_per_hour", "1/h", "Charging current over nominal capacity: the C-rate"),
        _float("discharging_rate_per_hour", "1/h", "Discharging current over nominal capacity, positive: the C-rate"),
        _float("upper_voltage_volt", "V", "Highest voltage under charge, median"),
        _float("lower_voltage_volt", "V", "Lowest voltage under discharge, median"),
        _float("temperature_celsius", "°C", "Temperature as recorded, median"),
        _float("depth_of_discharge", "", "1 where the lower voltage limit was reached, else capacity over nominal"),
        _float("charge_time_second", "s", "Time under charging current in a cycle, median"),
        _float("capacity_ah", "Ah", "Delivered charge, median of the block's first cycles"),
        _float("energy_wh", "Wh", "Delivered energy, median of the block's first cycles"),
        _float("coulombic_efficiency", "", "Median of the block's cycles"),
        _float("coulombic_efficiency_floor", "", "Largest floor among them; null unless each has a whole one"),
        _float("energy_efficiency", "", "Median of the block's cycles"),
    ),
)

EXPOSURES: Final = Table(
    "exposures",
    "One row per exposure of a cell to heat without current, as the instrument recorded it.",
    "parquet",
    (
        _text("firm", "Code of the firm", key=True),
        _text("cell_id", "The cell; the test where no cell is known", required=True, key=True),
        _count("exposure", "Number of the exposure in the cell's life, from 1", required=True, key=True),
        _float("start_unix_time_second", "s", "Wall clock of its first record, UTC"),
        _float("duration_second", "s", "How long it lasted", required=True),
        _float("temperature_celsius", "°C", "Mean temperature", required=True),
        _count("cycle_before", "Last complete cycle before it, as the cell's life counts"),
        _count("cycle_after", "First complete cycle behind it that is like that one"),
        _float("capacity_before_ah", "Ah", "Delivered charge of the cycle before"),
        _float("capacity_after_ah", "Ah", "Delivered charge of the cycle behind"),
        _float("capacity_ratio", "", "capacity_after_ah over capacity_before_ah"),
    ),
)

REPLICATES: Final = Table(
    "replicates",
    "One row per group of like cells, metric and age: what is typical of the group, how sure, and who stands out.",
    "parquet",
    (
        _text("firm", "Code of the firm", required=True, key=True),
        _text("replicate_group", "What the cells have in common, in words", required=True, key=True),
        _text("metric", "What was compared; its unit is part of the name", required=True, key=True),
        _count("at_cycle", "Cycle at which it was compared; null where the metric is of no cycle", key=True),
        _text("unit", "Unit of the values; empty for fractions and counts", required=True),
        _text("project", "Project of the firm"),
        _text("chemistry", "Chemistry, as the manifest says it"),
        _text("process_split", "Process split"),
        _float("nominal_capacity_ah", "Ah", "Nominal capacity"),
        _float("charging_rate_per_hour", "1/h", "C-rate of charge, median over the cells"),
        _float("discharging_rate_per_hour", "1/h", "C-rate of discharge, median over the cells"),
        _float("upper_voltage_volt", "V", "Upper end of the voltage window, median over the cells"),
        _float("lower_voltage_volt", "V", "Lower end of the voltage window, median over the cells"),
        _float("temperature_celsius", "°C", "Temperature, median over the cells"),
        _float("depth_of_discharge", "", "Depth of discharge, median over the cells"),
        _count("n", "Cells with a value, censored ones included", required=True),
        _count("n_censored", "Cells whose value is only known to be larger", required=True),
        _count("n_missing", "Cells of the group without a value, refused ones included", required=True),
        _count("wafers", "Different wafers that the n cells are of; null where a cell's wafer is not known"),
        _float("median", "", "Median; by Kaplan and Meier where values are censored; in the metric's unit"),
        _float("lower_quartile", "", "First quartile; null where it is censored"),
        _float("upper_quartile", "", "Third quartile; null where it is censored"),
        _float("interquartile_range", "", "upper_quartile - lower_quartile"),
        _float("minimum", "", "Smallest value"),
        _float("maximum", "", "Largest value that was reached; null where the largest is censored"),
        _float("median_low", "", "Lower end of the median's interval; the wafer is the unit where there are several"),
        _float("median_high", "", "Upper end; null while it is open"),
        _text("interval_unit", "cell or wafer: what was counted as independent for this interval"),
        _text("interval_reason", "Why there is no interval: a key of warehouse.replicates.reasons"),
        _float("cells_median_low", "", "Lower end as if all cells were independent: holds for these wafers only"),
        _float("cells_median_high", "", "Upper end likewise; null while it is open"),
        _float("confidence", "", "Level of the intervals", required=True),
        _text("cells", "The n cells, as JSON", required=True),
        _text("outliers", "Those of them that stand out by their modified z, as JSON; they are kept", required=True),
        _text("recipe", "Version of the thresholds", required=True),
    ),
)

GITT: Final = Table(
    "gitt",
    "One row per pulse of a galvanostatic titration: what its voltages tell of diffusion in the film.",
    "parquet",
    (
        _text("test_id", "The test", required=True, key=True),
        _count("revision", "Revision of the test's data", required=True),
        _count("train", "Number of the titration within its test, from 1", required=True, key=True),
        _count("pulse", "Number of the pulse within its titration, from 1", required=True, key=True),
        _count("step_count", "Step of the pulse", required=True),
        _text("direction", "charge or discharge", required=True),
        _text("status", "measured, or refused: of diffusion_rate_per_second", required=True),
        _text("reason", "Why it was refused: a key of warehouse.diffusion.reasons"),
        _float("start_time_second", "s", "Test time of the pulse's first record", required=True),
        _float("pulse_second", "s", "τ, from where the current began", required=True),
        _float("current_ampere", "A", "Mean current; positive charges", required=True),
        _float("charge_ah", "Ah", "Charge of the pulse; positive charges", required=True),
        _float("train_charge_ah", "Ah", "Charge of the titration up to the end of this pulse", required=True),
        _float("voltage_before_volt", "V", "At the end of the rest before"),
        _float("voltage_after_volt", "V", "At the end of the next rest: the open-circuit voltage of train_charge_ah"),
        _float("rest_second", "s", "How long the next rest lasted"),
        _float("rest_slope_volt_per_second", "V/s", "How the voltage still moved at its end"),
        _float("steady_change_volt", "V", "ΔE_s = voltage_after_volt - voltage_before_volt"),
        _float("transient_change_volt", "V", "ΔE_t = √τ·dE/d√t, without the ohmic drop"),
        _float("ohmic_change_volt", "V", "Where the line over √t begins, less voltage_before_volt"),
        _float("root_time_r_squared", "", "Part of the voltage's variance that the line over √t explains"),
        *_bounds("diffusion_rate", "per_second", "1/s", "D/L², which needs no thickness"),
        *_bounds("diffusion_coefficient", "square_metre_per_second", "m²/s", "D = L² times the rate"),
        _text("diffusion_coefficient_reason", "Why D is missing: a key of warehouse.diffusion.reasons"),
        _float("thickness_metre", "m", "L: thickness of the cathode, from the manifest"),
        _float("pulse_of_diffusion_time", "", "τ·D/L², which must be small"),
        _text("flags", "not_relaxed_before, not_relaxed_after, relaxation_unresolved_…", required=True),
        _text("recipe", "Recipe that it was made with"),
    ),
)

PITT: Final = Table(
    "pitt",
    "One row per held voltage of a potentiostatic titration: what its current tells of diffusion in the film.",
    "parquet",
    (
        _text("test_id", "The test", required=True, key=True),
        _count("revision", "Revision of the test's data", required=True),
        _count("train", "Number of the titration within its test, from 1", required=True, key=True),
        _count("hold", "Number of the held voltage within its titration, from 1", required=True, key=True),
        _count("step_count", "Step of the hold", required=True),
        _float("start_time_second", "s", "Test time of the first record", required=True),
        _float("hold_second", "s", "How long the voltage was held", required=True),
        _float("voltage_volt", "V", "The held voltage, mean over time", required=True),
        _float("voltage_step_volt", "V", "It, less the last voltage of the step before"),
        _float("charge_ah", "Ah", "Charge of the step; positive charges"),
        _float("first_current_ampere", "A", "Current of the first record", required=True),
        _float("last_current_ampere", "A", "Current of the last record", required=True),
        *(
            column
            for law, words in (("long", "-(4/π²)·d ln I/dt"), ("short", "π·(I·√t/ΔQ)²"))
            for column in (
                _text(f"{law}_time_status", "measured or refused", required=True),
                _text(f"{law}_time_reason", "Why it was refused: a key of warehouse.diffusion.reasons"),
                *_bounds(f"{law}_time_rate", "per_second", "1/s", f"D/L² = {words}"),
                *_bounds(f"{law}_time_coefficient", "square_metre_per_second", "m²/s", "D = L² times that rate"),
                _text(f"{law}_time_coefficient_reason", "Why D is missing: a key of warehouse.diffusion.reasons"),
            )
        ),
        _float("thickness_metre", "m", "L: thickness of the cathode, from the manifest"),
        _text("flags", "not_equilibrated, laws_differ", required=True),
        _text("recipe", "Recipe that it was made with"),
    ),
)

VOLTAGE_DECAY: Final = Table(
    "voltage_decay",
    "One row per long rest: the current that the cell loses charge by, from how its open-circuit voltage falls.",
    "parquet",
    (
        _text("test_id", "The test", required=True, key=True),
        _count("revision", "Revision of the test's data", required=True),
        _count("step_count", "First step of the rest", required=True, key=True),
        _text("status", "measured or refused", required=True),
        _text("reason", "Why it was refused: a key of warehouse.storage.reasons"),
        _float("start_time_second", "s", "Test time of the rest's first record", required=True),
        _float("start_unix_time_second", "s", "Wall clock of its first record, UTC"),
        _float("rest_hour", "h", "How long it lasted", required=True),
        _float("fitted_hour", "h", "How much of it lies behind the relaxation, and was fitted"),
        _float("voltage_volt", "V", "Mean voltage of that part"),
        *_bounds("voltage_slope", "volt_per_hour", "V/h", "dV/dt over that part"),
        _float("voltage_quantum_volt", "V", "Smallest step of the recorded voltages, or less"),
        *_bounds(
            "differential_capacity", "ah_per_volt", "Ah/V", "C_d = dQ/dV at that voltage, from a discharge of the test"
        ),
        _count("capacity_step_count", "The discharge that it comes from"),
        *_bounds("self_discharge", "ampere", "A", "I_sd = C_d·(-dV/dt); positive loses charge"),
        _float("meter_bias_ampere", "A", "V/R_in: what the channel's voltmeter draws, a part of self_discharge_ampere"),
        _float("temperature_celsius", "°C", "Mean temperature of the rest"),
        _text("flags", "uncorrected_drop where the discharge of C_d began without a rest", required=True),
        _text("recipe", "Recipe that it was made with"),
    ),
)

FLOAT_LEAKAGE: Final = Table(
    "float_leakage",
    "One row per long hold at one voltage: the current that it takes to keep the cell there.",
    "parquet",
    (
        _text("test_id", "The test", required=True, key=True),
        _count("revision", "Revision of the test's data", required=True),
        _count("step_count", "Step of the hold", required=True, key=True),
        _text("status", "measured or refused", required=True),
        _text("reason", "Why it was refused: a key of warehouse.storage.reasons"),
        _float("start_time_second", "s", "Test time at which the voltage was reached", required=True),
        _float("start_unix_time_second", "s", "Wall clock of that moment, UTC"),
        _float("hold_hour", "h", "How long it was held", required=True),
        _float("voltage_volt", "V", "The held voltage", required=True),
        *_bounds("leakage", "ampere", "A", "I_leak of I(t) = I_leak + A/√t, less the offset; positive charges"),
        _float("root_time_ampere_root_second", "A·s^½", "A of the same"),
        _float("fitted_hour", "h", "The part of the hold that was fitted"),
        _float("late_leakage_ampere", "A", "I_leak by the last half of that part alone"),
        _float("current_offset_ampere", "A", "Offset of the channel that was subtracted; null while unknown"),
        _text("current_offset_source", "channel, or unknown", required=True),
        _float("current_quantum_ampere", "A", "Smallest step of the recorded currents, or less"),
        _float("last_day_ampere", "A", "Median of the last 24 hours, less the offset; null for a shorter hold"),
        _float("hold_charge_ah", "Ah", "Charge that flowed during the hold, as recorded", required=True),
        _float("temperature_celsius", "°C", "Mean temperature of the step"),
        _text("flags", "offset_unknown where no offset was subtracted", required=True),
        _text("recipe", "Recipe that it was made with"),
    ),
)

STORAGE_LOSS: Final = Table(
    "storage_loss",
    "One row per storage of a charged cell: what it lost, and what a recharge brought back.",
    "parquet",
    (
        _text("firm", "Code of the firm", key=True),
        _text("cell_id", "The cell", required=True, key=True),
        _count("storage", "Number of the storage in the cell's life, from 1", required=True, key=True),
        _text("status", "measured or refused: of self_discharge", required=True),
        _text("reason", "Why it was refused: a key of warehouse.storage.reasons"),
        _text("test_id", "Test in which it began", required=True),
        _count("step_count", "Last step before it", required=True),
        _text("next_test_id", "Test in which it ended"),
        _count("next_step_count", "First step after it"),
        _float("start_unix_time_second", "s", "When it began, UTC"),
        _float("storage_day", "d", "How long it lasted", required=True),
        _float("first_voltage_volt", "V", "Last voltage under charge"),
        _float("last_voltage_volt", "V", "Last voltage at rest, before the discharge"),
        _float("temperature_celsius", "°C", "Mean temperature of the rest, where it was recorded"),
        _float("capacity_before_ah", "Ah", "Q_0: discharge before"),
        _float("capacity_remaining_ah", "Ah", "Q_rem: first discharge after"),
        _float("capacity_recovered_ah", "Ah", "Q_rec: discharge after a full recharge"),
        _float("capacity_repeatability_ah", "Ah", "Standard deviation of a capacity, from the discharges before"),
        *_bounds("self_discharge", "fraction", "", "1 - Q_rem/Q_0"),
        *_bounds("irreversible", "fraction", "", "1 - Q_rec/Q_0"),
        *_bounds("reversible", "fraction", "", "(Q_rec - Q_rem)/Q_0"),
        _text("recovery_status", "measured or refused: of irreversible and reversible", required=True),
        _text("recovery_reason", "Why they were refused: a key of warehouse.storage.reasons"),
        *(
            _float(f"{part}_per_year_{way}", "1/a", f"{part}_fraction over a year of 365 days: {words}")
            for part in ("self_discharge", "irreversible", "reversible")
            for way, words in (("linear", "as many times as it fits"), ("exponential", "of what is left each time"))
        ),
        _float("mean_self_discharge_ampere", "A", "self_discharge_fraction·Q_0 over the time"),
        _text("flags", "Comma-separated: between_tests, repeatability_unknown", required=True),
        _text("recipe", "Recipe that it was made with"),
    ),
)

CALENDAR: Final = Table(
    "calendar",
    "One row per check-up of a cell that ages at rest or at a held voltage.",
    "parquet",
    (
        _text("firm", "Code of the firm", key=True),
        _text("cell_id", "The cell", required=True, key=True),
        _count("check_up", "Number of the check-up, from 1", required=True, key=True),
        _text("status", "measured or refused", required=True),
        _text("reason", "Why it was refused: a key of warehouse.storage.reasons"),
        _text("test_id", "Test of the check-up's discharge"),
        _count("step_count", "Its first step"),
        _float("start_unix_time_second", "s", "When it began, UTC"),
        _float("calendar_day", "d", "Days since the first check-up"),
        _float("capacity_ah", "Ah", "What it delivered"),
        _float("capacity_retention", "", "R = capacity over that of the first check-up"),
        _float("current_ampere", "A", "Size of its mean current"),
        _text("period_kind", "storage or hold: what went before it; null for the first"),
        _float("period_day", "d", "How long that lasted"),
        _float("period_voltage_volt", "V", "Mean voltage of it"),
        _float("period_temperature_celsius", "°C", "Mean temperature of it"),
        _float("hold_charge_ah", "Ah", "Charge that flowed in it at held voltage"),
        _float("cumulative_hold_charge_ah", "Ah", "The same since the first check-up"),
        _float("float_ampere", "A", "I_float: median current of the last 24 hours of it"),
        _text("float_offset_source", "channel where an offset was subtracted from it, else unknown"),
        _float("edge_resistance_ohm", "Ω", "Voltage step over current step where the check-up's discharge begins"),
        _float("edge_resistance_change", "", "It over that of the first check-up, less 1"),
        _text("recipe", "Recipe that it was made with"),
    ),
)

CALENDAR_FIT: Final = Table(
    "calendar_fit",
    "One row per cell that ages at rest or at a held voltage: its loss as a power of calendar time.",
    "parquet",
    (
        _text("firm", "Code of the firm", key=True),
        _text("cell_id", "The cell", required=True, key=True),
        _text("status", "fitted or refused", required=True),
        _text("reason", "Why it was refused: a key of warehouse.storage.reasons"),
        _count("check_ups", "Check-ups after the first", required=True),
        _float("span_day", "d", "From the first to the last", required=True),
        _float("fixed_exponent", "", "z that the recipe gives", required=True),
        *_bounds("loss", "per_day_power", "d^-z", "k of 1 - R = k·t^z with that z, t in days"),
        _float("misfit", "", "Standard deviation of R about that curve"),
        _text("exponent_status", "fitted or refused: of the free z", required=True),
        _text("exponent_reason", "Why it was refused: a key of warehouse.storage.reasons"),
        _float("free_exponent", "", "z when it is fitted too"),
        _float("free_exponent_low", "", "Lower end of its confidence interval"),
        _float("free_exponent_high", "", "Upper end of its confidence interval"),
        _float("free_loss_per_day_power", "d^-z", "k with that z"),
        _float("temperature_celsius", "°C", "Mean temperature of the periods"),
        _float("voltage_volt", "V", "Mean voltage of the periods"),
        _text("recipe", "Recipe that it was made with"),
    ),
)

FADE_MODELS: Final = Table(
    "fade_models",
    "One row per cell and fade law: its parameters with intervals, and whether it is the one that describes the cell.",
    "parquet",
    (
        _text("firm", "Code of the firm", key=True),
        _text("cell_id", "The cell; the test where no cell is known", required=True, key=True),
        _text("model", "linear, sqrt, power or linear_exponential", required=True, key=True),
        _text("status", "fitted or refused", required=True),
        _text("reason", "Why it was refused: a key of warehouse.life.reasons"),
        _flag("chosen", "Whether it describes the cell best, by AICc", required=True),
        _text("x_axis", "What x counts: cycle, since the reference", required=True),
        _text("method", "How its parameters were found", required=True),
        _count("points", "Ageing cycles that it was fitted to", required=True),
        _count("points_outlying", "Ageing cycles left out because they stand out from their neighbours", required=True),
        _count("first_cycle", "First cycle that it was fitted to"),
        _count("last_cycle", "Last cycle that it was fitted to"),
        _float("initial_retention", "", "Retention at the reference, by the law"),
        _float("initial_retention_low", "", "Lower end of its confidence interval"),
        _float("initial_retention_high", "", "Upper end of its confidence interval"),
        _float("coefficient", "", "Loss after one cycle as a part of initial_retention; k of 1 - k√x, a of 1 - a·x^b"),
        _float("coefficient_low", "", "Lower end of its confidence interval"),
        _float("coefficient_high", "", "Upper end of its confidence interval"),
        _float("exponent", "", "Power of x: 1, 0.5, or found"),
        _float("exponent_low", "", "Lower end of its confidence interval, where it was found"),
        _float("exponent_high", "", "Upper end of its confidence interval, where it was found"),
        _float("transient_loss", "", "Loss that dies away at first, as a part of initial_retention"),
        _float("transient_loss_low", "", "Lower end of its confidence interval"),
        _float("transient_loss_high", "", "Upper end of its confidence interval"),
        _float("transient_cycle", "", "Cycles within which all but 1/e of it is over"),
        _float("transient_low_cycle", "", "Lower end of its confidence interval"),
        _float("transient_high_cycle", "", "Upper end of its confidence interval"),
        _float(
            "fade_rate_per_cycle",
            "",
            "Mean change per cycle over the cycles seen, as a part of initial_retention; negative when fading",
        ),
        _float("fade_rate_low_per_cycle", "", "Lower end of its confidence interval"),
        _float("fade_rate_high_per_cycle", "", "Upper end of its confidence interval"),
        _float(
            "theil_sen_rate_per_cycle", "", "The same as the median slope between two cycles; of the linear law alone"
        ),
        _float("fade_rate_per_100_cycles", "", "fade_rate_per_cycle over a hundred cycles"),
        _float(
            "fade_rate_per_year", "1/a", "fade_rate_per_cycle over a year at the pace of the test; null without a clock"
        ),
        _float("scatter", "", "Standard deviation of one cycle's retention about the law"),
        _float(
            "residual_correlation", "", "How far neighbouring residuals resemble each other; intervals are wider by it"
        ),
        _float("aicc", "", "Corrected Akaike information criterion; comparable among the laws of one cell"),
        _float("aicc_above_chosen", "", "The same less that of the chosen law"),
        _float("confidence", "", "Level of the intervals", required=True),
        _text("recipe", "Version of the thresholds", required=True),
    ),
)

KNEES: Final = Table(
    "knees",
    "One row per cell and method: whether its fade has a knee, where, and if not why not.",
    "parquet",
    (
        _text("firm", "Code of the firm", key=True),
        _text("cell_id", "The cell; the test where no cell is known", required=True, key=True),
        _text("method", "segmented, bacon_watts, or consensus: what both agree on", required=True, key=True),
        _text("status", "detected, insufficient, none or indeterminate", required=True),
        _text("reason", "Why it is not detected: a key of warehouse.life.reasons"),
        _float("knee_cycle", "", "Cycle of the knee; only of one that is detected"),
        _float("knee_low_cycle", "", "Lower end of its confidence interval"),
        _float("knee_high_cycle", "", "Upper end of its confidence interval"),
        _float("onset_cycle", "", "Cycle at which the bend begins"),
        _float("onset_low_cycle", "", "Lower end of its confidence interval"),
        _float("onset_high_cycle", "", "Upper end of its confidence interval"),
        _float("knee_retention", "", "Retention at the knee, by the fitted curve"),
        _float("rate_before_per_cycle", "", "Change of retention per cycle before the break"),
        _float("rate_after_per_cycle", "", "Change of retention per cycle behind it"),
        _float(
            "acceleration", "", "How many times as fast the cell fades behind the break; at least, where it hardly did"
        ),
        _float("loss_after", "", "Retention lost from the break to the last cycle"),
        _float("fit_gain", "", "By how much the break lowers the AICc of the best law without one"),
        _float("follow_up_cycles", "", "Cycles seen behind the break"),
        _count("points", "Ageing cycles that were looked at", required=True),
        _count("points_outlying", "Ageing cycles left out because they stand out from their neighbours", required=True),
        _count("last_cycle", "Last ageing cycle"),
        _float("confidence", "", "Level of the intervals", required=True),
        _text("recipe", "Version of the thresholds", required=True),
    ),
)

FORECAST: Final = Table(
    "forecast",
    "One row per cell: the band of cycles in which its life may end, by its fade laws; never a measurement.",
    "parquet",
    (
        _text("firm", "Code of the firm", key=True),
        _text("cell_id", "The cell; the test where no cell is known", required=True, key=True),
        _text("status", "forecast, reached (life has ended already) or refused", required=True),
        _text("reason", "Why it was refused: a key of warehouse.life.reasons"),
        _float("end_of_life_threshold", "", "Retention that ends life", required=True),
        _float("forecast_low_cycle", "", "Earliest cycle of the band"),
        _float("forecast_high_cycle", "", "Latest cycle of the band"),
        _text("laws", "Laws that were carried on, comma-separated"),
        _count("last_cycle", "Last cycle seen"),
        _float("limit_cycle", "", "Cycle beyond which nothing is forecast"),
        _float("confidence", "", "Level of each law's prediction interval", required=True),
        _text("recipe", "Version of the thresholds", required=True),
    ),
)

REPLICATE_CELLS: Final = Table(
    "replicate_cells",
    "One row per cell: the group of like cells that it is of.",
    "parquet",
    (
        _text("firm", "Code of the firm", required=True, key=True),
        _text("cell_id", "The cell", required=True, key=True),
        _text("replicate_group", "What the cells of the group have in common, in words", required=True),
    ),
)

APPLICATION: Final = Table(
    "application",
    "One row per requirement of an application and cell, or group of like cells: the score sheet.",
    "parquet",
    (
        _text("firm", "Code of the firm", required=True, key=True),
        _text("profile", "Name of the set of requirements", required=True, key=True),
        _text("requirement", "Name of the requirement within the set", required=True, key=True),
        _text("scope", "cell, or type for a group of like cells", required=True, key=True),
        _text("subject", "The cell, or the group in words", required=True, key=True),
        _count("profile_version", "Version of the set", required=True),
        _flag("example", "Whether the set is one of the shipped examples", required=True),
        _text("cell_id", "The cell; null for a group"),
        _text("replicate_group", "The group that it is, or that the cell is of"),
        _text("quantity", "What is required", required=True),
        _text("statistic", "each for every cell, or median", required=True),
        _text("comparison", "at_least or at_most", required=True),
        _float("required_value", "", "The limit, in the unit beside it", required=True),
        _text("unit", "SI unit of limit and values; empty for fractions and counts", required=True),
        _text("conditions", "Under which it holds, as JSON in SI units; {} without", required=True),
        _text("decision_rule", "guard_band or simple_acceptance", required=True),
        _text("verdict", "pass, fail, indeterminate or not_tested", required=True),
        _text("reason", "Why indeterminate or not tested: a key of warehouse.requirements.reasons"),
        _float("value", "", "What was measured: a cell's figure, the worst cell's, or the cells' median"),
        _float("value_low", "", "Lower end of its interval; null while it is open or unknown"),
        _float("value_high", "", "Upper end of its interval; null while it is open or unknown"),
        _text("interval_source", "measured, assumed by the recipe, order_statistics, or null"),
        _count("n", "Cells with a value; censored ones included", required=True),
        _count("n_censored", "Cells whose value is only known to be larger", required=True),
        _count("n_missing", "Cells without a value under these conditions", required=True),
        _count("wafers", "Different wafers that the n cells are of; null where a cell's wafer is not known"),
        _count("cells_passing", "Cells that pass by themselves", required=True),
        _float("yield_low", "", "Lower end of the Wilson interval of cells_passing over n"),
        _float("yield_high", "", "Upper end of it"),
        _text("source", "Where the requirement is from, with what of it is unverified", required=True),
        _text("note_en", "What it is for, in English"),
        _text("note_ko", "What it is for, in Korean"),
        _text("recipe", "Version of the thresholds", required=True),
    ),
)

WAFER_DIES: Final = Table(
    "wafer_dies",
    "One row per die of a wafer, or cell on it: where it lies, its bin, and the figures that stand for it.",
    "parquet",
    (
        _text("firm", "Code of the firm", required=True, key=True),
        _text("lot", "Lot of wafers; empty where a firm has none", required=True, key=True),
        _text("wafer", "Wafer within the lot", required=True, key=True),
        _count("die_x", "Die column; notch down, x to the right, 0 at the centre", key=True),
        _count("die_y", "Die row; notch down, y up, 0 at the centre", key=True),
        _text("cell_id", "The cell on the die; null where none is known", key=True),
        _count("reticle_x", "Reticle column, as the manifest counts it"),
        _count("reticle_y", "Reticle row, as the manifest counts it"),
        _float("x_metre", "m", "From the wafer's centre to that of the die, canonical x; null without a pitch"),
        _float("y_metre", "m", "The same, canonical y"),
        _float("radius_metre", "m", "Distance of the die's centre from the wafer's"),
        _text("process_split", "Process split"),
        _count("bin", "Hard bin by the specifications: a key of warehouse.wafers.quantities; null without a verdict"),
        _count("soft_bin", "100 times the bin, plus the place of the quantity that failed; 0 where none did"),
        _text("bin_name", "The bin in a word"),
        _text("failed_quantity", "The quantity whose limit the die is out of"),
        _text("reason", "Why there is no bin: a key of warehouse.wafers.reasons"),
        _text("specs", "Specifications and revisions that the die was sorted by", required=True),
        _count("limits", "Their limits that sort dies", required=True),
        _count("limits_tested", "How many of them were tested on this die", required=True),
        _count("map_hard_bin", "Hard bin of the current wafer map"),
        _count("map_soft_bin", "Soft bin of the current wafer map"),
        _flag("map_passed", "Verdict of the current wafer map"),
        _count("defects", "Defects that the current inspection found on the die"),
        _count("cycles", "Complete logical cycles"),
        _float("capacity_ah", "Ah", "Capacity of the reference cycle"),
        _float("areal_capacity_ah_per_square_metre", "Ah/m²", "The same over the electrode's area"),
        _float("capacity_retention", "", "Retention of the last ageing cycle"),
        _float("coulombic_efficiency", "", "Median over the ageing cycles"),
        _float("resistance_ohm", "Ω", "Direct-current resistance at the recipe's time behind an edge"),
        _float("hf_resistance_ohm", "Ω", "Electrolyte and contacts, median over the spectra"),
        _float("leakage_ampere", "A", "Current that holds the cell at a voltage, median over the holds"),
        _float("fade_rate_per_cycle", "", "Slope of retention over cycle; negative when fading"),
        _float("life_cycle", "", "Cycles to the end of life; seen so far where it is censored"),
        _flag("life_censored", "Whether the end of life was not reached"),
        _text("recipe", "Version and hash of the recipe", required=True),
    ),
)

WAFER_YIELD: Final = Table(
    "wafer_yield",
    "One row per wafer, specification, revision and cycle: how many dies are good, with what certainty.",
    "parquet",
    (
        _text("firm", "Code of the firm", required=True, key=True),
        _text("lot", "Lot of wafers; empty where a firm has none", required=True, key=True),
        _text("wafer", "Wafer within the lot", required=True, key=True),
        _text(
            "spec",
            "Specification; * for the current ones together, (map) for the map's verdicts",
            required=True,
            key=True,
        ),
        _count("revision", "Its revision; 0 for *", required=True, key=True),
        _count("at_cycle", "Cycle at which retention is judged too; 0 for the sort alone", required=True, key=True),
        _text("status", "measured, partly_tested where some limits were never tested, or refused", required=True),
        _text("reason", "Why there is no yield: a key of warehouse.wafers.reasons"),
        _count("gross", "Dies on the wafer that count; null while nobody says how many"),
        _count("tested", "Dies with a verdict", required=True),
        _count("good", "Dies within all limits", required=True),
        _count("censored", "Dies whose fate at the cycle is not known yet", required=True),
        _float("yield_of_tested", "", "good / tested"),
        _float("yield_of_tested_low", "", "Lower end of its Wilson interval"),
        _float("yield_of_tested_high", "", "Upper end of its Wilson interval"),
        _float("yield_of_gross", "", "good / gross"),
        _float("yield_of_gross_low", "", "Lower end of its Wilson interval"),
        _float("yield_of_gross_high", "", "Upper end of its Wilson interval"),
        _float("die_area_square_metre", "m²", "Area that the densities are over"),
        _text("area_kind", "Which area it is: electrode, die or pitch"),
        _float("poisson_density_per_square_metre", "1/m²", "Fatal defects by Poisson: -ln(Y) / A"),
        _float("poisson_density_low_per_square_metre", "1/m²", "Lower end of its interval, from that of the yield"),
        _float("poisson_density_high_per_square_metre", "1/m²", "Upper end of its interval; null where open"),
        _float("murphy_density_per_square_metre", "1/m²", "Fatal defects by Murphy: Y = ((1 - exp(-AD)) / (AD))²"),
        _float("murphy_density_low_per_square_metre", "1/m²", "Lower end of its interval"),
        _float("murphy_density_high_per_square_metre", "1/m²", "Upper end of its interval; null where open"),
        _count("limits", "Limits that dies were sorted by", required=True),
        _count("limits_tested", "How many of them were tested on any die of the wafer", required=True),
        *(_count(f"bin_{number}", f"Dies in bin {number}, {name}", required=True) for number, name in DIE_BINS.items()),
        _float("confidence", "", "Level of the intervals", required=True),
        _text("recipe", "Version and hash of the recipe", required=True),
    ),
)

UNIFORMITY: Final = Table(
    "uniformity",
    "One row per wafer and quantity: how evenly it is spread over the wafer's working dies.",
    "parquet",
    (
        _text("firm", "Code of the firm", required=True, key=True),
        _text("lot", "Lot of wafers; empty where a firm has none", required=True, key=True),
        _text("wafer", "Wafer within the lot", required=True, key=True),
        _text("quantity", "What is spread", required=True, key=True),
        _count("at_cycle", "Cycle at which it was taken; 0 where it stands for the cell", required=True, key=True),
        _text("unit", "Unit of mean, median and quadrants", required=True),
        _text("status", "measured or refused", required=True),
        _text("reason", "Why there are no figures: a key of warehouse.wafers.reasons"),
        _count("dies", "Working dies with a value", required=True),
        _float("mean", "", "Mean, in the unit beside it"),
        _float("standard_deviation", "", "Standard deviation, n - 1"),
        _float("median", "", "Median"),
        _float("minimum", "", "Smallest value"),
        _float("maximum", "", "Largest value"),
        _float("half_range_over_mean", "", "(max - min) / (2 · mean)"),
        _float("range_over_sum", "", "(max - min) / (max + min)"),
        _float("deviation_over_mean", "", "s / mean: SEMI MF1618 SUP"),
        _float("robust_deviation_over_median", "", "1.4826 · MAD / median"),
        _text("profile_status", "fitted or refused", required=True),
        _text("profile_reason", "Why there is no profile: a key of warehouse.wafers.reasons"),
        _float("reference_radius_metre", "m", "Radius that the profile's coefficients are at: the wafer's"),
        _float("centre_value", "", "Value of the profile at the centre"),
        _float("radial_part", "", "Change from centre to edge with r², over the value at the centre"),
        _float("radial_part_low", "", "Lower end of its interval"),
        _float("radial_part_high", "", "Upper end of its interval"),
        _float("tilt_x_part", "", "Change from centre to the right edge, linear, over the value at the centre"),
        _float("tilt_x_part_low", "", "Lower end of its interval"),
        _float("tilt_x_part_high", "", "Upper end of its interval"),
        _float("tilt_y_part", "", "Change from centre to the upper edge, linear, over the value at the centre"),
        _float("tilt_y_part_low", "", "Lower end of its interval"),
        _float("tilt_y_part_high", "", "Upper end of its interval"),
        _float("profile_r_squared", "", "Part of the variance that the profile explains"),
        _float("centre_over_edge", "", "Mean of the centre's dies over that of the edge's"),
        _float("right_upper_mean", "", "Mean of the quadrant x > 0, y > 0"),
        _float("left_upper_mean", "", "Mean of the quadrant x < 0, y > 0"),
        _float("left_lower_mean", "", "Mean of the quadrant x < 0, y < 0"),
        _float("right_lower_mean", "", "Mean of the quadrant x > 0, y < 0"),
        _float("morans_i", "", "Moran's I over the eight neighbours of each die; 0 without any pattern"),
        _float("morans_i_expected", "", "Its expectation without a pattern: -1 / (n - 1)"),
        _float("morans_i_p_value", "", "Two-sided, under randomisation"),
        _float("residual_morans_i", "", "Moran's I of what the profile leaves"),
        _float("confidence", "", "Level of the intervals", required=True),
        _text("recipe", "Version and hash of the recipe", required=True),
    ),
)

RETICLES: Final = Table(
    "reticles",
    "One row per wafer, reticle and quantity: the mean of its working dies.",
    "parquet",
    (
        _text("firm", "Code of the firm", required=True, key=True),
        _text("lot", "Lot of wafers; empty where a firm has none", required=True, key=True),
        _text("wafer", "Wafer within the lot", required=True, key=True),
        _text("quantity", "What is averaged", required=True, key=True),
        _count("at_cycle", "Cycle at which it was taken; 0 where it stands for the cell", required=True, key=True),
        _count("reticle_x", "Reticle column, as the manifest counts it", required=True, key=True),
        _count("reticle_y", "Reticle row, as the manifest counts it", required=True, key=True),
        _text("unit", "Unit of the mean", required=True),
        _count("dies", "Working dies with a value", required=True),
        _float("mean", "", "Their mean, in the unit beside it", required=True),
        _float("over_wafer_mean", "", "Their mean over that of the wafer"),
        _text("recipe", "Version and hash of the recipe", required=True),
    ),
)

VARIANCE_COMPONENTS: Final = Table(
    "variance_components",
    "One row per quantity and component: how much of its scatter is between lots, wafers of a lot, dies of a wafer.",
    "parquet",
    (
        _text("firm", "Code of the firm", required=True, key=True),
        _text("quantity", "What scatters", required=True, key=True),
        _count("at_cycle", "Cycle at which it was taken; 0 where it stands for the cell", required=True, key=True),
        _text("process_split", "Process split of the wafers; empty where they have none", required=True, key=True),
        _text("component", "lot, wafer or die", required=True, key=True),
        _text("unit", "Unit of mean and standard deviation", required=True),
        _text("status", "fitted or refused", required=True),
        _text("reason", "Why there is no figure: a key of warehouse.wafers.reasons"),
        _count("lots", "Lots", required=True),
        _count("wafers", "Wafers", required=True),
        _count("dies", "Working dies", required=True),
        _float("mean", "", "Mean of the process by generalised least squares"),
        _float("mean_low", "", "Lower end of its interval, by wafer and not by die"),
        _float("mean_high", "", "Upper end of its interval"),
        _float("variance", "", "Variance of the component, REML; not below 0"),
        _float("standard_deviation", "", "Its square root, in the unit beside it"),
        _float("standard_deviation_low", "", "Lower end of its interval"),
        _float("standard_deviation_high", "", "Upper end of its interval; null where open"),
        _float("part", "", "Variance over that of all components"),
        _float("confidence", "", "Level of the intervals", required=True),
        _text("recipe", "Version and hash of the recipe", required=True),
    ),
)

SPECS: Final = Table(
    "specs",
    "One row per limit of a current specification and cell, and one for all cells: what was measured, and the verdict.",
    "parquet",
    (
        _text("firm", "Code of the firm", required=True, key=True),
        _text("spec", "Specification", required=True, key=True),
        _count("revision", "Its latest revision", required=True, key=True),
        _text("quantity", "What is limited", required=True, key=True),
        _text("statistic", "min, typ, max, or empty", required=True, key=True),
        _text("conditions", "Conditions as JSON, in SI units", required=True, key=True),
        _text("scope", "cell, or all for the cells together", required=True, key=True),
        _text("cell_id", "The cell; null for all, and for a die without a cell", key=True),
        _text("lot", "Lot of its wafer"),
        _text("wafer", "Its wafer"),
        _count("die_x", "Its die's column"),
        _count("die_y", "Its die's row"),
        _float("lower", "", "Lower limit in the SI unit beside it"),
        _float("upper", "", "Upper limit in the SI unit beside it"),
        _text("unit", "SI unit of limits and measured value", required=True),
        _float("measured", "", "Measured value; for all cells their median"),
        _float("measured_low", "", "Lower end of the median's interval"),
        _float("measured_high", "", "Upper end of the median's interval"),
        _flag("censored", "Whether the value is only a lower bound, as a life that goes on"),
        _text("verdict", "pass, fail, not_tested; of a typical value also undecided", required=True),
        _text("reason", "Why it was not tested or not decided: a key of warehouse.wafers.reasons"),
        _count("tested", "Cells with a verdict; of a cell 0 or 1", required=True),
        _count("passed", "Cells within the limit", required=True),
        _count("cells", "Cells that the specification is for", required=True),
        _text("source", "Where the limit is from"),
        _text("recipe", "Version and hash of the recipe", required=True),
    ),
)

SPLITS: Final = Table(
    "splits",
    "One row per quantity and pair of process splits: the effect, with the wafer as the unit of replication.",
    "parquet",
    (
        _text("firm", "Code of the firm", required=True, key=True),
        _text("project", "Project; empty where cells have none", required=True, key=True),
        _text("quantity", "What is compared", required=True, key=True),
        _count("at_cycle", "Cycle at which it was taken; 0 where it stands for the cell", required=True, key=True),
        _text("split", "The split", required=True, key=True),
        _text("reference_split", "The split that it is compared with", required=True, key=True),
        _text("varies", "What the two do differently, by the manifest", required=True),
        _text("unit", "Unit of means and effect", required=True),
        _text("status", "compared or refused", required=True),
        _text("reason", "Why there is no effect: a key of warehouse.wafers.reasons"),
        _text("design", "unpaired; paired where wafers hold both splits; blocked by lot"),
        _count("wafers", "Wafers with the split", required=True),
        _count("reference_wafers", "Wafers with the reference", required=True),
        _count("dies", "Dies with the split; they are no replicates", required=True),
        _count("reference_dies", "Dies with the reference", required=True),
        _float("mean", "", "Mean of the wafers' means with the split"),
        _float("reference_mean", "", "Mean of the wafers' means with the reference"),
        _float("effect", "", "Difference of the two, split minus reference"),
        _float("effect_low", "", "Lower end of its interval"),
        _float("effect_high", "", "Upper end of its interval"),
        _float("effect_part", "", "effect / reference_mean"),
        _float("degrees_of_freedom", "", "Of the interval; by Welch and Satterthwaite where unpaired"),
        _float("p_value", "", "Two-sided, by t"),
        _float("permutation_p_value", "", "Two-sided, over all rearrangements of the wafers; null where too many"),
        _float("hedges_g", "", "effect / pooled standard deviation of wafers, corrected for few wafers"),
        _float("hedges_g_low", "", "Lower end of its interval"),
        _float("hedges_g_high", "", "Upper end of its interval"),
        _float("log_rank_p_value", "", "Of lives: log-rank over rearrangements of the wafers"),
        _float("confidence", "", "Level of the intervals", required=True),
        _text("recipe", "Version and hash of the recipe", required=True),
    ),
)

SURVIVAL: Final = Table(
    "survival",
    "One row per group and cycle at which lives end: the part of the cells that live on, by Kaplan and Meier.",
    "parquet",
    (
        _text("firm", "Code of the firm", required=True, key=True),
        _text("project", "Project; empty where cells have none", required=True, key=True),
        _text("process_split", "Process split; * for all cells of the project", required=True, key=True),
        _float("cycle", "", "Cycle at which lives end; 0 at the beginning", required=True, key=True),
        _count("at_risk", "Cells still alive just before", required=True),
        _count("ended", "Lives that end here", required=True),
        _count("censored", "Cells last seen alive since the row before, this cycle included", required=True),
        _float("survival", "", "Part that lives longer", required=True),
        _float("survival_low", "", "Lower end of its interval, by wafer and not by die"),
        _float("survival_high", "", "Upper end of its interval"),
        _text("interval_reason", "Why there is no interval: a key of warehouse.wafers.reasons"),
        _count("cells", "Cells of the group", required=True),
        _count("wafers", "Wafers of the group", required=True),
        _float("end_of_life_threshold", "", "Retention that ends life"),
        _float("confidence", "", "Level of the interval", required=True),
        _text("recipe", "Version and hash of the recipe", required=True),
    ),
)

COHORT_VALUES: Final = Table(
    "cohort_values",
    "One row per cell and figure: what a firm's own cell brings to the comparison between firms, and where it lies.",
    "parquet",
    (
        _text("firm", "Code of the firm", required=True, key=True),
        _text("cell_id", "The cell", required=True, key=True),
        _text("chemistry_family", "Family of its cathode; null with the other three where it has no place"),
        _text("capacity_decade", "Decade of its nominal capacity, in words"),
        _text("temperature_bin", "Bin of its temperature, in words"),
        _text("rate_bin", "Bin of its C-rate of discharge, in words"),
        _text("metric", "What is compared; its unit is part of the name", required=True, key=True),
        _text("unit", "Unit of the value; empty for fractions", required=True),
        _count("at_cycle", "Cycle at which it is compared; 0 where the metric is of no cycle", required=True, key=True),
        _float("value", "", "The cell's value, in the unit beside it", required=True),
        _text("reason", "Why it has no place: a key of warehouse.cohort.reasons"),
    ),
)

SIGNS: Final = Table(
    "signs",
    "One row per thing that a firm should look at among its cells, as its data is: what alerts are made of.",
    "parquet",
    (
        _text("firm", "Code of the firm", required=True, key=True),
        _text("kind", "falling_faster, capacity_step or limit_crossed", required=True, key=True),
        _text("subject", "What it is about, in words", required=True, key=True),
        _text("cell_id", "The cell"),
        _text("test_id", "The test; null where it is about none"),
        _text("evidence", "The figures behind it, as JSON", required=True),
    ),
)

RESIDUALS: Final = Table(
    "residuals",
    "One row per test and figure: how far the test lies from like cells.",
    "parquet",
    (
        _text("firm", "Code of the firm", required=True, key=True),
        _text("test_id", "The test", required=True, key=True),
        _text("cell_id", "Its cell", required=True),
        _text("metric", "coulombic_efficiency, or capacity", required=True, key=True),
        _float("value", "", "Median over the test's ageing cycles; of the capacity over the cell's first, in Ah"),
        _float("typical", "", "Median of the like cells"),
        _float("residual", "", "value - typical; of the capacity value / typical - 1", required=True),
        _count("like_cells", "Like cells, this one included", required=True),
    ),
)

FIRM: Final = Table(
    "firm",
    "A participating firm.",
    "registry",
    (
        _text("code", "Short code, part of folder names", required=True, key=True),
        _text("name", "The firm's name", required=True),
        _float("created_unix_second", "s", "When it was added", required=True),
    ),
)

CELL: Final = Table(
    "cell",
    "A cell of a firm, from its manifest: the instrument's file is never asked for area or nominal capacity.",
    "registry",
    (
        _text("cell_id", "The cell's name, unique within its firm", required=True, key=True),
        _text("firm", "Code of the firm", required=True, key=True),
        _text("project", "Project of the firm"),
        _text("lot", "Lot of wafers"),
        _text("wafer", "Wafer within the lot"),
        _count("die_x", "Die column; notch down, x to the right, 0 at the centre"),
        _count("die_y", "Die row; notch down, y up, 0 at the centre"),
        _count("source_die_x", "Die column as the manifest counts it; the wafer's map says how that lies"),
        _count("source_die_y", "Die row as the manifest counts it"),
        _count("reticle_x", "Reticle column, as the manifest counts it"),
        _count("reticle_y", "Reticle row, as the manifest counts it"),
        _text("convention", f"One of {', '.join(CONVENTIONS)}"),
        _float("nominal_capacity_ah", "Ah", "Nominal capacity"),
        _float("active_area_square_metre", "m²", "Active (electrode) area"),
        _float("die_area_square_metre", "m²", "Area of the die"),
        _float("package_area_square_metre", "m²", "Footprint of the package"),
        _float("voltage_upper_volt", "V", "Upper voltage limit"),
        _float("voltage_lower_volt", "V", "Lower voltage limit"),
        _text("chemistry", "Chemistry, free text"),
        _text("stack", "Layer stack, by its name in the table layer"),
        _text("cathode", "Material of the cathode"),
        _float("cathode_thickness_metre", "m", "Thickness of this cell's cathode"),
        _text("electrolyte", "Material of the electrolyte"),
        _float("electrolyte_thickness_metre", "m", "Thickness of this cell's electrolyte"),
        _text("anode", "Material of the anode"),
        _float("anode_thickness_metre", "m", "Thickness of this cell's anode"),
        _text("process_split", "Process split, by its name in the table process_split"),
        _text("remarks", "Remarks"),
        _text("more", "Further manifest columns as JSON, kept as they came"),
        *_stamps(),
    ),
)

PROJECT: Final = Table(
    "project",
    "A project of a firm, from a manifest.",
    "registry",
    (
        _text("firm", "Code of the firm", required=True, key=True),
        _text("project", "Its name in the manifests, unique within the firm", required=True, key=True),
        _text("name", "What it is called in full"),
        _text("remarks", "Remarks"),
        _text("more", "Further manifest columns as JSON, kept as they came"),
        *_stamps(),
    ),
)

WAFER: Final = Table(
    "wafer",
    "A wafer and how its map is counted, as the manifest says it, with the way from there to the canonical frame: "
    "notch down, x to the right, y up, (0, 0) the die nearest the centre.",
    "registry",
    (
        _text("firm", "Code of the firm", required=True, key=True),
        _text("lot", "Lot of wafers; empty where a firm has none", required=True, key=True),
        _text("wafer", "Wafer within the lot", required=True, key=True),
        _text("project", "Project of the firm"),
        _float("diameter_metre", "m", "Diameter"),
        _text("notch", f"Side of the manifest's map that the notch is on: one of {', '.join(DIRECTIONS)}"),
        _text("x_axis", "Direction in which die_x grows on that map: right or left"),
        _text("y_axis", "Direction in which die_y grows on that map: up or down"),
        _count("centre_die_x", "die_x, on that map, of the die nearest the centre"),
        _count("centre_die_y", "die_y, on that map, of the die nearest the centre"),
        _float("die_pitch_x_metre", "m", "Distance of neighbouring dies along the map's x"),
        _float("die_pitch_y_metre", "m", "Distance of neighbouring dies along the map's y"),
        _float("offset_x_metre", "m", "From the wafer's centre to that of the centre die, along the map's x"),
        _float("offset_y_metre", "m", "From the wafer's centre to that of the centre die, along the map's y"),
        _text("to_canonical", "JSON [[a, b, c], [d, e, f]]: canonical x = a·die_x + b·die_y + c, y likewise"),
        _float("canonical_pitch_x_metre", "m", "Distance of neighbouring dies, canonical x"),
        _float("canonical_pitch_y_metre", "m", "Distance of neighbouring dies, canonical y"),
        _float("canonical_offset_x_metre", "m", "Centre of die (0, 0), canonical x, from the wafer's centre"),
        _float("canonical_offset_y_metre", "m", "Centre of die (0, 0), canonical y, from the wafer's centre"),
        _float("edge_exclusion_metre", "m", "Width of the rim on which no die counts"),
        _count("gross_dies", "Dies on the wafer, tested or not"),
        _text("remarks", "Remarks"),
        _text("more", "Further manifest columns as JSON, kept as they came"),
        *_stamps(),
    ),
)

LAYER: Final = Table(
    "layer",
    "A layer of a layer stack; the stack is its layers, and cells name it.",
    "registry",
    (
        _text("firm", "Code of the firm", required=True, key=True),
        _text("stack", "Name of the stack, unique within the firm", required=True, key=True),
        _count("layer_number", "Number of the layer, from 1 at the substrate", required=True, key=True),
        _text("material", "Material"),
        _text("role", "What the layer is for: substrate, cathode, electrolyte, …, free text"),
        _float("thickness_metre", "m", "Nominal thickness"),
        _text("process", "How it is made"),
        _text("remarks", "Remarks"),
        _text("more", "Further manifest columns as JSON, kept as they came"),
        *_stamps(),
    ),
)

PROCESS_SPLIT: Final = Table(
    "process_split",
    "What a process split varies: one row per parameter.",
    "registry",
    (
        _text("firm", "Code of the firm", required=True, key=True),
        _text("project", "Project of the firm; empty where it holds for all", required=True, key=True),
        _text("lot", "Lot of wafers; empty where it holds for all", required=True, key=True),
        _text("split", "Name of the split, as cells name it", required=True, key=True),
        _text("parameter", "What is varied", required=True, key=True),
        _text("value", "Its value as the manifest writes it"),
        _float("number", "", "The value where it is a number, in the unit beside it"),
        _text("unit", "Unit of the value, as the manifest writes it"),
        _text("remarks", "Remarks"),
        _text("more", "Further manifest columns as JSON, kept as they came"),
        *_stamps(),
    ),
)

CHANNEL: Final = Table(
    "channel",
    "What is known of a cycler's channel from a moment on: the platform's own instruments, whoever's cell they hold.",
    "registry",
    (
        _text("channel", "Cycler and channel as the files name it", required=True, key=True),
        _float("from_unix_second", "s", "Start, inclusive; 0 for always", required=True, key=True),
        _float("to_unix_second", "s", "End, exclusive; null until the channel's next row begins"),
        _float("current_offset_ampere", "A", "What the channel reads where no current flows, as calibrated"),
        _float("current_accuracy_of_range", "", "Accuracy of the current as a part of the range"),
        _float("full_scale_ampere", "A", "Full scale of the range in use"),
        _float("input_resistance_ohm", "Ω", "Input resistance of its voltmeter"),
        _flag("guard", "Whether its leads are guarded"),
        _text("remarks", "Remarks"),
        *_stamps(),
    ),
)

SPEC_LIMIT: Final = Table(
    "spec_limit",
    "A limit of a specification: between which values a quantity must lie, under which conditions. A revision holds "
    "all limits of its specification; the latest one counts, the others are kept.",
    "registry",
    (
        _text("firm", "Code of the firm", required=True, key=True),
        _text("spec", "Name of the specification", required=True, key=True),
        _count("revision", "Revision of the specification, from 1", required=True, key=True),
        _text("quantity", "What is limited: a quantity of this software, or a test of a map", required=True, key=True),
        _text(
            "statistic",
            "min or max: holds for every cell; typ: for the median of all; empty as min and max",
            required=True,
            key=True,
        ),
        _text("conditions", "Conditions of the measurement as JSON, in SI units; {} without", required=True, key=True),
        _float("lower", "", "Lower limit in the unit beside it, inclusive"),
        _float("upper", "", "Upper limit in the unit beside it, inclusive"),
        _text("unit", "Unit of the limits, as the manifest writes it"),
        _float("lower_si", "", "Lower limit in the SI unit of the quantity"),
        _float("upper_si", "", "Upper limit in the SI unit of the quantity"),
        _text("unit_si", "That SI unit; empty for numbers, fractions and counts"),
        _text("project", "Project whose cells it is for; all where empty"),
        _text("stack", "Layer stack whose cells it is for; all where empty"),
        _text("source", "Where the limit is from: data sheet, contract, standard"),
        _text("remarks", "Remarks"),
        _text("more", "Further manifest columns as JSON, kept as they came"),
        *_stamps(),
    ),
)

DIE_MAP: Final = Table(
    "die_map",
    "A wafer map that was imported: how it counts its dies, and the way from there to the canonical frame.",
    "registry",
    (
        _text("firm", "Code of the firm", required=True, key=True),
        _text("lot", "Lot of wafers; empty where a firm has none", required=True, key=True),
        _text("wafer", "Wafer within the lot", required=True, key=True),
        _count("revision", "Number of the map of this wafer, from 1", required=True, key=True),
        _text("kind", "bins of a prober, or inspection", required=True),
        _flag("current", "Whether it is the latest of its kind of this wafer", required=True),
        _text("format", "stdf, sinf or klarf", required=True),
        _text("source_sha256", "Hash of the file's bytes, which the archive keeps", required=True),
        _text("source_name", "The file as the user knows it", required=True),
        _float("diameter_metre", "m", "Diameter"),
        _text("notch", f"Side of the map that the notch is on: one of {', '.join(DIRECTIONS)}", required=True),
        _text("x_axis", "Direction in which the map's counts of columns grow: right or left", required=True),
        _text("y_axis", "Direction in which its counts of rows grow: up or down", required=True),
        _count("centre_die_x", "Column, on that map, of the die nearest the centre", required=True),
        _count("centre_die_y", "Row, on that map, of the die nearest the centre", required=True),
        _text("frame_source", "Where the frame is from: file, stated, manifest, middle of all dies", required=True),
        _float("die_pitch_x_metre", "m", "Distance of neighbouring dies along the map's x"),
        _float("die_pitch_y_metre", "m", "Distance of neighbouring dies along the map's y"),
        _float("offset_x_metre", "m", "From the wafer's centre to that of the centre die, along the map's x"),
        _float("offset_y_metre", "m", "From the wafer's centre to that of the centre die, along the map's y"),
        _text("to_canonical", "JSON [[a, b, c], [d, e, f]]: canonical x = a·die_x + b·die_y + c", required=True),
        _float("canonical_pitch_x_metre", "m", "Distance of neighbouring dies, canonical x"),
        _float("canonical_pitch_y_metre", "m", "Distance of neighbouring dies, canonical y"),
        _float("canonical_offset_x_metre", "m", "Centre of die (0, 0), canonical x, from the wafer's centre"),
        _float("canonical_offset_y_metre", "m", "Centre of die (0, 0), canonical y, from the wafer's centre"),
        _count("dies", "Dies on the map", required=True),
        _count("good_dies", "Dies that the map calls good; null for an inspection"),
        _text("about", "What else the file says of itself, as JSON", required=True),
        _text("warnings", "Warnings of the reader, as JSON", required=True),
        _float("imported_unix_second", "s", "When it was imported", required=True),
    ),
)

DIE_RESULT: Final = Table(
    "die_result",
    "What an imported wafer map says of a die: one row per quantity.",
    "registry",
    (
        _text("firm", "Code of the firm", required=True, key=True),
        _text("lot", "Lot of wafers; empty where a firm has none", required=True, key=True),
        _text("wafer", "Wafer within the lot", required=True, key=True),
        _count("revision", "Number of the map of this wafer", required=True, key=True),
        _count("die_x", "Die column; notch down, x to the right, 0 at the centre", required=True, key=True),
        _count("die_y", "Die row; notch down, y up, 0 at the centre", required=True, key=True),
        _text("quantity", "hard_bin, soft_bin, defects, or the name of a test", required=True, key=True),
        _count("source_die_x", "Die column as the map counts it", required=True),
        _count("source_die_y", "Die row as the map counts it", required=True),
        _float("value", "", "The bin, count or value, in the unit beside it; null where the die was not tested"),
        _text("unit", "Unit of the value as the file writes it"),
        _flag("passed", "The file's own verdict; null where it gives none"),
    ),
)

DIE_DEFECT: Final = Table(
    "die_defect",
    "A defect that an inspection found on a wafer.",
    "registry",
    (
        _text("firm", "Code of the firm", required=True, key=True),
        _text("lot", "Lot of wafers; empty where a firm has none", required=True, key=True),
        _text("wafer", "Wafer within the lot", required=True, key=True),
        _count("revision", "Number of the map of this wafer", required=True, key=True),
        _count("row_number", "Number of the defect's row in the file, from 1", required=True, key=True),
        _count("defect", "Number of the defect as the file counts it", required=True),
        _count("die_x", "Die column; notch down, x to the right, 0 at the centre", required=True),
        _count("die_y", "Die row; notch down, y up, 0 at the centre", required=True),
        _float("x_metre", "m", "From the wafer's centre, canonical x"),
        _float("y_metre", "m", "From the wafer's centre, canonical y"),
        _float("size_metre", "m", "Size as the tool states it"),
        _count("class_number", "Class that the tool gave it"),
    ),
)

RECIPE: Final = Table(
    "recipe",
    "Every recipe that numbers were made with.",
    "registry",
    (
        _text("sha256", "Hash over every value", required=True, key=True),
        _text("label", "Version and hash, as results name it", required=True),
        _text("derivation", "Hash of the part that steps and cycles are derived by", required=True),
        _text("text", "Every value, as TOML", required=True),
        _float("first_used_unix_second", "s", "When numbers were first made with it", required=True),
    ),
)

REQUIREMENT_SET: Final = Table(
    "requirement_set",
    "A firm's own set of requirements, version by version: the latest counts, the others are kept.",
    "registry",
    (
        _text("firm", "Code of the firm", required=True, key=True),
        _text("profile", "Name of the set", required=True, key=True),
        _count("version", "Version of the set, from 1", required=True, key=True),
        _text("title_en", "What it is called, in English", required=True),
        _text("title_ko", "What it is called, in Korean", required=True),
        _count("requirements", "How many requirements it holds", required=True),
        _text("document", "The set as it was imported, TOML", required=True),
        _text("sha256", "Hash of the document", required=True),
        _text("path", "The file as the user knows it", required=True),
        _float("imported_unix_second", "s", "When it was imported", required=True),
    ),
)

MANIFEST_VERSION: Final = Table(
    "manifest_version",
    "Every manifest that was imported, in order.",
    "registry",
    (
        _count("version", "Number of the import, from 1", required=True, key=True),
        _text("sha256", "Hash of the manifest's bytes", required=True),
        _text("path", "The manifest as the user knows it", required=True),
        _count("taken", "Rows that were taken", required=True),
        _count("refused", "Rows that were refused", required=True),
        _text("record", "The whole receipt, as JSON", required=True),
        _float("at_unix_second", "s", "When it was imported", required=True),
    ),
)

MANIFEST_CHANGE: Final = Table(
    "manifest_change",
    "What each manifest changed, value by value: from the current row back to every former one.",
    "registry",
    (
        _count("version", "Number of the import", required=True, key=True),
        _text("table_name", "Table of the changed row", required=True, key=True),
        _text("firm", "Firm that the row is of", required=True, key=True),
        _text("row_key", "The rest of the row's key, as a JSON list", required=True, key=True),
        _text("column_name", "Changed column; empty where the row was made or withdrawn", required=True, key=True),
        _text("before", "Value before, as JSON"),
        _text("after", "Value after, as JSON"),
    ),
)

ASSIGNMENT: Final = Table(
    "assignment",
    "Which cell a cycler channel held, over a half-open time interval.",
    "registry",
    (
        _text("channel", "Cycler and channel as the files name it", required=True, key=True),
        _text("firm", "Code of the firm", required=True),
        _text("cell_id", "The cell", required=True),
        _float("from_unix_second", "s", "Start, inclusive; 0 for always", required=True, key=True),
        _float("to_unix_second", "s", "End, exclusive; null while it lasts"),
        _text("remarks", "Remarks"),
        _text("more", "Further manifest columns as JSON, kept as they came"),
    ),
)

TEST: Final = Table(
    "test",
    "One test: what the instrument did with one cell, from one source or several versions of it.",
    "registry",
    (
        _text("test_id", "Name of the test, made from the hash of its first source", required=True, key=True),
        _count("revision", "Revision whose rows readers see, from 1", required=True),
        _text("firm", "Code of the firm; null while unassigned"),
        _text("cell_id", "The cell; null while unassigned"),
        _text("assigned_by", "Rule that found the cell: option, assignment, file, folder, name; null while unassigned"),
        _text("convention", "Cell convention that steps and cycles were derived with", required=True),
        _text("derived_by", "Hash of the recipe's part that steps and cycles were derived by"),
        _text("source_sha256", "Hash of the raw bytes that the current revision was read from", required=True),
        _text("data_sha256", "Hash of the rows as read: the same data in other bytes has the same", required=True),
        _text("format", "Format that read the source", required=True),
        _count("reader_version", "Version of that reader", required=True),
        _text("kind", "cycling or eis", required=True),
        _text("about", "What the file says of itself, as JSON", required=True),
        _text("channel", "Cycler and channel as the file names it"),
        _count("rows", "Rows in measurements", required=True),
        _count("spectra", "Rows in spectra", required=True),
        _count("steps", "Rows in steps", required=True),
        _count("cycles", "Rows in cycles", required=True),
        _float("first_unix_second", "s", "Wall clock of the first record, UTC"),
        _float("last_unix_second", "s", "Wall clock of the last record, UTC"),
        _text("warnings", "Warnings of the reader and the gate, as JSON", required=True),
        _float("committed_unix_second", "s", "When the revision became visible", required=True),
        _text("continues", "The test that it continues, as both say of themselves; null where none is known"),
        _text("linked_by", "What shows that it continues that one"),
        _text("chain", "First test of its chain of continuations; null where it is alone"),
        _count("part", "Its place in its chain, from 1"),
        _float("chain_offset_second", "s", "Added to its test time gives its chain's, which never goes back"),
        _float("chain_unix_second", "s", "Begin by the clock of its chain's other tests, where it has none itself"),
    ),
    unique=(("source_sha256",),),
)
TEST_END: Final = Table(
    "test_end",
    "First and last record of every test with measurements, by which continuations are told.",
    "registry",
    (
        _text("test_id", "The test", required=True, key=True),
        _float("first_second", "s", "Test time of the first record"),
        _float("last_second", "s", "Test time of the last record"),
        _float("first_volt", "V", "Voltage of the first record"),
        _float("last_volt", "V", "Voltage of the last record"),
        _count("first_cycle", "The instrument's cycle number in the first record"),
        _count("last_cycle", "The instrument's cycle number in the last record"),
        _count("first_record", "The instrument's record number in the first record"),
        _count("last_record", "The instrument's record number in the last record"),
    ),
)

SOURCE_FILE: Final = Table(
    "source_file",
    "Every content ever dropped and its fate.",
    "registry",
    (
        _text("sha256", "Hash of the raw bytes", required=True, key=True),
        _text("path", "Where it was dropped first, as the user knows it", required=True),
        _count("size", "Bytes; null for a drop that could not be read, whose path then stands for its hash"),
        _text("state", f"One of {', '.join(SOURCE_STATES)}", required=True),
        _text("format", "Format that claimed it"),
        _text("kind", f"One of {', '.join(KINDS)}"),
        _text("test_id", "The test that its rows went to"),
        _text("firm", "Firm that the drop named"),
        _text("cell_id", "Cell that the drop named"),
        _text("head_sha256", "Hash of its first 4096 bytes: versions of one growing file share it"),
        _text("previous_sha256", "The earlier version of the file that it continues or replaces"),
        _text("read_as", "Format that a technician said it is, whatever its content says"),
        _text("readers", "Fingerprint of the readers that judged it: others may judge it anew"),
        _text("reason_code", "Why it was not committed"),
        _text("reason_detail", "What was found, in English"),
        _text("reason_where", "Byte, line or column"),
        _float("first_seen_unix_second", "s", "First drop", required=True),
        _float("updated_unix_second", "s", "Last change of state", required=True),
    ),
)

INBOX_FILE: Final = Table(
    "inbox_file",
    "Every file that lies in an inbox as it was last taken in: one that looks the same is not opened again.",
    "registry",
    (
        _text("path", "Absolute path", required=True, key=True),
        _count("size", "Bytes", required=True),
        _count("modified_ns", "Time of its last change as the file system tells it, nanoseconds", required=True),
        _text("sha256", "Hash of the bytes that were taken; null while they could not be read"),
        _float("taken_unix_second", "s", "When it was taken in", required=True),
    ),
)

RECEIPT: Final = Table(
    "receipt",
    "Every drop and what became of it, in order: the receipts.",
    "registry",
    (
        _count("receipt_id", "Number of the receipt", required=True, key=True),
        _text("path", "Path of the drop as the user knows it", required=True),
        _text("sha256", "Hash of its bytes", required=True),
        _text("state", f"One of {', '.join(SOURCE_STATES)}", required=True),
        _text("record", "The whole receipt, as JSON", required=True),
        _float("at_unix_second", "s", "When it was written", required=True),
    ),
)

STORED_FILE: Final = Table(
    "stored_file",
    "Every Parquet file that readers may open, with its hash.",
    "registry",
    (
        _text("path", "Path below tables/", required=True, key=True),
        _text("table_name", "measurements, spectra, steps or cycles", required=True),
        _text("firm", "Folder that keeps it: a firm's code, or _unassigned", required=True),
        _text("test_id", "The test; null for a mart, which holds many"),
        _count("revision", "Revision of the test's data"),
        _count("first_row", "Number, within the test, of the file's first row, from 0", required=True),
        _count("rows", "Rows in the file", required=True),
        _count("size", "Bytes", required=True),
        _text("sha256", "Hash of the file", required=True),
        _text("mart", "Path of the mart that also holds these rows; null until compacted"),
        _text("bucket", "Bucket of cells that a mart, an answer or a result is about; null for tests and whole firms"),
        _text("made_of", "Hash of all that an answer or result was made of; null for rows of tests"),
        _flag("current", "Whether readers open it", required=True),
    ),
)

PROGRESS: Final = Table(
    "progress",
    "How far a test was derived, so that what is appended to it costs what is new and not what is there.",
    "registry",
    (
        _text("test_id", "The test", required=True, key=True),
        _count("revision", "Revision of the test's data", required=True),
        _text("state", "State of the derivation after the last row, as JSON", required=True),
    ),
)

WORKER: Final = Table(
    "worker",
    "Every process that takes in sources at the moment; one whose beat stands still is dead.",
    "registry",
    (
        _text("owner", "Token of the process, unique for all time", required=True, key=True),
        _text("host", "Machine that it runs on", required=True),
        _count("pid", "Its number on that machine", required=True),
        _text("born", "When the machine started it, so that a later process with its number is not taken for it"),
        _count("beat", "Counts up while it lives", required=True),
        _float("looked_unix_second", "s", "When it last looked into the inboxes; null for one that does not watch"),
    ),
)

LEASE: Final = Table(
    "lease",
    "Who works on what. The fence counts up with every owner: a commit under an older fence is refused.",
    "registry",
    (
        _text("name", "What is worked on: source:<sha256>, night or service", required=True, key=True),
        _text("owner", "The worker; null when free"),
        _count("fence", "Counts the owners so far", required=True),
    ),
)

GENERATION: Final = Table(
    "generation",
    "Per firm a number that every change of its tests or cells counts up: what was made from an older one is stale.",
    "registry",
    (
        _text("firm", "Code of the firm; empty for the platform's own area", required=True, key=True),
        _count("number", "Counts up", required=True),
    ),
)

BUCKET: Final = Table(
    "bucket",
    "Groups of a firm's cells, and what their marts, results and answers were made of when a night last made them.",
    "registry",
    (
        _text("firm", "Code of the firm; empty for the platform's own area", required=True, key=True),
        _text(
            "bucket",
            "First bits of a hash over the cell's name; empty where there is one group",
            required=True,
            key=True,
        ),
        _text("made_of", "Hash of all that its files were made of; null where they are to be made again"),
        _text("moment", "Hash of the firm's data, manifests and recipe, for which that was last found to hold"),
        _text("keys", "What the rows about each test and cell were made of, as JSON", required=True),
    ),
)

JOURNAL: Final = Table(
    "journal",
    "The number of the journal's last line, and of the schema that the tables were made by.",
    "registry",
    (
        _text("name", "journal or schema", required=True, key=True),
        _count("number", "Counts the registry's changes; made from the schema", required=True),
    ),
)

FADE: Final = Table(
    "fade",
    "Cycles of a cell over all its tests, as of the last night: the rows of the fade query.",
    "parquet",
    (
        _text("cell_id", "The cell; the test where no cell is known", required=True, key=True),
        _text("firm", "Code of the firm"),
        _count("cycle", "Cycle of the cell over all its tests, from 1", required=True, key=True),
        _text("test_id", "The test", required=True),
        _text("class", f"One of {', '.join(CYCLE_CLASSES)}", required=True),
        _float("equivalent_full_cycles", "", "throughput_ah over twice the nominal capacity"),
        _float("throughput_ah", "Ah", "Charge moved both ways up to and including this cycle"),
        _float("throughput_ah_per_square_metre", "Ah/m²", "The same over the active area; null without one"),
        _float("elapsed_day", "d", "Days since the cell's first cycle began; null where tests lack a wall clock"),
        _float("charging_capacity_ah", "Ah", "Charge into the cell"),
        _float("discharging_capacity_ah", "Ah", "Charge out of the cell"),
        _float("capacity_ah", "Ah", "What retention is made of: discharged; of an anode half cell charged"),
        _float("capacity_retention", "", "capacity_ah over the reference capacity; ageing cycles only"),
        _float("coulombic_efficiency", "", "By the cell's convention"),
        _float(
            "coulombic_efficiency_floor",
            "",
            "How far it may be off, to either side; null while neither offset nor accuracy is known",
        ),
        _text("coulombic_efficiency_floor_terms", "What the floor is of: offset, quantum, range"),
        _float("energy_efficiency", "", "Energy out over energy in"),
        _text("reference_policy", "How the reference capacity was chosen", required=True),
        _text("reference_status", "found, or why there is none", required=True),
        _float("reference_capacity_ah", "Ah", "The reference capacity"),
        _count("reference_cycle", "The cycle that it comes from; null where it comes from none"),
    ),
)

SUMMARY: Final = Table(
    "summary",
    "Per cell, as of the last night: the rows of the summary query.",
    "parquet",
    (
        _text("cell_id", "The cell; the test where no cell is known", required=True, key=True),
        _text("firm", "Code of the firm"),
        _count("cycles", "Complete logical cycles", required=True),
        _text("reference_policy", "How the reference capacity was chosen", required=True),
        _text("reference_status", "found, or why there is none", required=True),
        _count("reference_cycle", "Cycle that the policy chose; null where it chose none"),
        _float("first_capacity_ah", "Ah", "Capacity of the first complete cycle"),
        _float("reference_capacity_ah", "Ah", "The reference capacity"),
        _float("last_capacity_ah", "Ah", "Capacity of the last ageing cycle"),
        _float("last_capacity_retention", "", "last_capacity_ah / reference_capacity_ah"),
        _float("fade_rate_per_cycle", "", "Slope of retention over cycle, least squares; negative when fading"),
        _text("fade_model", "The fade law that describes the cell best; null below ten ageing cycles"),
        _float("end_of_life_threshold", "", "Retention that ends life", required=True),
        _float("end_of_life_cycle", "", "Interpolated cycle of the sustained crossing; null when not reached"),
        _flag("end_of_life_censored", "True when the threshold was not reached: life > cycles; null without retention"),
        _text(
            "end_of_life", "The same in words: 412.3, > 500, or <= 3 when the first ageing cycle was below it already"
        ),
        _float("coulombic_efficiency_median", "", "Median over the ageing cycles after the reference cycle"),
        _float("coulombic_efficiency_floor", "", "Largest floor of the same cycles; null unless each has one"),
        _text("coulombic_efficiency_printed", "Median ± floor, without digits below it; null without a floor"),
        _text("knee_status", "detected, insufficient, none or indeterminate", required=True),
        _float("knee_cycle", "", "Cycle of the knee; only of one that is detected"),
        _text("recipe", "Version of the thresholds and policies", required=True),
    ),
)

NIGHT: Final = Table(
    "night",
    "Every nightly run and what it did.",
    "registry",
    (
        _text("night_id", "Date and attempt", required=True, key=True),
        _text("date", "The date it stands for, in the site's zone", required=True),
        _text("record", "What it did and skipped, as JSON", required=True),
        _float("started_unix_second", "s", "Start", required=True),
        _float("ended_unix_second", "s", "End", required=True),
    ),
)

PLATFORM_MONTH: Final = Table(
    "platform_month",
    "What the platform did in each month, over all firms, as of the last night.",
    "registry",
    (
        _text("month", "Year and month in the site's zone, as 2026-03", required=True, key=True),
        _count("tests", "Tests taken in", required=True),
        _count("firms", "Firms that these are of", required=True),
        _count("cells", "Cells that these are of", required=True),
        _count("wafers", "Wafers that these cells lay on", required=True),
        _count("cycles", "Cycles in these tests", required=True),
        _float("channel_hours_h", "h", "From first to last record, over these tests"),
        _count("drops", "Contents dropped for the first time", required=True),
        _count("quarantined", "Of them in quarantine now", required=True),
        _count("source_bytes", "Bytes of them", required=True),
        _count("stored_bytes", "Bytes of the tables of these tests", required=True),
        _float("median_wait_second", "s", "Median time from the first sight of a file to its test"),
    ),
)

COHORT_RELEASE: Final = Table(
    "cohort_release",
    "Every release of the comparison between firms.",
    "registry",
    (
        _count("release", "Number of the release, from 1", required=True, key=True),
        _count("period", "Which one of the cadence it is", required=True),
        _text("date", "Date of the night that made it", required=True),
        _text("next_date", "From when the next one is due", required=True),
        _text("rules", "The rules that it was made by, as JSON", required=True),
        _count("published", "Groups with numbers", required=True),
        _count("suppressed", "Groups without", required=True),
    ),
    unique=(("period",),),
)

COHORT_CELL: Final = Table(
    "cohort_cell",
    "What a release says of one group of cells of several firms in one figure; every firm may read all of it.",
    "registry",
    (
        _count("release", "Number of the release", required=True, key=True),
        *_grid(),
        _text("method", "Version and hash of the recipe's sections behind the figures", required=True, key=True),
        _text("status", "published or suppressed", required=True),
        _text("reason", "Why it is suppressed: a key of warehouse.cohort.reasons"),
        _float("lower_quartile", "", "First quartile, rounded; null where it may not be told"),
        _float("median", "", "Median, rounded"),
        _float("upper_quartile", "", "Third quartile, rounded; null where it may not be told"),
        _text("firms", "Firms behind the numbers, as a band"),
        _count("of_release", "Release that the numbers were made for: they stand until enough has changed"),
        _text("of_date", "Date of that release"),
    ),
)

COHORT_CONTRIBUTION: Final = Table(
    "cohort_contribution",
    "Which firms stood behind a group's numbers, with a hash of their values; no firm reads it.",
    "registry",
    (
        _count("release", "Number of the release", required=True, key=True),
        *_grid(),
        _text("method", "As in cohort_cell", required=True, key=True),
        _text("firms", "Hash of the rounded values by firm, as JSON", required=True),
    ),
)

ALERT: Final = Table(
    "alert",
    "Everything that somebody should look at, or should have: each thing once.",
    "registry",
    (
        _text("alert_id", "Made of kind, firm and subject", required=True, key=True),
        _text("firm", "Firm concerned; null for the operators"),
        _text("kind", "A key of warehouse.alerts.words", required=True),
        _text("subject", "What it is about", required=True),
        _text("cell_id", "The cell; null where it is about none"),
        _text("test_id", "The test; null where it is about none"),
        _text("evidence", "The figures that it was opened with, as JSON", required=True),
        _text("sentence_en", "What it says, in English", required=True),
        _text("sentence_ko", "What it says, in Korean", required=True),
        _text("state", "open, or closed when it no longer holds", required=True),
        _text("first_seen_date", "Night that found it first", required=True),
        _text("closed_date", "Night that did not find it any more"),
        _count("times", "How often it was opened", required=True),
        _float("mailed_unix_second", "s", "When it was mailed"),
        _float("posted_unix_second", "s", "When it was posted to a webhook"),
        _text("delivery_error", "Why the last attempt to deliver it failed"),
    ),
)

ACCESS_TOKEN: Final = Table(
    "access_token",
    "Every key to the portal that was ever given out; of its secret only a hash.",
    "registry",
    (
        _text("token_id", "The part of the token that may be told", required=True, key=True),
        _text("secret_sha256", "Hash of its secret", required=True),
        _text("role", f"One of {', '.join(ROLES)}", required=True),
        _text("firm", "Code of the firm; null for the platform's own people"),
        _text("label", "What it was given out for", required=True),
        _text("replaces", "The token that it was given out in place of"),
        _float("created_unix_second", "s", "When it was given out", required=True),
        _float("expires_unix_second", "s", "From when on it opens nothing", required=True),
        _float("revoked_unix_second", "s", "When it was revoked"),
        _float("last_used_unix_second", "s", "When it was used last, to five minutes"),
    ),
)

ACCESS_SESSION: Final = Table(
    "access_session",
    "Who is logged in to the portal's pages at the moment.",
    "registry",
    (
        _text("session_sha256", "Hash of what the browser keeps", required=True, key=True),
        _text("name", "Who it is: the token's id, or what the site's log-in calls the person", required=True),
        _text("role", f"One of {', '.join(ROLES)}", required=True),
        _text("firm", "Code of the firm; null for the platform's own people"),
        _text("token_id", "The token that it was opened with; null for one of the site's own log-in"),
        _float("created_unix_second", "s", "When it was opened", required=True),
        _float("expires_unix_second", "s", "When it ends", required=True),
    ),
)

AUDIT: Final = Table(
    "audit",
    "What was asked and done through the portal, in order; each row holds the hash of the row before it.",
    "registry",
    (
        _count("number", "Number of the row, from 1 without a gap", required=True, key=True),
        _float("at_unix_second", "s", "When", required=True),
        _text("name", "Who: a token's id, a person, or command for the command line", required=True),
        _text("role", "Their role", required=True),
        _text("firm", "Code of the firm that it concerns; null where it concerns none"),
        _text("action", "What was done", required=True),
        _text("subject", "To what", required=True),
        _text("detail", "What else there is to say, as JSON", required=True),
        _text("previous_sha256", "Hash of the row before; zeros in the first", required=True),
        _text("sha256", "Hash over this row and previous_sha256", required=True),
    ),
)

REPORT: Final = Table(
    "report",
    "Every test report that was issued: the same data keep their number and revision, other data get the next one.",
    "registry",
    (
        _text("number", "Number of the report, made of what its first revision was made of", required=True, key=True),
        _count("revision", "Revision, from 1", required=True, key=True),
        _text("firm", "Code of the firm", required=True),
        _text("subject", "The cell, lot or wafer", required=True),
        _text("sha256", "Hash of all that it says, number and date of issue included", required=True),
        _text("made_of", "Hash of the facts and of the software that it was made of", required=True),
        _text("parts", "Hash of each part of the facts, as JSON: what a revision changed", required=True),
        _float("issued_unix_second", "s", "When it was issued", required=True),
    ),
)

REPORT_FILE: Final = Table(
    "report_file",
    "Every document of a report that was handed out: the same report in the same language never has other bytes.",
    "registry",
    (
        _text("number", "Number of the report", required=True, key=True),
        _count("revision", "Revision", required=True, key=True),
        _text("language", "ko or en", required=True, key=True),
        _text("kind", "pdf, xlsx or zip", required=True, key=True),
        _text("sha256", "Hash of the document's bytes", required=True),
        _count("size", "Bytes", required=True),
        _float("made_unix_second", "s", "When it was handed out first", required=True),
    ),
)

# Questions whose answers the night stores per firm, so that asking them reads one file.
ANSWERS: Final = (FADE, SUMMARY)


def find_answer(name: str) -> Table:
    """Return the table of an answer that the night stores."""
    return next(table for table in ANSWERS if table.name == name)


TABLES: Final = (
    MEASUREMENTS,
    SPECTRA,
    STEPS,
    CYCLES,
    SPECTRUM_FITS,
    SPECTRUM_ELEMENTS,
    ARRHENIUS,
    PRECISION,
    RESISTANCE,
    PULSES,
    DQDV,
    CYCLE_EXTRAS,
    CONDITIONS,
    EXPOSURES,
    REPLICATES,
    REPLICATE_CELLS,
    APPLICATION,
    GITT,
    PITT,
    VOLTAGE_DECAY,
    FLOAT_LEAKAGE,
    STORAGE_LOSS,
    CALENDAR,
    CALENDAR_FIT,
    FADE,
    SUMMARY,
    FADE_MODELS,
    KNEES,
    FORECAST,
    WAFER_DIES,
    WAFER_YIELD,
    UNIFORMITY,
    RETICLES,
    VARIANCE_COMPONENTS,
    SPECS,
    SPLITS,
    SURVIVAL,
    COHORT_VALUES,
    SIGNS,
    RESIDUALS,
    FIRM,
    PROJECT,
    WAFER,
    LAYER,
    PROCESS_SPLIT,
    SPEC_LIMIT,
    DIE_MAP,
    DIE_RESULT,
    DIE_DEFECT,
    CELL,
    ASSIGNMENT,
    CHANNEL,
    RECIPE,
    REQUIREMENT_SET,
    MANIFEST_VERSION,
    MANIFEST_CHANGE,
    TEST,
    TEST_END,
    SOURCE_FILE,
    INBOX_FILE,
    RECEIPT,
    STORED_FILE,
    PROGRESS,
    WORKER,
    LEASE,
    GENERATION,
    BUCKET,
    JOURNAL,
    NIGHT,
    PLATFORM_MONTH,
    COHORT_RELEASE,
    COHORT_CELL,
    COHORT_CONTRIBUTION,
    ALERT,
    ACCESS_TOKEN,
    ACCESS_SESSION,
    AUDIT,
    REPORT,
    REPORT_FILE,
)


def conform_columns(frame: pl.DataFrame, table: Table, origin: str) -> pl.DataFrame:
    """Order a frame's columns as declared and check names and dtypes.

    Args:
        frame: some or all columns of ``table``, in any order.
        table: the declaration.
        origin: whose frame it is, for the message.

    Returns:
        The same columns, in declared order.

    Raises:
        SchemaMismatch: a required column is missing, a column is unknown, or a dtype differs.
    """
    # A frame makes its schema anew at each look, which costs a small file more than its rows.
    held, dtypes = dict(zip(frame.columns, frame.dtypes, strict=True)), table.dtypes
    unknown = [name for name in held if name not in dtypes]
    missing = [name for name in table.required if name not in held]
    wrong = [
        f"{name} is {dtype}, not {dtypes[name]}"
        for name, dtype in held.items()
        if name in dtypes and dtype is not dtypes[name] and dtype != dtypes[name]
    ]
    if unknown or missing or wrong:
        raise SchemaMismatch(f"{origin}: {table.name}: unknown {unknown}, missing {missing}, dtypes {wrong}")
    wanted = [name for name in table.names if name in held]
    return frame if list(held) == wanted else frame[wanted]


def fill_columns(frame: pl.DataFrame, table: Table) -> pl.DataFrame:
    """Give a conforming frame every declared column; what it lacked is null."""
    present = set(frame.columns)
    if frame.columns == list(table.names):
        return frame
    if not frame.height:
        return table.empty()
    return frame.select(
        pl.col(column.name) if column.name in present else pl.lit(None, dtype=column.dtype).alias(column.name)
        for column in table.columns
    )
