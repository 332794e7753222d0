"""Tables that a site describes: read exactly as said, refused where something is left open."""

from __future__ import annotations

import io
import tomllib
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import parsers
from parsers.contract import Known, Reading
from warehouse.described import check_tables
from warehouse.errors import FormatUnknown, ParseError, UsageError

GERMAN = """\
[[table]]
name = "german"
delimiter = ";"
encoding = "cp1252"
decimal = ","
instrument = "Keithley 2450"
[table.columns]
"Datum" = { to = "unix_time_second", format = "%d.%m.%Y %H:%M:%S" }
"Zeit/s" = { to = "test_time_second" }
"Spannung" = { to = "voltage_volt", unit = "mV" }
"Strom/µA" = { to = "current_ampere", sign = -1 }
"Status" = { to = "step_type" }
[table.states]
"CHA" = "charge"
"DCH" = "discharge"
"""
GERMAN_FILE = (
    "Gerät: 12\r\n\r\nDatum;Zeit/s;Spannung;Strom/µA;Status;Rest\r\n"
    "01.02.2024 10:00:00;0,0;3700,1;-10,5;CHA;x\r\n"
    "01.02.2024 10:00:01;1,5;3600,1;10,5;DCH;y\r\n"
)
PLAIN = """\
[[table]]
name = "plain"
delimiter = ","
[table.columns]
"t" = {{ to = "test_time_second", unit = "{time}" }}
"V" = {{ to = "voltage_volt", unit = "{volt}" }}
"I" = {{ to = "current_ampere", unit = "{ampere}", sign = 1 }}
"""
UNITS = {"time": "s", "volt": "V", "ampere": "A"}


def describe(text: str) -> tuple[parsers.Description, ...]:
    """Make descriptions of settings, checked as a home does."""
    entries = tomllib.loads(text)["table"]
    check_tables(entries)
    return tuple(parsers.make_description(entry) for entry in entries)


def read(folder: Path, settings: str, content: str | bytes, name: str = "file.dat") -> Reading:
    """Read a text with what settings describe."""
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return parsers.read(path, tables=describe(settings))


def refused(folder: Path, settings: str, content: str | bytes) -> ParseError:
    with pytest.raises(ParseError) as refusal:
        read(folder, settings, content)
    return refusal.value


def plain(**units: str) -> str:
    return PLAIN.format(**(UNITS | units))


def one(reading: Reading, column: str) -> list[Any]:
    return reading.measurements[column].to_list()


# --- what is read


def test_a_german_export_is_read_exactly(tmp_path: Path) -> None:
    """Decimal commas, cp1252, units of headings and of the description, and a discharge that counts positive."""
    reading = read(tmp_path, GERMAN, GERMAN_FILE.encode("cp1252"))
    assert one(reading, "voltage_volt") == [3.7001, 3.6001]
    assert one(reading, "current_ampere") == [1.05e-5, -1.05e-5]
    assert one(reading, "test_time_second") == [0.0, 1.5]
    assert one(reading, "step_type") == ["charge", "discharge"]
    assert (reading.format, reading.kind) == ("table_german", "cycling")


def test_clock_is_the_sites_and_becomes_the_start(tmp_path: Path) -> None:
    """A wall clock without zone is that of the site, nine hours before UTC in Seoul."""
    reading = read(tmp_path, GERMAN, GERMAN_FILE.encode("cp1252"))
    assert reading.about == {"instrument": "Keithley 2450", "start_time": "2024-02-01T01:00:00.000+00:00"}


def test_a_description_may_name_the_zone(tmp_path: Path) -> None:
    """An instrument whose clock runs in UTC says so."""
    reading = read(tmp_path, GERMAN.replace("decimal", 'zone = "UTC"\ndecimal'), GERMAN_FILE.encode("cp1252"))
    assert reading.about["start_time"] == "2024-02-01T10:00:00.000+00:00"


@pytest.mark.parametrize(
    ("role", "written", "column", "expected"),
    [
        ("ampere", ("A", "0.1"), "current_ampere", 0.1),
        ("ampere", ("mA", "3.7001"), "current_ampere", 0.0037001),
        ("ampere", ("\u00b5A", "1.5"), "current_ampere", 1.5e-6),
        ("ampere", ("\u03bcA", "1.5"), "current_ampere", 1.5e-6),
        ("ampere", ("uA", "1.5"), "current_ampere", 1.5e-6),
        ("ampere", ("\u3382", "1.5"), "current_ampere", 1.5e-6),
        ("ampere", ("nA", "26"), "current_ampere", 2.6e-8),
        ("volt", ("mV", "3700.1"), "voltage_volt", 3.7001),
        ("time", ("ms", "463"), "test_time_second", 0.463),
        ("time", ("min", "1.5"), "test_time_second", 90.0),
        ("time", ("h", "0.25"), "test_time_second", 900.0),
        ("time", ("hhh:mm:ss", "100:00:01"), "test_time_second", 360001.0),
        ("time", ("0d 00:00:00", "1d 00:00:01"), "test_time_second", 86401.0),
        ("time", ("excel", "0.5"), "test_time_second", 43200.0),
    ],
)
def test_units_become_the_schemas(
    tmp_path: Path, role: str, written: tuple[str, str], column: str, expected: float
) -> None:
    """Each unit of time, current and voltage becomes the double nearest to its decimal."""
    unit, cell = written
    cells = {"time": "1", "volt": "1", "ampere": "1"} | {role: cell}
    content = f"t,V,I\n{cells['time']},{cells['volt']},{cells['ampere']}\n"
    reading = read(tmp_path, plain(**{role: unit}), content)
    assert one(reading, column) == [expected]


@pytest.mark.parametrize(
    ("to", "unit", "cell", "expected"),
    [
        ("net_capacity_ah", "mAh", "0.1", 0.0001),
        ("net_capacity_ah", "\u00b5Ah", "5", 5e-6),
        ("net_capacity_ah", "mAs", "3600", 0.001),
        ("net_capacity_ah", "As", "36", 0.01),
        ("net_capacity_ah", "C", "3600", 1.0),
        ("net_energy_wh", "mWh", "4.61", 0.00461),
        ("net_energy_wh", "mWs", "3600", 0.001),
        ("net_energy_wh", "J", "1800", 0.5),
        ("temperature_t1_celsius", "K", "298.15", 25.0),
        ("temperature_t1_celsius", "\u2103", "25.4", 25.4),
    ],
)
def test_further_columns_have_units_too(tmp_path: Path, to: str, unit: str, cell: str, expected: float) -> None:
    """Charge, energy and temperature are converted by the same table of units."""
    settings = plain() + f'"X" = {{ to = "{to}", unit = "{unit}" }}\n'
    assert one(read(tmp_path, settings, f"t,V,I,X\n0,1,1,{cell}\n"), to) == [expected]


def test_korean_headings_and_states_in_cp949(tmp_path: Path) -> None:
    """An encoding of the site is a line of its description."""
    settings = """[[table]]
name = "korean"
delimiter = "tab"
encoding = "cp949"
[table.columns]
"시간[s]" = { to = "test_time_second" }
"전압[V]" = { to = "voltage_volt" }
"전류[㎂]" = { to = "current_ampere", sign = "state" }
"상태" = { to = "step_type" }
[table.states]
"충전" = "charge"
"방전" = "discharge"
"휴지" = "rest"
"""
    content = "시험 1\n시간[s]\t전압[V]\t전류[㎂]\t상태\n0\t3\t1\t충전\n1\t3\t2\t방전\n2\t3\t0\t휴지\n".encode("cp949")
    reading = read(tmp_path, settings, content)
    assert one(reading, "current_ampere") == [1e-6, -2e-6, 0.0]
    assert one(reading, "step_count") == [1, 2, 3]


def test_blanks_may_part_the_cells(tmp_path: Path) -> None:
    """Columns that are aligned with any number of blanks are cells all the same."""
    settings = plain().replace('","', '"blanks"')
    assert one(read(tmp_path, settings, "  t   V    I\n 0.5  3   1e-3\n10.0  4   2e-3\n"), "test_time_second") == [
        0.5,
        10,
    ]


def test_utf_16_is_read(tmp_path: Path) -> None:
    """What a spreadsheet calls Unicode text is an encoding as any other."""
    settings = plain().replace('","', '"tab"\nencoding = "utf-16"')
    assert one(read(tmp_path, settings, "t\tV\tI\n0\t3\t1\n".encode("utf-16")), "voltage_volt") == [3.0]


def test_a_line_of_units_is_skipped(tmp_path: Path) -> None:
    """Lines between headings and records hold none."""
    settings = plain().replace('delimiter = ","', 'delimiter = ","\nskip_rows = 1')
    assert one(read(tmp_path, settings, "t,V,I\ns,V,A\n0,3,1\n"), "voltage_volt") == [3.0]


def test_a_table_without_headings_is_told_by_its_name(tmp_path: Path) -> None:
    """Columns are then named by number, and the name of the file is what tells the format."""
    settings = """[[table]]
name = "bare"
delimiter = " "
header_row = 0
match = { file = "SMU*.dat" }
[table.columns]
"#1" = { to = "test_time_second", unit = "s" }
"#3" = { to = "voltage_volt", unit = "V" }
"#2" = { to = "current_ampere", unit = "nA", sign = 1 }
"""
    reading = read(tmp_path, settings, "0 5 3.1\n1 6 3.2\n", "smu_7.dat")
    assert one(reading, "current_ampere") == [5e-9, 6e-9]
    with pytest.raises(FormatUnknown):
        read(tmp_path, settings, "0 5 3.1\n1 6 3.2\n", "other.dat")


def test_thousands_and_missing_values(tmp_path: Path) -> None:
    """Separators of thousands are taken out where they are described, and words for nothing are nothing."""
    settings = plain().replace('","', '";"\nthousands = ","\nmissing = ["OL"]', 1)
    settings += '"T" = { to = "temperature_t1_celsius", unit = "°C" }\n'
    reading = read(tmp_path, settings, "t;V;I;T\n0;3;1;OL\n1,000.5;3;1;25\n")
    assert one(reading, "test_time_second") == [0.0, 1000.5]
    assert one(reading, "temperature_t1_celsius") == [None, 25.0]


@pytest.mark.parametrize(
    ("formats", "cells", "expected"),
    [
        (("excel", ""), ("45292.5", ""), 1704078000.0),
        (("unix", ""), ("1704078000.25", ""), 1704078000.25),
        (("unix_ms", ""), ("1704078000250", ""), 1704078000.25),
        (("%Y-%m-%d", "%H:%M:%S.%f"), ("2024-01-01", "12:00:00.250"), 1704078000.25),
        (("%d.%m.%y", "%H:%M:%S"), ("01.01.24", "12:00:00"), 1704078000.0),
    ],
)
def test_clocks(tmp_path: Path, formats: tuple[str, str], cells: tuple[str, str], expected: float) -> None:
    """Serials, Unix times, patterns, and a date beside a time of day are the same moment."""
    head = plain().replace('"t" = { to = "test_time_second", unit = "s" }\n', "")
    to = "date" if formats[1] else "unix_time_second"
    settings = head + f'"D" = {{ to = "{to}", format = "{formats[0]}" }}\n'
    settings += f'"C" = {{ to = "time_of_day", format = "{formats[1]}" }}\n' if formats[1] else ""
    reading = read(tmp_path, settings, f"D,C,V,I\n{cells[0]},{cells[1]},3,1\n")
    assert one(reading, "unix_time_second") == [expected]
    assert one(reading, "test_time_second") == [0.0]


def test_an_impedance_may_be_described(tmp_path: Path) -> None:
    """Frequencies, both parts and the sign of the imaginary one make spectra."""
    settings = """[[table]]
name = "lcr"
kind = "eis"
delimiter = ";"
decimal = ","
[table.columns]
"Frequenz" = { to = "frequency_hertz", unit = "kHz" }
"R" = { to = "real_impedance_ohm", unit = "Ohm" }
"X" = { to = "imaginary_impedance_ohm", unit = "Ohm", sign = -1 }
"""
    spectra = read(tmp_path, settings, "Frequenz;R;X\n1,5;10,5;2,5\n1,0;11,5;3,5\n").spectra
    assert spectra["frequency_hertz"].to_list() == [1500.0, 1000.0]
    assert spectra["imaginary_impedance_ohm"].to_list() == [-2.5, -3.5]


# --- whose file it is


def test_other_files_are_not_claimed(tmp_path: Path) -> None:
    """A file that lacks one of the described headings is no file of the format."""
    with pytest.raises(FormatUnknown):
        read(tmp_path, plain(), "t,V\n0,1\n1,2\n")


@pytest.mark.parametrize(
    ("match", "claimed"),
    [
        ('{ file = "*.DAT" }', True),
        ('{ file = "*.csv" }', False),
        ('{ heading = "t,V" }', True),
        ('{ heading = "other" }', False),
        ('{ first_line = "Made by" }', True),
        ('{ first_line = "made for" }', False),
    ],
)
def test_match_narrows_what_is_claimed(tmp_path: Path, match: str, claimed: bool) -> None:  # noqa: FBT001 a parameter of the test
    """Name, headings and first line may be demanded beside the headings of the columns."""
    settings = plain().replace('delimiter = ","', f'delimiter = ","\nmatch = {match}')
    (path := tmp_path / "a.dat").write_text("Made by us\nt,V,I\n0,1,1\n")
    assert [found.name for found in parsers.detect(path, tables=describe(settings))] == ["table_plain"] * claimed


def test_a_described_impedance_comes_before_headings_alone(tmp_path: Path) -> None:
    """The reader of any impedance table gives way to what the site has said of its own."""
    settings = """[[table]]
name = "lcr"
kind = "eis"
delimiter = ","
[table.columns]
"freq/Hz" = { to = "frequency_hertz" }
"Z'/Ohm" = { to = "real_impedance_ohm" }
"-Z''/Ohm" = { to = "imaginary_impedance_ohm", sign = -1 }
"""
    content = "freq/Hz,Z'/Ohm,-Z''/Ohm\n10,1,1\n1,2,2\n"
    assert read(tmp_path, settings, content).format == "table_lcr"
    assert parsers.read(tmp_path / "file.dat").format == "impedance_table"


def test_two_claims_are_told(tmp_path: Path) -> None:
    """Two descriptions of the same headings are ambiguous, and neither wins by its place."""
    with pytest.raises(FormatUnknown, match="claimed by table_plain, table_again"):
        read(tmp_path, plain() + plain().replace("plain", "again"), "t,V,I\n0,1,1\n")


# --- what is refused


@pytest.mark.parametrize(
    ("was", "becomes", "lack"),
    [
        ('unit = "V"', 'unit = "?"', "column 'V': unit"),
        ('unit = "A"', 'unit = "furlong"', "column 'I': a unit of current ('furlong' is none)"),
        ('unit = "A"', 'unit = "V"', "column 'I': a unit of current ('V' is none)"),
        (', unit = "s"', "", "column 't': a unit of time (nothing is none)"),
        (", sign = 1", "", "column 'I': sign"),
        ("sign = 1", 'sign = "?"', "column 'I': sign"),
        ('to = "voltage_volt"', 'to = "?"', "column 'V': to"),
        ('delimiter = ","', 'delimiter = "?"', "delimiter"),
    ],
)
def test_what_is_left_open_is_refused(tmp_path: Path, was: str, becomes: str, lack: str) -> None:
    """The file waits under the format's name, and the reason names the entry that is missing."""
    error = refused(tmp_path, plain().replace(was, becomes), "t,V,I\n0,1,1\n")
    assert error.code == "table_not_described"
    assert lack in error.detail


def test_a_heading_may_not_state_another_unit(tmp_path: Path) -> None:
    """Where heading and description name two units, nothing tells which is meant."""
    settings = plain().replace('"I" =', '"I/mA" =')
    assert "another one in the heading" in refused(tmp_path, settings, "t,V,I/mA\n0,1,1\n").detail


@pytest.mark.parametrize("cell", ["1,5", "1.000,5", "abc", "1.5.2"])
def test_another_decimal_sign_is_refused(tmp_path: Path, cell: str) -> None:
    """A comma where points are described is neither a decimal sign nor a separator of thousands."""
    settings = plain().replace('","', '";"')
    error = refused(tmp_path, settings, f"t;V;I\n0;1;1\n1;1;{cell}\n2;1;1\n")
    assert (error.line, error.column) == (3, "I")


@pytest.mark.parametrize("cell", ["1.5", "1.000"])
def test_a_point_where_commas_are_described_is_refused(tmp_path: Path, cell: str) -> None:
    """Taking the point for a separator of thousands would make 1.5 fifteen."""
    settings = plain().replace('","', '";"\ndecimal = ","')
    assert refused(tmp_path, settings, f"t;V;I\n0;1;{cell}\n1;1;1\n").line == 2


def test_an_unlisted_state_is_refused(tmp_path: Path) -> None:
    """A state of which nobody has said what it is may be a charge or a discharge."""
    error = refused(tmp_path, GERMAN, GERMAN_FILE.replace("DCH", "SIM").encode("cp1252"))
    assert (error.code, error.line, error.column) == ("table_not_described", 5, "Status")
    assert "'SIM'" in error.detail


@pytest.mark.parametrize(("cell", "state"), [("-1", "C"), ("1", "X")])
def test_a_current_without_sign_needs_its_state(tmp_path: Path, cell: str, state: str) -> None:
    """A value below zero has a sign after all, and a state without direction gives none."""
    settings = plain().replace("sign = 1", 'sign = "state"') + '"S" = { to = "step_type" }\n'
    settings += '[table.states]\n"C" = "charge"\n"X" = "other"\n'
    assert refused(tmp_path, settings, f"t,V,I,S\n0,1,1,C\n1,1,{cell},{state}\n2,1,1,C\n").code == "sign"


def test_a_clock_of_another_pattern_is_refused(tmp_path: Path) -> None:
    """The line of the first moment that is written otherwise is named."""
    content = GERMAN_FILE.replace("01.02.2024 10:00:01", "2024-02-01 10:00:01")
    assert refused(tmp_path, GERMAN, content.encode("cp1252")).line == 5


def test_a_heading_that_stands_there_twice_is_refused(tmp_path: Path) -> None:
    """Which of two columns is meant is said by its number."""
    error = refused(tmp_path, plain(), "t,V,I,V\n0,1,1,2\n")
    assert "'#2' or '#4'" in error.detail
    numbered = plain().replace('"V" =', '"#4" =')
    assert one(read(tmp_path, numbered, "t,V,I,V\n0,1,1,2\n"), "voltage_volt") == [2.0]


def test_time_that_goes_back_is_refused(tmp_path: Path) -> None:
    """A described table is held to the same order as any other."""
    assert refused(tmp_path, plain(), "t,V,I\n1,1,1\n0,1,1\n2,1,1\n").code == "time_goes_back"


def test_another_encoding_is_refused(tmp_path: Path) -> None:
    """Bytes that are no text of the described encoding are named by their place."""
    settings = plain().replace('","', '","\nencoding = "cp949"')
    assert refused(tmp_path, settings, b"t,V,I\n0,1,1\n1,1,1\n\xff\xff,1,1\n").byte is not None


@pytest.mark.parametrize("cut", range(1, len(GERMAN_FILE), 5))
def test_cut_anywhere_gives_a_reading_or_a_refusal(tmp_path: Path, cut: int) -> None:
    """A file that is still being written is read as far as it goes, or refused."""
    path = tmp_path / "file"
    path.write_bytes(GERMAN_FILE.encode("cp1252")[:cut])
    with suppress(ParseError):
        assert parsers.read_as(path, "table_german", tables=describe(GERMAN)).measurements.height <= 2


# --- settings


@pytest.mark.parametrize(
    ("was", "becomes", "reason"),
    [
        ('name = "plain"', 'name = "Plain Table"', "table 1: name has to be"),
        ('delimiter = ","', 'delimiter = "tabs"', "table 'plain': delimiter cannot be 'tabs'"),
        ('delimiter = ","', 'delimiter = ","\ncolour = 1', "table 'plain': there is no entry 'colour'"),
        ('delimiter = ","', 'delimiter = ","\nencoding = "cp9999"', "encoding cannot be 'cp9999'"),
        ('delimiter = ","', 'delimiter = ","\ndecimal = ","', "decimal cannot be ',', which parts cells"),
        ('delimiter = ","\n', "", "delimiter must be given"),
        ('delimiter = ","', 'delimiter = ","\nheader_row = 0', "without headings columns are named by number"),
        ('to = "voltage_volt"', 'to = "volts"', "column 'V': 'volts' is no column of cycling tables"),
        ('to = "voltage_volt"', 'to = "test_time_second"', "two columns cannot both be test_time_second"),
        ('to = "voltage_volt"', 'to = "step_id"', "no column is voltage_volt"),
        ("sign = 1", "sign = 2", "column 'I': sign cannot be 2"),
        ("sign = 1", 'sign = "state"', "sign cannot come from the state without a column of states"),
    ],
)
def test_descriptions_that_cannot_be_are_refused_at_once(was: str, becomes: str, reason: str) -> None:
    """A slip in the settings is told with table, column and entry when the home is opened."""
    with pytest.raises(UsageError, match=reason):
        describe(plain().replace(was, becomes))


def test_the_page_shows_a_description_that_works() -> None:
    """The example of docs/tables.md is accepted and leaves nothing open."""
    page = (Path(__file__).parent.parent / "docs" / "tables.md").read_text(encoding="utf-8")
    (example,) = describe(page.partition("```toml\n")[2].partition("```")[0])
    assert example.unsaid == ()


def test_a_change_of_the_description_is_another_version() -> None:
    """Version and fingerprint of the readers follow every entry of a description."""
    before, after = describe(plain()), describe(plain(volt="mV"))
    assert before[0].fingerprint == describe(plain())[0].fingerprint
    assert before[0].fingerprint != after[0].fingerprint
    prints = {parsers.fingerprint_readers(tables) for tables in ((), before, after)}
    assert len(prints) == 3


# --- growing


def test_a_grown_table_is_read_on_from_its_end() -> None:
    """Only head and last lines are read, and give what the whole file would."""
    tables = describe(GERMAN)
    lines = [
        f"01.02.2024 10:{n // 60:02d}:{n % 60:02d};{n},0;3700,1;-10,5;{'CHA' if n % 50 else 'DCH'};x"
        for n in range(1500)
    ]
    head = "Gerät\r\nDatum;Zeit/s;Spannung;Strom/µA;Status;Rest\r\n"
    known = (head + "\r\n".join(lines[:1400]) + "\r\n").encode("cp1252")
    whole = (head + "\r\n".join(lines) + "\r\n").encode("cp1252")
    tail = parsers.read_tail(io.BytesIO(whole), "table_german", Known(len(known), 1400), tables=tables)
    assert tail is not None
    assert one(tail.reading, "test_time_second")[-1] == 1499.0
    assert tail.reading.measurements.height - tail.overlap == 100
