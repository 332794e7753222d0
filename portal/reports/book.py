"""A report as workbook: what it is about, every table of results with a row of units, and the sources.

Every text is written as text, never as formula or link, so that no cell of a file or manifest can do anything. Nothing
of the file depends on when it is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from portal.reports.facts import Facts
from portal.reports.marks import N_
from portal.reports.words import Say, learn_words
from warehouse.ask import questions
from warehouse.reports.issue import Issue
from warehouse.reports.site import Language

if TYPE_CHECKING:
    import xlsxwriter

# Table of the facts to the name of its sheet; those without rows are left out, the sources never.
SHEETS: Final = {
    "summary": N_("Results"),
    "statistics": N_("Statistics"),
    "cycles": N_("Cycles"),
    "rate": N_("Rate capability"),
    "resistance": N_("DC resistance"),
    "pulses": N_("Pulses"),
    "impedance": N_("Impedance"),
    "conformity": N_("Conformity"),
    "items": N_("Items tested"),
    "program": N_("Steps"),
    "conditions": N_("Conditions"),
    "tests": N_("Tests"),
    "equipment": N_("Equipment"),
}
SOURCES: Final = N_("Sources")
ALWAYS: Final = "sources"
# Ends of column names that say the unit, the longest first.
UNITS: Final = {
    "_ah_per_square_metre": "Ah/m²",
    "_siemens_per_metre": "S/m",
    "_ampere_per_square_metre": "A/m²",
    "_per_hour": "1/h",
    "_square_metre": "m²",
    "_second": "s",
    "_ampere": "A",
    "_volt": "V",
    "_ohm": "Ω",
    "_ah": "Ah",
    "_wh": "Wh",
    "_celsius": "°C",
    "_hertz": "Hz",
    "_day": "d",
}
# Characters; wider columns push the next ones off the screen.
WIDEST: Final = 44
NARROWEST: Final = 8
HEAD_ROWS: Final = 2
# Nothing that stands in a file or a manifest becomes a formula, a link or another number.
SAFE: Final = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}


def make_book(facts: Facts, issue: Issue, language: Language) -> bytes:
    """Return the report as an Excel workbook."""
    import xlsxwriter  # noqa: PLC0415 only workbooks pay for it

    say = learn_words(language)
    buffer = BytesIO()
    with xlsxwriter.Workbook(buffer, SAFE) as book:
        # Excel's own idea of the moment of creation would be now.
        book.set_properties({"title": issue.identity, "created": _moment(issue)})
        sheets = Sheets(book, say)
        sheets.write_pairs(say("Report"), _tell_report(facts, issue, say))
        for name, title in SHEETS.items():
            if facts.tables[name].height:
                sheets.write_table(say(title), facts.tables[name])
        sheets.write_table(say(SOURCES), _list_sources(facts))
        sheets.draw_fade(facts)
    return buffer.getvalue()


def find_unit(column: str) -> str:
    """Return the unit that a column's name says; empty for counts, fractions and words."""
    return next((unit for ending, unit in UNITS.items() if column.endswith(ending)), "")


def describe_columns() -> dict[str, str]:
    """Return what the columns of the named queries mean."""
    return {name: meaning for question in questions().values() for name, _, meaning in question.columns}


class Sheets:
    """The sheets of one workbook.

    Args:
        book: to write to.
        say: translates.
    """

    def __init__(self, book: xlsxwriter.Workbook, say: Say) -> None:
        self._book = book
        self._say = say
        self._bold = book.add_format({"bold": True, "bg_color": "#EEF2F7", "bottom": 1, "text_wrap": True})
        self._unit = book.add_format({"italic": True, "font_color": "#4D4D4D", "bottom": 1})
        # The type that keeps what looks like a number or a formula a text, even when the cell is edited.
        self._text = book.add_format({"num_format": "@"})

    def write_pairs(self, title: str, pairs: Mapping[str, str]) -> None:
        """Write a sheet of two columns."""
        sheet = self._book.add_worksheet(title)
        sheet.set_column(0, 0, 30)
        sheet.set_column(1, 1, 90)
        for row, (name, value) in enumerate(pairs.items()):
            sheet.write_string(row, 0, name, self._bold)
            sheet.write_string(row, 1, value, self._text)

    def write_table(self, title: str, table: pl.DataFrame, units: Mapping[str, str] | None = None) -> None:
        """Write a sheet: a row of names, one of units, by default those that the names say, then the rows."""
        sheet = self._book.add_worksheet(title)
        sheet.freeze_panes(HEAD_ROWS, 1)
        for column, name in enumerate(table.columns):
            sheet.write_string(0, column, name, self._bold)
            sheet.write_string(1, column, find_unit(name) if units is None else units.get(name, ""), self._unit)
            sheet.set_column(column, column, _fit_width(table[name]))
            self._write_values(sheet, column, table[name])
        if table.height:
            sheet.autofilter(1, 0, table.height + 1, table.width - 1)

    def _write_values(self, sheet: Any, column: int, values: pl.Series) -> None:
        for row, value in enumerate(values.to_list(), start=HEAD_ROWS):
            if isinstance(value, bool):
                sheet.write_boolean(row, column, value)
            elif isinstance(value, int | float):
                sheet.write_number(row, column, value)
            elif value is not None:
                sheet.write_string(row, column, str(value), self._text)

    def draw_fade(self, facts: Facts) -> None:
        """Draw the fade of the first cells as a chart of Excel's own, beside their cycles."""
        cycles = facts.tables["cycles"]
        sheet = self._book.get_worksheet_by_name(self._say(SHEETS["cycles"]))
        if sheet is None or cycles["capacity_retention"].null_count() == cycles.height:
            return
        chart: Any = self._book.add_chart({"type": "scatter", "subtype": "straight"})
        for cell, first, last in _find_spans(cycles):
            place = [sheet.get_name(), first + HEAD_ROWS, 0, last + HEAD_ROWS, 0]
            ends = {
                name: [place[0], place[1], cycles.columns.index(column), place[3], cycles.columns.index(column)]
                for name, column in (("categories", "cycle"), ("values", "capacity_retention"))
            }
            chart.add_series({"name": cell, **ends})
        chart.set_x_axis({"name": self._say("Cycle")})
        chart.set_y_axis({"name": self._say("Capacity retention"), "num_format": "0%"})
        chart.show_blanks_as("gap")
        sheet.insert_chart(HEAD_ROWS, cycles.width + 1, chart)


MOST_LINES: Final = 12


def _find_spans(cycles: pl.DataFrame) -> list[tuple[str, int, int]]:
    """Return the first and last row of the first cells."""
    rows = cycles.with_row_index("row").group_by("cell_id", maintain_order=True)
    spans = rows.agg(pl.col("row").min().alias("first"), pl.col("row").max().alias("last"))
    return [(str(cell), int(first), int(last)) for cell, first, last in spans.head(MOST_LINES).rows()]


def _fit_width(values: pl.Series) -> float:
    longest = values.cast(pl.String, strict=False).str.len_chars().max()
    return float(min(max(int(str(longest or 0)), len(values.name) * 0.9, NARROWEST), WIDEST)) + 2


def _list_sources(facts: Facts) -> pl.DataFrame:
    """Return the raw files with the recipe that the results were made with."""
    return facts.tables[ALWAYS].with_columns(
        recipe=pl.lit(facts.method["recipe"]), recipe_sha256=pl.lit(facts.method["recipe_sha256"])
    )


def _tell_report(facts: Facts, issue: Issue, say: Say) -> dict[str, str]:
    """Return what the workbook belongs to; the PDF of the same number holds the rest."""
    return {
        say("Report number"): issue.identity,
        say("Date of issue"): f"{_moment(issue):%Y-%m-%d %H:%M} UTC",
        say("Customer"): f"{facts.subject['firm_name']} ({facts.subject['firm']})",
        say("Item tested"): facts.subject["name"],
        say("Recipe"): facts.method["recipe"],
        say("Recipe's SHA-256"): facts.method["recipe_sha256"],
        say("Software"): f"Cellar {facts.method['cellar']}",
        say("Units"): say("SI units in the second row of each sheet; fractions are fractions; times are UTC"),
        say("Validity"): say("The results relate only to the items tested."),
        say("Reproduction"): say("This workbook is part of the test report of the same number."),
    }


def _moment(issue: Issue) -> datetime:
    return datetime.fromtimestamp(issue.issued_unix_second, UTC).replace(tzinfo=None)
