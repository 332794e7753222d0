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
KINDS: Final = ("cycling", "eis", "companion", "empty")

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

    def empty(self) -> pl.DataFrame:
        """A frame of this table without rows."""
        return pl.DataFrame(schema=self.dtypes)


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
    ),
    unique=(("source_sha256",),),
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
    ),
)

LEASE: Final = Table(
    "lease",
    "Who works on what. The fence counts up with every owner: a commit under an older fence is refused.",
    "registry",
    (
        _text("name", "What is worked on: source:<sha256> or night", required=True, key=True),
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
        _float("elapsed_day", "d", "Days since the cell's first cycle began"),
        _float("charging_capacity_ah", "Ah", "Charge into the cell"),
        _float("discharging_capacity_ah", "Ah", "Charge out of the cell"),
        _float("capacity_retention", "", "Capacity over the reference capacity; ageing cycles only"),
        _float("coulombic_efficiency", "", "By the cell's convention"),
        _float("coulombic_efficiency_floor", "", "Uncertainty floor; null while no channel offset is known"),
        _float("energy_efficiency", "", "Energy out over energy in"),
        _float("reference_capacity_ah", "Ah", "The reference capacity"),
        _count("reference_cycle", "The cycle that it comes from"),
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
        _count("reference_cycle", "Cycle that the policy chose"),
        _float("first_capacity_ah", "Ah", "Discharge capacity of the first complete cycle"),
        _float("reference_capacity_ah", "Ah", "Discharge capacity of the reference cycle"),
        _float("last_capacity_ah", "Ah", "Discharge capacity of the last ageing cycle"),
        _float("last_capacity_retention", "", "last_capacity_ah / reference_capacity_ah"),
        _float("fade_rate_per_cycle", "", "Slope of retention over cycle, least squares; negative when fading"),
        _float("end_of_life_threshold", "", "Retention that ends life", required=True),
        _float("end_of_life_cycle", "", "Interpolated cycle of the sustained crossing; null when not reached"),
        _flag("end_of_life_censored", "True when the threshold was not reached: life > cycles"),
        _text("end_of_life", "The same in words: 412.3 or > 500"),
        _float("coulombic_efficiency_median", "", "Median over the ageing cycles"),
        _float("coulombic_efficiency_floor", "", "Uncertainty floor; null while no channel offset is known"),
        _text("knee_status", "not_evaluated until a recipe evaluates knees", required=True),
        _float("knee_cycle", "", "Cycle of the knee"),
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

# Questions whose answers the night stores per firm, so that asking them reads one file.
ANSWERS: Final = (FADE, SUMMARY)

TABLES: Final = (
    MEASUREMENTS,
    SPECTRA,
    STEPS,
    CYCLES,
    SPECTRUM_FITS,
    SPECTRUM_ELEMENTS,
    ARRHENIUS,
    FADE,
    SUMMARY,
    FIRM,
    PROJECT,
    WAFER,
    LAYER,
    PROCESS_SPLIT,
    CELL,
    ASSIGNMENT,
    MANIFEST_VERSION,
    MANIFEST_CHANGE,
    TEST,
    SOURCE_FILE,
    INBOX_FILE,
    RECEIPT,
    STORED_FILE,
    PROGRESS,
    WORKER,
    LEASE,
    GENERATION,
    JOURNAL,
    NIGHT,
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
    unknown = [name for name in frame.columns if name not in table.dtypes]
    missing = [name for name in table.required if name not in frame.columns]
    wrong = [
        f"{name} is {dtype}, not {table.dtypes[name]}"
        for name, dtype in frame.schema.items()
        if name in table.dtypes and dtype != table.dtypes[name]
    ]
    if unknown or missing or wrong:
        raise SchemaMismatch(f"{origin}: {table.name}: unknown {unknown}, missing {missing}, dtypes {wrong}")
    wanted = [name for name in table.names if name in frame.columns]
    return frame if frame.columns == wanted else frame.select(wanted)


def fill_columns(frame: pl.DataFrame, table: Table) -> pl.DataFrame:
    """Give a conforming frame every declared column; what it lacked is null."""
    present = set(frame.columns)
    if frame.columns == list(table.names):
        return frame
    return frame.select(
        pl.col(column.name) if column.name in present else pl.lit(None, dtype=column.dtype).alias(column.name)
        for column in table.columns
    )
