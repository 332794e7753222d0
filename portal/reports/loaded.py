"""The pages of results under load: rates, resistances, pulses, spectra."""

from __future__ import annotations

from typing import Any, Final

from portal.reports.blocks import Block, Column, Page, Row
from portal.reports.facts import Facts
from portal.reports.marks import N_
from portal.reports.numbers import join_parts, write_day, write_number, write_span
from portal.reports.words import explain_reason, name_code

# Cells are measured at many temperatures and ages; the workbook has all spectra.
MOST_SPECTRA: Final = 20
RESISTANCE_COLUMNS: Final = (
    Column(N_("Cell"), "cell_id", share=2.2),
    Column(N_("Current edge"), "edge_words", share=2.2),
    Column(N_("Time behind the edge"), "after_second", unit="s"),
    Column(N_("Resolved edges"), "counted"),
    Column(N_("First value"), "first_ohm", unit="Ω"),
    Column(N_("Median"), "median_ohm", unit="Ω"),
    Column(N_("Last value"), "last_ohm", unit="Ω"),
    Column(N_("Smallest value"), "smallest_ohm", unit="Ω"),
    Column(N_("Largest value"), "largest_ohm", unit="Ω"),
    Column(N_("Temperature"), "temperature_celsius", unit="°C", digits=3),
)
RATE_COLUMNS: Final = (
    Column(N_("Cell"), "cell_id", share=2.2),
    Column(N_("Cycles"), "span"),
    Column(N_("Current"), "current_ampere", unit="A"),
    Column(N_("C-rate"), "rate_per_hour", unit="1/h", digits=3),
    Column(N_("Capacity"), "capacity_ah", unit="Ah"),
    Column(N_("Of the reference rate's"), "capacity_ratio", unit="%"),
    Column(N_("Reference rate"), "status_word", share=1.4),
)
PULSE_COLUMNS: Final = (
    Column(N_("Cell"), "cell_id", share=2.2),
    Column(N_("Train of pulses"), "train"),
    Column(N_("Direction"), "direction_word"),
    Column(N_("Pulses"), "pulses"),
    Column(N_("Current"), "current_ampere", unit="A"),
    Column(N_("Duration"), "duration_second", unit="s"),
    Column(N_("Lowest voltage"), "lowest_voltage_volt", unit="V"),
    Column(N_("Resistance, median"), "resistance_ohm", unit="Ω"),
    Column(N_("Pulses to the limit"), "to_limit"),
)
IMPEDANCE_COLUMNS: Final = (
    Column(N_("Cell"), "cell_id", share=2.0),
    Column(N_("Date"), "day", share=1.2),
    Column(N_("Temperature"), "temperature_celsius", unit="°C", digits=3),
    Column(N_("Frequency band"), "band", unit="Hz", share=1.6),
    Column(N_("Kramers-Kronig residual"), "kramers_kronig_rms", unit="%", digits=2),
    Column(N_("Circuit"), "circuit", share=1.6),
    Column("R_hf", "hf", unit="Ω", share=1.8),
    Column(N_("Interfacial resistance"), "interface", unit="Ω", share=1.8),
    Column(N_("Ionic conductivity"), "conductivity", unit="S/m", share=1.8),
    Column(N_("Why not"), "why", share=2.4),
)


def list_rate(page: Page, facts: Facts) -> list[Block]:
    """Return the table of rate; none where there is none."""
    rows = [
        {
            **row,
            "span": write_span(str(row["first_cycle"]), str(row["last_cycle"])),
            "status_word": name_code(row["status"], page.say),
        }
        for row in facts.rows("rate")
    ]
    return page.table(page.say("Capacity at each rate"), RATE_COLUMNS, rows)


def list_resistance(page: Page, facts: Facts) -> list[Block]:
    """Return the table of resistance; none where there is none."""
    rows = [
        {
            **row,
            "edge_words": join_parts(*(name_code(row[name], page.say) for name in ("of", "direction", "edge"))),
            "counted": f"{row['resolved']} / {row['edges']}",
        }
        for row in facts.rows("resistance")
        # Edges without a single resolved resistance would print as a row of blanks; the remarks name their cells.
        if row["resolved"]
    ]
    return page.table(page.say("Resistance behind current edges"), RESISTANCE_COLUMNS, rows)


def list_pulses(page: Page, facts: Facts) -> list[Block]:
    """Return the table of pulses; none where there is none."""
    rows = [
        {
            **row,
            "direction_word": name_code(row["direction"], page.say),
            "to_limit": _tell_limit(row["train_pulses_to_limit"], row["pulses"], passed=row["train_limit_passed"]),
        }
        for row in facts.rows("pulses")
    ]
    return page.table(page.say("Trains of pulses"), PULSE_COLUMNS, rows)


def _tell_limit(reached: int | None, pulses: int, *, passed: bool | None) -> str:
    """Write after how many pulses the limit was passed; more than were made where it was not."""
    # Without a voltage limit in the manifest there is nothing that could have been passed.
    if passed is None:
        return ""
    return str(reached) if passed else f"> {pulses}"


def list_impedance(page: Page, facts: Facts) -> list[Block]:
    """Return the table of impedance; none where there is none."""
    rows = [_describe_spectrum(page, row) for row in facts.rows("impedance")]
    return page.table(page.say("Spectra with 95 % intervals"), IMPEDANCE_COLUMNS, rows, most=MOST_SPECTRA)


def _describe_spectrum(page: Page, row: Row) -> dict[str, Any]:
    # Resistance and fit are often refused for the same reason, which is told once.
    reasons = {row[name] for name in ("reason", "hf_resistance_reason", "interface_resistance_reason") if row[name]}
    told = [explain_reason(code, "impedance", page.language) for code in sorted(reasons)]
    band = write_span(*(write_number(row[f"{end}_frequency_hertz"], 3) for end in ("lowest", "highest")))
    return {
        **row,
        "day": write_day(row["start_unix_time_second"]),
        "band": band,
        "hf": _bounded(row, "hf_resistance{}_ohm"),
        "interface": _bounded(row, "interface_resistance{}_ohm"),
        "conductivity": _bounded(row, "ionic_conductivity{}_siemens_per_metre"),
        "why": " ".join(told),
    }


def _bounded(row: Row, name: str) -> str:
    value = row[name.format("")]
    if value is None:
        return ""
    # Three digits: an interval is rarely narrower than the third.
    ends = write_span(*(write_number(row[name.format(end)], 3) for end in ("_low", "_high")))
    return f"{write_number(value, 3)} ({ends})"
