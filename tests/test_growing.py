"""Files that grow: valid prefixes are incomplete and not corrupt, and their ends are read as the whole would be."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import polars as pl
import pytest
from growing import VERSIONS, Growth, cut_versions, grow, provable, prove, random_places
from neware_files import Record, nda

import parsers
from parsers import Known, Tail
from parsers.contract import Excerpt, Reading
from warehouse.errors import ParseError
from warehouse.schema import STEP_TYPE

SEED: Final = 3
INCREMENTS: Final = 12
# One file of each format and record layout that is long enough to be resumed.
REAL: Final = {
    "biologic_mpr/cheminfo-biologic-converter__jdb11-1.mpr": "biologic_mpr",
    "biologic_mpr/EmpaEconversion-aurora-cycler-manager__test_C01.mpr": "biologic_mpr",
    "biologic_mpr/jepegit-cellpy__hist__Bec01_01_1_C20_loop_20170219_01_MB_C02_loop1.mpr": "biologic_mpr",
    "biologic_mpt/dgbowl-yadg__gcpl.issue_211.mpt": "biologic_mpt",
    "biologic_mpt/ixdat-ixdat__Pt_poly_cv.mpt": "biologic_mpt",
    "neware_nda/EmpaEconversion-fastnda__unzipped__nda_v23.nda": "neware_nda",
    "neware_nda/EmpaEconversion-fastnda__unzipped__2-1-6_61_07005012.nda": "neware_nda",
    "neware_nda/EmpaEconversion-fastnda__unzipped__TestFile.nda": "neware_nda",
    "neware_csv_xlsx/jepegit-cellpy__neware_uio.csv": "neware_csv",
    "maccor/ROVI-org-battery-data-toolkit__hist__example_rate.062": "maccor_txt",
    "maccor/TRI-AMDD-beep__xTESLADIAG_000038con.078": "maccor_txt",
    "bdf_csv/jepegit-cellpy__batmo_bdf.csv": "bdf_csv",
}
ARBIN: Final = "Data_Point,Date_Time,Test_Time(s),Step_Time(s),Step_Index,Cycle_Index,Current(A),Voltage(V)"
NEWARE: Final = "DataPoint,Cycle Index,Step Index,Step Type,Time,Current(mA),Voltage(V)"
MACCOR: Final = "Cyc#,Step,TestTime(s),StepTime(s),Capacity(Ah),Watt-hr,Current(A),Voltage(V),DPt Time"
STEP_ROWS: Final = 40


def arbin(rows: int) -> str:
    """Return an export of steps of 40 records, one a second."""
    lines = [
        f"{row},2024/03/{13 + row // 86400} {row // 3600 % 24:02}:{row // 60 % 60:02}:{row % 60:02}.5,{row}.5,"
        f"{row % STEP_ROWS}.5,"
        f"{row // STEP_ROWS % 3 + 1},{row // STEP_ROWS // 3 + 1},{(row // STEP_ROWS % 3 - 1) / 4},{3 + row % 7 / 10}"
        for row in range(rows)
    ]
    return "\n".join([ARBIN, *lines]) + "\n"


def neware(rows: int) -> str:
    """Return an export without a test time: it is the sum of the times of all steps."""
    kinds = ("CC Chg", "Rest", "CC DChg")
    lines = [
        f"{row + 1},{row // STEP_ROWS // 3 + 1},{row // STEP_ROWS + 1},{kinds[row // STEP_ROWS % 3]},"
        f"0:00:{row % STEP_ROWS:02}.{row % 1000:03},{(1 - row // STEP_ROWS % 3) * 1.3:.4f},{3 + row % 7 / 10:.4f}"
        for row in range(rows)
    ]
    return "\n".join([NEWARE, *lines]) + "\n"


def biologic(rows: int, decimal: str = ".") -> str:
    """Return an export without a header whose time is the wall clock: it counts from the first record."""
    begin = datetime(2024, 5, 30, 23)  # noqa: DTZ001 the file names no zone
    lines = [
        f"{row // STEP_ROWS % 2},{row // STEP_ROWS},{begin + timedelta(seconds=37.123 * row):%m/%d/%Y %H:%M:%S.%f},"
        f"{3.5 + row % 13 / 10:.7E},{row // STEP_ROWS % 2 * 0.3:.7E},{row * 0.0012345678901:.15E}"
        for row in range(rows)
    ]
    names = "ox/red,Ns,time/s,Ewe/V,I/mA,(Q-Qo)/mA.h,"
    return "\r\n".join([names, *lines, ""]).replace(",", "\t").replace(".", decimal).replace(f"mA{decimal}h", "mA.h")


def steps(rows: int) -> list[Record]:
    """Return records of .nda whose test time is the sum of the times of all steps, and whose counters restart."""
    return [
        Record(row // STEP_ROWS + 1, 1 + row // STEP_ROWS % 2, row % STEP_ROWS * 1100, 30000 + row % 900, 100 + row)
        for row in range(rows)
    ]


def read_text(folder: Path, content: str | bytes, name: str) -> Reading:
    """Read a text with a format."""
    path = folder / "text"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return parsers.read_as(path, name)


# --- versions of a file, one after the other


@pytest.mark.parametrize(("file", "name"), REAL.items())
def test_real_file_in_increments_is_the_file_read_once(corpus: Path, tmp_path: Path, file: str, name: str) -> None:
    """A real file that grows by random increments gives, version after version, what one reading gives, bit for bit."""
    growth = prove([(name, corpus / file)], INCREMENTS, SEED, tmp_path)[name]
    assert growth.share > 0.5, growth


def test_fifty_increments_mostly_resume(corpus: Path, tmp_path: Path) -> None:
    """Of fifty increments of one real file all but a few are read at the cost of what is new."""
    path = corpus / "biologic_mpr/cheminfo-biologic-converter__jdb11-1.mpr"
    growth = prove([("biologic_mpr", path)], 50, SEED, tmp_path)["biologic_mpr"]
    # The last one brings the log and with it the wall clock of all rows.
    assert growth == Growth(resumed=48, whole=1)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("arbin_csv", arbin(3000).encode()),
        ("neware_csv", neware(3000).encode()),
        ("biologic_mpt", biologic(3000).encode()),
        ("biologic_mpt", biologic(3000, decimal=",").encode()),
        ("neware_nda", nda(steps(3000))),
        ("neware_nda", nda(steps(3000), version=22)),
    ],
)
def test_made_file_in_increments_is_the_file_read_once(tmp_path: Path, name: str, content: bytes) -> None:
    """So does a written one, with step counts and test times that add up from its first row."""
    places = random_places(len(content), 25, SEED)
    growth = grow(name, VERSIONS.get(name, cut_versions)(content, places), tmp_path)
    assert growth.share > 0.8, growth


@pytest.mark.parametrize("file", [file for file in REAL if file.endswith((".mpr", ".nda"))][::3])
def test_torn_copies_of_binaries_are_gone_on_with(corpus: Path, tmp_path: Path, file: str) -> None:
    """Copies that stop anywhere while the header speaks of more are read, and the next one goes on where they ended."""
    content = (corpus / file).read_bytes()
    growth = grow(REAL[file], cut_versions(content, random_places(len(content), INCREMENTS, SEED)), tmp_path)
    assert growth.share > 0.5, growth


class Counting(io.BytesIO):
    """A file that counts the bytes that are read of it."""

    taken = 0

    def read(self, size: int | None = -1, /) -> bytes:
        """Read and count."""
        content = super().read(size)
        self.taken += len(content)
        return content


@pytest.mark.parametrize("name", ["arbin_csv", "neware_csv", "neware_nda"])
def test_cost_is_that_of_the_new_part(name: str) -> None:
    """Of a file ten times as long not a byte more is read."""
    made: dict[str, Callable[[int], bytes]] = {
        "arbin_csv": lambda rows: arbin(rows).encode(),
        "neware_csv": lambda rows: neware(rows).encode(),
        "neware_nda": lambda rows: nda(steps(rows)),
    }
    taken = []
    for rows in (20_000, 200_000):
        file = Counting(made[name](rows))
        size = len(file.getvalue())
        tail = parsers.read_tail(file, name, Known(size - 1000, rows - 10))
        assert tail is not None
        taken.append(file.taken)
    assert taken[1] <= taken[0] * 1.1


def test_provable_files_are_of_every_format_that_goes_on(corpus: Path) -> None:
    """The long form of the proof has real files of each format above, and of arbin_csv, which has a short one only."""
    assert {name for name, _ in provable(corpus)} >= {*REAL.values(), "arbin_csv"}


# --- joining


def frame(rows: int, **columns: pl.Series) -> pl.DataFrame:
    """Return rows one second apart at 3.7 V and 1 A, with other columns as given."""
    time = pl.Series(range(rows), dtype=pl.Float64)
    plain = pl.DataFrame({"test_time_second": time, "voltage_volt": time * 0 + 3.7, "current_ampere": time * 0 + 1.0})
    return plain.with_columns(**columns)


def tail(table: pl.DataFrame, overlap: int, *, summed: str = "", decided: str = "") -> Tail:
    """Return a tail of rows of which the first are known."""
    excerpt = Excerpt(b"", b"", (0, 1), summed=frozenset({summed}), decided=frozenset({decided}))
    return Tail(Reading(table), overlap, (0, 1), excerpt)


def test_new_rows_are_those_behind_the_known_ones() -> None:
    """Where the known rows agree, the others are new."""
    new = parsers.join_tail(frame(5), tail(frame(8), 5))
    assert new is not None
    assert new.equals(frame(8).slice(5))


def test_one_other_bit_is_no_agreement() -> None:
    """A value that differs in its last bit, or a minus zero for a zero, is another value."""
    one = frame(5, voltage_volt=pl.Series([3.7, 3.7, 3.7, 3.7, 3.7000000000000006]))
    assert parsers.join_tail(one, tail(frame(8), 5)) is None
    zeros = frame(5, current_ampere=pl.Series([0.0] * 5))
    assert parsers.join_tail(zeros, tail(frame(8, current_ampere=pl.Series([-0.0] * 8)), 5)) is None


def test_too_few_stored_rows_are_no_agreement() -> None:
    """Rows that cannot be compared are not joined."""
    assert parsers.join_tail(frame(4), tail(frame(8), 5)) is None


def test_steps_are_counted_on() -> None:
    """A count that begins anew in the excerpt goes on from the stored one, where they differ by one constant."""
    stored = frame(5, step_count=pl.Series([7, 7, 8, 8, 8]))
    table = frame(8, step_count=pl.Series([1, 1, 2, 2, 2, 2, 3, 3]))
    new = parsers.join_tail(stored, tail(table, 5))
    assert new is not None
    assert new["step_count"].to_list() == [8, 9, 9]
    assert parsers.join_tail(stored.with_columns(step_count=pl.Series([7, 7, 7, 8, 8])), tail(table, 5)) is None


def test_summed_times_go_on_in_whole_microseconds() -> None:
    """A time that is added up goes on from the stored one without a residue: 0.1 + 0.2 is 0.3."""
    stored = frame(2, test_time_second=pl.Series([0.1, 0.2]))
    new = parsers.join_tail(
        stored, tail(frame(3, test_time_second=pl.Series([0.0, 0.1, 0.2])), 2, summed="test_time_second")
    )
    assert new is not None
    assert new["test_time_second"].to_list() == [0.3]


def test_column_that_has_values_only_now_joins_nulls() -> None:
    """A column without a value so far is new; one whose known rows have values in one reading only is no agreement."""
    late = frame(8, power_watt=pl.Series([None] * 5 + [3.7] * 3, dtype=pl.Float64))
    new = parsers.join_tail(frame(5), tail(late, 5))
    assert new is not None
    assert new["power_watt"].to_list() == [3.7] * 3
    assert parsers.join_tail(frame(5), tail(frame(8, power_watt=pl.Series([3.7] * 8)), 5)) is None


def test_sign_needs_evidence_for_its_direction() -> None:
    """New discharge records are not believed when no known one shows which sign the file gives to a discharge."""
    kinds = pl.Series(["charge"] * 5 + ["discharge"] * 3, dtype=STEP_TYPE)
    table = frame(8, step_type=kinds)
    decided = "current_ampere"
    assert parsers.join_tail(table.head(5), tail(table, 5, decided=decided)) is None
    assert parsers.join_tail(table.head(5), tail(table, 5)) is not None
    assert parsers.join_tail(table.head(6), tail(table.slice(1), 5, decided=decided)) is not None


# --- where the end alone tells nothing


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (arbin(20).encode(), "arbin_csv"),
        (arbin(500).encode("utf-16"), "arbin_csv"),
        (b"", "arbin_csv"),
        (b"EC-Lab ASCII FILE\nNb header lines : 90\n" + b"x\n" * 500, "biologic_mpt"),
        (b"no module", "biologic_mpr"),
        (nda(steps(20)), "neware_nda"),
        (nda(steps(500), version=19), "neware_nda"),
        (b"PAR1", "bdf_parquet"),
    ],
)
def test_no_excerpt_where_it_cannot_be_told(content: bytes, name: str) -> None:
    """Too few records, UTF-16, unknown layouts and other files have no excerpt, and nothing is raised."""
    assert parsers.read_tail(io.BytesIO(content), name, Known(len(content) // 2, 100)) is None


def test_shrunk_file_has_no_tail() -> None:
    """A file that is shorter than it was has not grown."""
    content = arbin(500).encode()
    assert parsers.read_tail(io.BytesIO(content), "arbin_csv", Known(len(content) + 1, 500)) is None


def test_bad_line_in_the_new_part_is_left_to_the_whole_file() -> None:
    """A new line that breaks the format's rules gives no tail: reading the whole file names its place."""
    content = arbin(500).encode()
    assert parsers.read_tail(io.BytesIO(content + b"1,2\n3,4\n"), "arbin_csv", Known(len(content), 500)) is None


def test_place_in_a_warning_is_that_of_the_whole_file() -> None:
    """The byte at which a cut line ends is counted in the file and not in its excerpt."""
    content = arbin(5000).encode()
    found = parsers.read_tail(io.BytesIO(content[:-9]), "arbin_csv", Known(len(content) - 500, 4990))
    assert found is not None
    assert found.reading.incomplete
    assert f"at byte {len(content) - 9};" in found.reading.warnings[-1]


# --- prefixes


def test_cut_character_at_the_end_is_no_error(tmp_path: Path) -> None:
    """A text cut inside a UTF-8 sign ends inside a line and is read up to it."""
    content = MACCOR.encode() + b"\n" + b"1,1,0,0,0,0,0,3.7,03/15/2024 10:00:00\n" * 3 + "1,1,0,0,0,0,0,3.7,é".encode()
    reading = read_text(tmp_path, content[:-1], "maccor_txt")
    assert (reading.incomplete, reading.measurements.height) == (True, 3)


def test_number_cut_short_is_noticed_by_its_neighbours(tmp_path: Path) -> None:
    """Where all lines end in cells of one length, a last line without end whose last cell is shorter is cut."""
    reading = read_text(tmp_path, neware(10)[:-3], "neware_csv")
    assert (reading.incomplete, reading.measurements.height) == (True, 9)


def test_whole_last_line_without_line_end_is_taken(tmp_path: Path) -> None:
    """A last line with all its cells counts, as exports that end without a line end have it."""
    reading = read_text(tmp_path, neware(10).rstrip("\n"), "neware_csv")
    assert (reading.incomplete, reading.measurements.height) == (False, 10)


def test_short_line_in_the_middle_is_an_error(tmp_path: Path) -> None:
    """What may be missing at the end may not be missing before it."""
    lines = arbin(10).splitlines(keepends=True)
    with pytest.raises(ParseError, match="line 4: expected 8 cells, found 2"):
        read_text(tmp_path, "".join([*lines[:3], "3,4\n", *lines[3:]])[:-4], "arbin_csv")


@pytest.mark.parametrize(("header", "name"), [(ARBIN, "arbin_csv"), (NEWARE, "neware_csv"), (MACCOR, "maccor_txt")])
def test_header_alone_is_no_data_yet(tmp_path: Path, header: str, name: str) -> None:
    """A header with its line end is a valid file without data; without it the file ends too early."""
    reading = read_text(tmp_path, header + "\n", name)
    assert (reading.kind, reading.incomplete) == ("empty", False)
    assert reading.warnings == ("the file has its header and no data yet",)
    with pytest.raises(ParseError) as refusal:
        read_text(tmp_path, header, name)
    assert refusal.value.code == "incomplete_file"


@pytest.mark.parametrize(("mark", "lost"), [(".ndax", 30), (".xlsx", 30), (".parquet", 6), (".res", 100)])
def test_container_without_its_end_is_incomplete(corpus: Path, tmp_path: Path, mark: str, lost: int) -> None:
    """A zip without directory, a Parquet file without footer and a database without whole pages end too early."""
    path = min(corpus.rglob(f"*{mark}"), key=lambda found: found.stat().st_size)
    cut = tmp_path / path.name
    cut.write_bytes(path.read_bytes()[:-lost])
    with pytest.raises(ParseError) as refusal:
        parsers.read(cut)
    assert refusal.value.code == "incomplete_file"
