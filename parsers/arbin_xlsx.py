"""Arbin workbook: the channel sheets of a MITS Pro export, ``…_Channel_11.xlsx``.

Seen: PV7.0 (``Global_Info`` and ``Channel_11_1``), MITS 8 (``Channel_2_1`` alone, more cells than headers) and the
Battery Data Alliance's two samples (``Channel_1``). ``Channel_<channel>_<part>``: a sheet holds at most 1,048,576
rows, so one test goes on in the next part, which repeats the header. Sheets of two channels are two tests and are
refused. Older MITS names its sheets ``Channel_1-006`` and ``Channel_1-006_2``. Statistics and charts are not read.
What the columns mean: :mod:`parsers._arbin`; dates are Excel dates, local, to the millisecond.

``Global_Info``: the test's name and the tester's serial number stand around the label ``Serial Number``; below the
line ``Channel, Start DateTime, Schedule File Name, …`` the values of one channel. A sheet of two columns (label,
value) occurs too.
"""

from __future__ import annotations

import re
import zipfile
from datetime import datetime
from itertools import zip_longest
from typing import TYPE_CHECKING, Final

import polars as pl

from parsers import _arbin
from parsers._clock import iso_utc, unix_second
from parsers._ends import refuse_cut
from parsers._workbook import open_workbook
from parsers.contract import BROKEN_ZIP, Fact, Format, Peek, Reading, Source
from warehouse.errors import ParseError

if TYPE_CHECKING:
    import fastexcel

SHEET: Final = re.compile(r"Channel_(?P<channel>\d+(?:-\d+)?)(?:_(?P<part>\d+))?")
GLOBAL_INFO: Final = ("Global_Info", "Info")
SERIAL_LABEL: Final = "Serial Number"
FACTS: Final = {
    "Channel": "channel",
    "Start DateTime": "start_time",
    "Schedule File Name": "schedule",
    "Schedule": "schedule",
    "Creator": "operator",
    "Comments": "comment",
    "Software Version": "software",
    "Schedule Version": "schedule_version",
    "Item ID": "sample",
}
FIRST_LINE: Final = 2


def sniff(peek: Peek) -> bool:
    """Whether a workbook has a channel's sheet with the headers of Arbin's data points."""
    return any(rows and _arbin.is_records(rows[0]) for name, rows in peek.sheets.items() if SHEET.fullmatch(name))


def read(source: Source) -> Reading:
    """Read the channel sheets of one test, one after the other."""
    import fastexcel  # noqa: PLC0415 only workbooks pay for it

    refuse_cut(source)
    _require_whole(source)
    try:
        book = open_workbook(source.path, source.name)
        names = _channel_sheets(book.sheet_names, source)
        sheets = [(name, _load(book, name)) for name in names]
        overview = [_load(book, name) for name in GLOBAL_INFO if name in book.sheet_names]
    except fastexcel.FastExcelError as error:
        raise ParseError(source.name, f"no readable workbook: {error}") from error
    found = [_read_sheet(sheet, _arbin.Place(source, FIRST_LINE, name), source) for name, sheet in sheets]
    table = _join([table for table, _ in found], names, source)
    warnings = tuple(dict.fromkeys(warning for _, lines in found for warning in lines))
    return Reading(_arbin.complete(table), about=_about(overview, names[0], source), warnings=warnings)


def _require_whole(source: Source) -> None:
    """Check the sums of all members: the workbook reader takes a sheet with damaged cells as it is."""
    try:
        with zipfile.ZipFile(source.path) as container:
            damaged = container.testzip()
    except BROKEN_ZIP as error:
        raise ParseError(source.name, f"no readable workbook: {error}") from error
    if damaged is not None:
        raise ParseError(source.name, f"no readable workbook: {damaged} is damaged")


def _channel_sheets(names: list[str], source: Source) -> list[str]:
    parts = {name: match for name in names if (match := SHEET.fullmatch(name))}
    if not parts:
        raise ParseError(source.name, f"expected a sheet Channel_<channel>_<part>, found {names}")
    channels = {match["channel"] for match in parts.values()}
    if len(channels) > 1:
        listing = ", ".join(sorted(channels))
        raise ParseError(source.name, f"holds the channels {listing}, expected one", code="several_tests")
    return sorted(parts, key=lambda name: int(parts[name]["part"] or 0))


def _load(book: fastexcel.ExcelReader, name: str) -> pl.DataFrame:
    # As text, so that a number kept as text and a date are what they look like, and the numbers keep their decimals.
    return book.load_sheet(name, header_row=None, dtypes="string").to_polars()


def _read_sheet(sheet: pl.DataFrame, place: _arbin.Place, source: Source) -> tuple[pl.DataFrame, tuple[str, ...]]:
    headers = [cell or "" for cell in sheet.row(0)] if sheet.height else []
    plan, warnings = _arbin.plan_columns(headers, place)
    raw = sheet.slice(1).select(pl.nth(column.position).alias(column.target) for column in plan)
    filled = raw.select(pl.any_horizontal(pl.all().is_not_null()).arg_true().max()).item() if raw.height else None
    # Formatted but empty cells below the table are no records.
    raw = raw.head(0 if filled is None else filled + 1)
    return _arbin.tabulate(raw, plan, source.zone, place), warnings


def _join(tables: list[pl.DataFrame], names: list[str], source: Source) -> pl.DataFrame:
    if any(set(table.columns) != set(tables[0].columns) for table in tables):
        raise ParseError(source.name, f"the sheets {', '.join(names)} have different columns")
    table = pl.concat([part.select(tables[0].columns) for part in tables])
    _arbin.require_order(table["test_time_second"], _arbin.Place(source, part="channel sheets"), "Test_Time")
    return table


def _about(overview: list[pl.DataFrame], sheet: str, source: Source) -> dict[str, Fact]:
    match = SHEET.fullmatch(sheet)
    facts: dict[str, str] = {"channel": match["channel"]} if match else {}
    for frame in overview:
        facts |= _facts([[(cell or "").strip() for cell in row] for row in frame.rows()])
    start = _start(facts.pop("start_time", ""), source)
    facts["channel"] = f"{facts.get('serial', _arbin.INSTRUMENT)}-{facts['channel']}"
    return {"instrument": _arbin.INSTRUMENT, **facts, **start}


def _facts(rows: list[list[str]]) -> dict[str, str]:
    """Take labelled values: below their label in a wide sheet, beside it in one of two columns."""
    facts: dict[str, str] = {}
    nothing: list[str] = []
    for row, values in zip_longest(rows, rows[1:], fillvalue=nothing):
        cells = [cell for cell in row if cell]
        if SERIAL_LABEL in row:
            at = row.index(SERIAL_LABEL)
            facts |= {"test_name": row[at - 1] if at else "", "serial": values[at] if values else ""}
        elif len(cells) == 2 and len(row) == 2:  # noqa: PLR2004 label and value
            facts |= {FACTS[row[0]]: row[1]} if row[0] in FACTS else {}
        elif row and row[0] == "Channel":
            facts |= {FACTS[label]: value for label, value in zip(row, values, strict=False) if label in FACTS}
    return {key: value for key, value in facts.items() if value}


def _start(text: str, source: Source) -> dict[str, Fact]:
    try:
        return {"start_time": iso_utc(unix_second(datetime.fromisoformat(text), source.zone))}
    except ValueError:
        # Not every version writes a date that can be read; the records carry their own.
        return {}


FORMAT = Format(
    "arbin_xlsx",
    "Arbin",
    frozenset({".xlsx"}),
    "cycling",
    sniff,
    read,
    lost="AC resistance, derivatives, auxiliary voltages, statistics",
)
