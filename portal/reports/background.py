"""The pages behind the results: items, conditions, equipment, software, deviations, raw files."""

from __future__ import annotations

from typing import Any, Final

from portal.reports.blocks import Block, Column, Page, Row, Section
from portal.reports.facts import Facts
from portal.reports.marks import N_
from portal.reports.notes import SENTENCES, TRANSLATED
from portal.reports.numbers import write_duration, write_moment, write_number, write_span
from portal.reports.words import explain_reason, name_code
from warehouse.warned import tell_warning

# Items, tests and raw files are what a report is about: they are printed in full.
THOUSAND: Final = 1000
ITEM_COLUMNS: Final = (
    Column(N_("Cell"), "cell_id", share=2.2, needed=True),
    Column(N_("Lot"), "lot"),
    Column(N_("Wafer"), "wafer"),
    Column(N_("Die"), "die", share=0.9),
    Column(N_("Chemistry"), "chemistry", share=1.5),
    Column(N_("Convention"), "convention_word", share=1.5),
    Column(N_("Nominal capacity"), "nominal_capacity_ah", unit="Ah"),
    Column(N_("Active area"), "active_area_square_metre", unit="m²"),
    Column(N_("Voltage limits"), "limits", unit="V", share=1.2),
    Column(N_("Process split"), "process_split"),
    Column(N_("Date received"), "received"),
)
PROGRAM_COLUMNS: Final = (
    Column(N_("Class"), "class_word", share=1.1),
    Column(N_("Step"), "kind_word", share=1.4),
    Column(N_("Steps"), "steps", share=0.8),
    Column(N_("Mean current"), "current_ampere", unit="A"),
    Column(N_("Smallest current"), "smallest_current_ampere", unit="A"),
    Column(N_("Largest current"), "largest_current_ampere", unit="A"),
    Column(N_("Last voltage"), "last_voltage_volt", unit="V"),
    Column(N_("Last current"), "last_current_ampere", unit="A"),
    Column(N_("Duration"), "duration", share=1.0),
    Column(N_("Ends by"), "end_word", share=1.2),
    Column(N_("Temperature"), "mean_temperature_celsius", unit="°C", digits=3),
)
EQUIPMENT_COLUMNS: Final = (
    Column(N_("Channel"), "channel_word", share=1.4, needed=True),
    Column(N_("Instrument"), "instrument", share=1.2, needed=True),
    Column(N_("Serial number"), "serial", needed=True),
    Column(N_("Software"), "software", share=1.2),
    Column(N_("Current range"), "current_range_ampere", unit="A", needed=True),
    Column(N_("Current resolution"), "current_quantum_ampere", unit="A", needed=True),
    Column(N_("Voltage resolution"), "voltage_quantum_volt", unit="V"),
    Column(N_("Current offset"), "current_offset_ampere", unit="A"),
    Column(N_("Current accuracy"), "range_accuracy_ampere", unit="A"),
    Column(N_("Sampling interval"), "sample_interval_second", unit="s", digits=3),
)
CALIBRATION_COLUMNS: Final = (
    Column(N_("Channel"), "channel", share=1.2),
    Column(N_("Quantity"), "quantity"),
    Column(N_("Calibrated by"), "laboratory", share=1.4),
    Column(N_("Certificate"), "certificate", share=1.4),
    Column(N_("Calibrated on"), "date"),
    Column(N_("Due on"), "due"),
    Column(N_("Calibrated range"), "range"),
    Column(N_("Uncertainty"), "uncertainty", share=1.2),
)
SOURCE_COLUMNS: Final = (
    Column(N_("Test"), "test_id", share=1.3),
    Column(N_("File"), "name", share=1.8, needed=True),
    Column(N_("Bytes"), "size", share=0.9),
    Column(N_("Format and reader version"), "reader", share=1.2),
    Column("SHA-256", "sha256", share=4.4, needed=True, small=True),
)
TEST_COLUMNS: Final = (
    Column(N_("Test"), "test_id", share=1.4),
    Column(N_("Cell"), "cell_id", share=2.0),
    Column(N_("Channel"), "channel", share=1.2),
    Column(N_("Schedule"), "schedule", share=1.4),
    Column(N_("First record"), "begin", share=2.2),
    Column(N_("Last record"), "end", share=2.2),
    Column(N_("Records"), "rows"),
    Column(N_("Revision"), "revision", share=0.8),
)


def make_background(page: Page, facts: Facts) -> list[Section]:
    """Return the sections behind the results, all but the notes."""
    return [
        *page.section(N_("Items tested"), _list_items(page, facts)),
        *page.section(N_("Test conditions as executed"), _list_program(page, facts), _list_tests(page, facts)),
        *page.section(N_("Equipment and calibration"), _list_equipment(page, facts), _list_calibrations(page, facts)),
        *page.section(N_("Methods and software"), _tell_software(page, facts)),
        *page.section(N_("Raw files"), _list_sources(page, facts)),
    ]


def make_notes(page: Page, facts: Facts, replaced: set[str]) -> list[Section]:
    """Return the section of deviations; it comes last, because the other sections add to it."""
    told = [_tell_note(page, note.code, dict(note.values)) for note in facts.notes]
    told += [
        _tell_note(page, "cut", {"table": table, "shown": shown, "count": count}) for table, shown, count in page.cut
    ]
    if replaced:
        told.append(_tell_note(page, "replaced_characters", {"codes": " ".join(sorted(replaced))}))
    none = page.text("" if told else page.say("No deviation from the methods, nothing left out and no warning."))
    return page.section(N_("Deviations, exclusions and remarks"), none, page.bullets(told))


def _tell_note(page: Page, code: str, values: dict[str, Any]) -> str:
    if code == "no_reference":
        values["reason"] = explain_reason(values["reason"], "life", page.language).rstrip(".")
    if code == "warning" and page.language == "ko" and (korean := tell_warning(values["text"])) != values["text"]:
        return page.say(TRANSLATED, **{**values, "text": korean})
    return page.say(SENTENCES[code], **values)


def _list_items(page: Page, facts: Facts) -> list[Block]:
    rows = [
        {
            **row,
            "die": "" if row["die_x"] is None else f"({row['die_x']}, {row['die_y']})",
            "convention_word": name_code(row["convention"], page.say),
            "limits": _tell_limits(row),
        }
        for row in facts.rows("items")
    ]
    return page.table(page.say("As the customer's manifest describes them"), ITEM_COLUMNS, rows, most=THOUSAND)


def _tell_limits(row: Row) -> str:
    low, high = row["voltage_lower_volt"], row["voltage_upper_volt"]
    return write_span(write_number(low, 3), write_number(high, 3))


def _list_program(page: Page, facts: Facts) -> list[Block]:
    rows = [
        {
            **row,
            "class_word": name_code(row["class"], page.say),
            "kind_word": name_code(row["kind"], page.say),
            "duration": write_duration(row["duration_second"]),
            "end_word": name_code(row["end_reason"], page.say),
        }
        for row in facts.rows("program")
    ]
    caption = page.say("Steps that the instruments executed: medians, currents from smallest to largest")
    return page.table(caption, PROGRAM_COLUMNS, rows)


def _list_tests(page: Page, facts: Facts) -> list[Block]:
    rows = [
        {**row, "begin": write_moment(row["first_unix_second"]), "end": write_moment(row["last_unix_second"])}
        for row in facts.rows("tests")
    ]
    return page.table(page.say("Tests"), TEST_COLUMNS, rows, most=THOUSAND)


def _list_equipment(page: Page, facts: Facts) -> list[Block]:
    rows = [{**row, "channel_word": row["channel"] or page.say("not in the file")} for row in facts.rows("equipment")]
    caption = page.say("Instruments, as their files name them; ranges and resolutions from the records")
    return page.table(caption, EQUIPMENT_COLUMNS, rows, most=THOUSAND)


def _list_calibrations(page: Page, facts: Facts) -> list[Block]:
    """Return the calibrations that the site states for these channels, each once."""
    found: list[dict[str, Any]] = []
    names = [column.of for column in CALIBRATION_COLUMNS if isinstance(column.of, str)]
    for row in facts.rows("equipment"):
        for one in facts.site.calibrations_of(row["channel"]):
            told = {name: one.get(name) for name in names}
            found += [] if told in found else [told]
    if not found:
        return page.pairs([(page.say("Calibration"), page.missing())])
    return page.table(page.say("Calibration, as the laboratory states it"), CALIBRATION_COLUMNS, found)


def _tell_software(page: Page, facts: Facts) -> list[Block]:
    say, method = page.say, facts.method
    readers = sorted({f"{row['format']} {row['reader_version']}" for row in facts.rows("tests")})
    return page.pairs(
        [
            (say("Definitions and formulas"), say("docs/metrics.md of the software, in the version below")),
            (say("Software"), f"Cellar {method['cellar']} · typst {method['typst']} · {method['layout']}"),
            (say("Readers"), ", ".join(readers)),
            (say("Recipe"), method["recipe"]),
            (say("Recipe's SHA-256"), method["recipe_sha256"]),
        ]
    )


def _list_sources(page: Page, facts: Facts) -> list[Block]:
    rows = [{**row, "reader": f"{row['format']} {row['reader_version']}"} for row in facts.rows("sources")]
    return page.table(
        page.say("The results were made of these files, kept unchanged"), SOURCE_COLUMNS, rows, most=THOUSAND
    )
