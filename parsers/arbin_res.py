"""Arbin ``.res``: the tester's own result database, written by MITS Pro while the test runs.

Seen: ``Results File 5.26`` (MITS 4.32) and ``20171213`` (MITS 7.00, PV7.0), both Jet 4. Jet 3 databases of older
software go through mdbtools and are not confirmed by a real file. Column names, types and meanings are from the
databases themselves; units are those of Arbin's tables, which name none: s, A, V, Ah, Wh, Ω.

``Global_Table``
    one row a test: ``Test_Name``, ``Channel_Index`` (from 1; the name ends with it), ``Start_DateTime``, ``Creator``,
    ``Comments``, ``Schedule_File_Name``, ``Serial_Number`` of the tester, ``Software_Version``. A file holds one test;
    several are refused.
``Channel_Normal_Table``
    one row a record. Records lie out of order (three files of seven): ``Data_Point`` orders them. ``Current`` and
    ``Voltage`` are single precision, positive current charges; times, ``DateTime`` (days since 1899-12-30, local,
    whole seconds) and the four counters are double. ``Is_FC_Data``, ``dV/dt``, ``AC_Impedance``, ``ACR``,
    ``TC_Counter…`` and the pulse columns are not taken.
``Auxiliary_Table``
    ``Data_Type`` 1 is a temperature (confirmed: the file with one mapped temperature and the unit ``C``), 0 a voltage,
    others pressure and so on; ``Auxiliary_Index`` counts from 0. ``Aux_Global_Data_Table`` names the unit.
``Channel_Statistic_Table``, ``Event_Table``, ``Resume_Table`` and the rest
    are not read: they repeat or describe, and hold no record.

The database of a running test is complete up to its last record; whether all its rows are there is checked against
the count in the table's definition, since a truncated database otherwise just looks shorter.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

import polars as pl

from parsers import _arbin, _jet, _mdbtools
from parsers._clock import iso_utc
from parsers.contract import Fact, Format, Peek, Reading, Source
from warehouse.errors import ParseError

Tables = Callable[[str, tuple[str, ...]], pl.DataFrame | None]

# The corpus has the names within the first 72 KiB.
CATALOGUE_BYTES: Final = 1 << 20
MARKS: Final = ("Global_Table", "Channel_Normal_Table")
JET_3: Final = 0

# They have the labels that exports share, so the plan for exports finds their meaning.
NORMAL: Final = (
    "Data_Point",
    "Test_Time",
    "Step_Time",
    "DateTime",
    "Step_Index",
    "Cycle_Index",
    "Current",
    "Voltage",
    "Charge_Capacity",
    "Discharge_Capacity",
    "Charge_Energy",
    "Discharge_Energy",
    "Internal_Resistance",
)
ABOUT: Final = {
    "Test_Name": "test_name",
    "Serial_Number": "serial",
    "Software_Version": "software",
    "Schedule_File_Name": "schedule",
    "Schedule_Version": "schedule_version",
    "Creator": "operator",
    "Comments": "comment",
    "Item_ID": "sample",
}
GLOBAL: Final = ("Test_ID", "Channel_Index", "Start_DateTime", *ABOUT)
AUXILIARY: Final = ("Test_ID", "Data_Point", "Auxiliary_Index", "Data_Type", "X")
AUXILIARY_UNITS: Final = ("Auxiliary_Index", "Data_Type", "Unit")
TEMPERATURE: Final = 1


def sniff(peek: Peek) -> bool:
    """Whether a database has Arbin's tables in its catalogue."""
    if not any(peek.head.startswith(magic, _jet.MAGIC_AT) for magic in _jet.MAGICS):
        return False
    spellings = ((mark.encode(), mark.encode("utf-16-le")) for mark in MARKS)
    return all(any(peek.contains(spelling, CATALOGUE_BYTES) for spelling in pair) for pair in spellings)


def read(source: Source) -> Reading:
    """Read the one test of a result database."""
    tables = open_tables(source)
    overview = _require(tables("Global_Table", GLOBAL), "Global_Table", ("Test_ID",), source)
    needed = ("Test_ID", "Data_Point", "Test_Time", "Current", "Voltage")
    records = _require(
        tables("Channel_Normal_Table", ("Test_ID", *NORMAL)), "Channel_Normal_Table", needed, source
    ).sort("Data_Point", maintain_order=True)
    about = _about(_only_test(overview, records, source), source)
    place = _arbin.Place(source, part="Channel_Normal_Table")
    plan, _ = _arbin.plan_columns(tuple(name for name in NORMAL if name in records.columns), place)
    raw = records.select(pl.col(column.header).alias(column.target) for column in plan)
    table = _arbin.tabulate(raw, plan, source.zone, place)
    temperatures, warnings = _temperatures(tables, source)
    if temperatures is not None:
        table = table.join(temperatures, on="record_index", how="left", maintain_order="left")
    return Reading(_arbin.complete(table), about=about, warnings=warnings)


def open_tables(source: Source) -> Tables:
    """Return what reads a table of the database: our decoder, mdbtools for Jet 3."""
    with source.path.open("rb") as file:
        head = file.read(_jet.PAGE)
    if not any(head.startswith(magic, _jet.MAGIC_AT) for magic in _jet.MAGICS) or len(head) <= _jet.VERSION_AT:
        raise ParseError(source.name, "expected 'Standard Jet DB' or 'Standard ACE DB'", byte=_jet.MAGIC_AT)
    if head[_jet.VERSION_AT] == JET_3:
        return partial(_mdbtools.read_table, source)
    return _jet.Database.open(source).read


def _require(frame: pl.DataFrame | None, table: str, columns: tuple[str, ...], source: Source) -> pl.DataFrame:
    if frame is None:
        raise ParseError(source.name, f"no table {table}")
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise ParseError(source.name, f"{table} has no column {', '.join(missing)}", column=missing[0])
    return frame


def _only_test(overview: pl.DataFrame, records: pl.DataFrame, source: Source) -> dict[str, Fact | None]:
    # A further test in Global_Table that has no record mixes with nothing.
    tests = records["Test_ID"].unique().sort().to_list() or overview["Test_ID"].unique().sort().to_list()
    if len(tests) > 1:
        raise ParseError(source.name, f"holds the tests {tests}, expected one", code="several_tests")
    rows = overview.filter(pl.col("Test_ID").is_in(tests)).rows(named=True)
    return rows[0] if rows else {}


def _about(row: dict[str, Fact | None], source: Source) -> dict[str, Fact]:
    about: dict[str, Fact] = {"instrument": _arbin.INSTRUMENT}
    about |= {ours: fact for theirs, ours in ABOUT.items() if (fact := row.get(theirs))}
    # The serial number is the tester's, and a site has several testers with the same channel numbers.
    if channel := row.get("Channel_Index"):
        about["channel"] = f"{about.get('serial', _arbin.INSTRUMENT)}-{int(channel)}"
    if start := row.get("Start_DateTime"):
        unix = _arbin.serial_to_unix(pl.Series([float(start)]), source.zone)[0]
        if unix is not None:
            about["start_time"] = iso_utc(unix)
    return about


def _temperatures(tables: Tables, source: Source) -> tuple[pl.DataFrame | None, tuple[str, ...]]:
    """Return a column for each temperature, by record, and what was left out."""
    frame = tables("Auxiliary_Table", AUXILIARY)
    if frame is None or not frame.height:
        return None, ()
    _require(frame, "Auxiliary_Table", AUXILIARY, source)
    _check_units(tables, source)
    place = dict(enumerate(_arbin.TEMPERATURES))
    index = pl.col("Auxiliary_Index").cast(pl.Int64)
    chosen = frame.filter((pl.col("Data_Type") == TEMPERATURE) & index.is_in(list(place)))
    left = frame.height - chosen.height
    warnings = (
        (f"{left} values of auxiliary channels are not taken: no temperature, or no place for it",) if left else ()
    )
    long = chosen.select(
        pl.col("Data_Point").cast(pl.Int64).alias("record_index"),
        index.replace_strict(place, return_dtype=pl.String).alias("channel"),
        _arbin.exact(chosen["X"]),
    )
    return long.pivot("channel", index="record_index", values="X", aggregate_function="last"), warnings


def _check_units(tables: Tables, source: Source) -> None:
    frame = tables("Aux_Global_Data_Table", AUXILIARY_UNITS)
    # Older versions list no auxiliary channels; Arbin's default is °C.
    if frame is None or not frame.height:
        return
    _require(frame, "Aux_Global_Data_Table", AUXILIARY_UNITS, source)
    named = frame.filter(pl.col("Data_Type") == TEMPERATURE)["Unit"].fill_null("").str.strip_chars()
    unknown = [unit for unit in named.to_list() if unit not in _arbin.CELSIUS]
    if unknown:
        raise ParseError(source.name, f"{unknown[0]!r} is no known unit of temperature", column="Unit")


FORMAT = Format(
    "arbin_res",
    "Arbin",
    frozenset({".res"}),
    "cycling",
    sniff,
    read,
    lost="dV/dt, AC impedance, pulse and test counters, other auxiliary channels, statistics, events",
)
