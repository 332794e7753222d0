"""One compliance suite over every format and every real file; a new format needs an entry in cases.toml, no code."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import duckdb
import polars as pl
import pytest
from corpus_files import KEYS, Case, cases, index, raw_entries

import parsers
from parsers.contract import Format, Reading
from warehouse.conform import conform
from warehouse.errors import FormatUnknown, ParseError, QuarantineError
from warehouse.schema import MEASUREMENTS, SPECTRA, Table, conform_columns

# INDEX format -> how the names of our formats for it begin; a format that is absent here must be claimed by nobody.
FAMILIES: Final = {
    "arbin_csv": "arbin_",
    "arbin_res": "arbin_",
    "arbin_xlsx": "arbin_",
    "bdf_csv": "bdf_",
    "biologic_mpl": "biologic_",
    "biologic_mpr": "biologic_",
    "biologic_mps": "biologic_",
    "biologic_mpt": "biologic_",
    "maccor": "maccor_",
    "neware_csv_xlsx": "neware_",
    "neware_nda": "neware_",
    "neware_ndax": "neware_",
    "neware_ndc": "neware_",
}
ALIASES: Final = ("{name}.csv", "{name}.ndax", "{stem}")
EXACT: Final = 1e-12
COUNTERS: Final = ("net_capacity_ah", "schedule_charging_capacity_ah", "schedule_discharging_capacity_ah")
# DuckDB and Polars add in different orders.
SUM_TOLERANCE: Final = 1e-9
SMALL_BYTES: Final = 16 * 1024
CUT_STRIDE: Final = int(os.environ.get("CELLAR_CUT_STRIDE", "499"))
LARGE_CUTS: Final = int(os.environ.get("CELLAR_LARGE_CUTS", "24"))
# Bytes that the cuts of one large file may add up to, so that a 19 MB file is cut less often than a 20 KB one.
LARGE_CUT_BYTES: Final = 3_000_000

Read = Callable[[str], Reading]

GOLDEN: Final = [case for case in cases() if not case.error]
REFUSED: Final = [case for case in cases() if case.error]
BY_FILE: Final = {case.file: case for case in cases()}
PATHS: Final = sorted(index() or BY_FILE)


def each(found: list[Case]) -> pytest.MarkDecorator:
    """Parametrise over cases, each under its file's name."""
    return pytest.mark.parametrize("case", found, ids=[case.file for case in found])


@pytest.fixture(scope="session")
def read(corpus: Path) -> Iterator[Read]:
    """Read a corpus file once, however many tests ask for it."""
    kept: dict[str, Reading] = {}

    def read_once(file: str) -> Reading:
        if file not in kept:
            kept[file] = parsers.read(corpus / file)
        return kept[file]

    yield read_once
    kept.clear()


# --- who claims what


def expected_owner(path: str) -> str | None:
    """Name the format or, ending in an underscore, the family that must claim a corpus file; None for nobody."""
    case = BY_FILE.get(path)
    if case is not None:
        return case.format or None
    row = index()[path]
    return FAMILIES.get(row["format"]) if int(row["bytes"]) else None


def owner_fits(name: str, owner: str) -> bool:
    """Whether a format's name is the owner, or of the owner's family."""
    return name.startswith(owner) if owner.endswith("_") else name == owner


@pytest.mark.parametrize("path", PATHS)
def test_claimed_by_its_own_format_alone(corpus: Path, path: str) -> None:
    """A file is claimed by one reader, the right one, whatever it is called; a foreign file by none."""
    owner = expected_owner(path)
    name = Path(path).name
    names = [name, *(alias.format(name=name, stem=Path(path).stem.replace(".", "_")) for alias in ALIASES)]
    for called in names:
        found = [declared.name for declared in parsers.detect(corpus / path, called)]
        if owner is None:
            assert found == [], f"{called} belongs to no format of ours"
        else:
            assert len(found) == 1, f"{called}: claimed by {found}, not by {owner} alone"
            assert owner_fits(found[0], owner), f"{called}: claimed by {found[0]}, not by {owner}"


# --- the entries themselves


@pytest.mark.parametrize("declared", parsers.formats().values(), ids=list(parsers.formats()))
def test_every_verified_format_has_a_case(declared: Format) -> None:
    """A format that claims to be confirmed by a real file names that file in cases.toml."""
    if declared.verified:
        assert any(case.format == declared.name for case in cases()), f"{declared.name} has no entry in cases.toml"


def test_entries_have_known_keys_and_one_file_each() -> None:
    """No entry of cases.toml has a misspelt key, and no file has two entries."""
    assert {key for entry in raw_entries() for key in entry} <= KEYS
    assert [file for file, times in Counter(case.file for case in cases()).items() if times > 1] == []


@each(list(cases()))
def test_case_names_its_truth(case: Case) -> None:
    """Every case says whose figures it holds, and every tolerance says why."""
    assert case.truth or case.error
    assert case.why or not case.tolerance
    assert case.format in {"", *parsers.formats()}


@each(list(cases()))
def test_file_is_the_indexed_one(corpus: Path, case: Case) -> None:
    """A golden value belongs to the very bytes that the index lists."""
    digest = hashlib.sha256((corpus / case.file).read_bytes()).hexdigest()
    assert digest == index()[case.file]["sha256"]


# --- what is read


@each(GOLDEN)
def test_kind_and_row_counts(read: Read, case: Case) -> None:
    """The reading has the kind and the number of rows that the case states."""
    reading = read(case.file)
    found = (reading.format, reading.kind, reading.measurements.height, reading.spectra.height)
    assert found == (case.format, case.kind, case.rows, case.spectra)


@each([case for case in GOLDEN if case.first or case.last])
def test_golden_values(read: Read, case: Case) -> None:
    """First and last row hold the values of an independent source."""
    reading = read(case.file)
    table = reading.spectra if case.kind == "eis" else reading.measurements
    for place, values in ((0, case.first), (-1, case.last)):
        assert_row_close(table.row(place, named=True), values, case.tolerance)


def assert_row_close(row: Mapping[str, Any], values: Mapping[str, Any], tolerance: Mapping[str, float]) -> None:
    """Compare the named columns of a row, exactly to 1e-12 where no tolerance is given."""
    for column, value in values.items():
        if column in tolerance:
            assert row[column] == pytest.approx(value, abs=tolerance[column], rel=0), column
        elif isinstance(value, float):
            assert row[column] == pytest.approx(value, abs=0, rel=EXACT), column
        else:
            assert row[column] == value, column


@each([case for case in GOLDEN if case.cycles])
def test_instrument_counts_the_published_cycles(read: Read, case: Case) -> None:
    """The instrument's own count holds as many cycles as an independent program reports."""
    assert read(case.file).measurements["cycle_count"].n_unique() == case.cycles


@each([case for case in GOLDEN if case.means])
def test_published_means_over_cycles(read: Read, case: Case) -> None:
    """Means over full cycles equal those that an independent program publishes.

    A half cycle is a run of one sign of current, rests left out; a full cycle is two of them, and the rest before the
    first is a cycle of its own. A capacity is what the counter moved since the half cycle's first record.
    """
    found = average_cycles(read(case.file).measurements)
    for name, value in case.means.items():
        assert found[name] == pytest.approx(value, abs=case.tolerance[name], rel=0), name


def average_cycles(table: pl.DataFrame) -> dict[str, float]:
    """Return the means over full cycles of extreme voltages, capacities and their ratio."""
    sign = pl.col("current_ampere").sign()
    counters = [name for name in COUNTERS if name in table.columns]
    half = (sign != sign.shift()).fill_null(value=True).cum_sum()
    rows = table.with_row_index("row")
    active = rows.filter(sign != 0).select(
        "row", sign.alias("sign"), half.alias("half"), pl.sum_horizontal(counters).alias("q")
    )
    active = active.with_columns(moved=(pl.col("q") - pl.col("q").first().over("half")).abs())
    joined = rows.join(active, on="row", how="left", maintain_order="left")
    cycle = (pl.col("half").forward_fill().fill_null(0).cast(pl.Int64) + 1) // 2
    summary = joined.group_by(cycle.alias("cycle")).agg(
        upper_voltage_volt=pl.col("voltage_volt").max(),
        lower_voltage_volt=pl.col("voltage_volt").min(),
        charging_capacity_ah=pl.col("moved").filter(pl.col("sign") > 0).max(),
        discharging_capacity_ah=pl.col("moved").filter(pl.col("sign") < 0).max(),
    )
    ratio = (pl.col("charging_capacity_ah") / pl.col("discharging_capacity_ah")).mean()
    return summary.select(pl.all().exclude("cycle").mean(), charge_over_discharge=ratio).row(0, named=True)


@each(REFUSED)
def test_refused_with_the_stated_reason(corpus: Path, case: Case) -> None:
    """A file that must be refused is refused under its code, with the file's name and the offence in the message."""
    with pytest.raises(QuarantineError) as refusal:
        parsers.read(corpus / case.file)
    assert refusal.value.code == case.error["code"]
    assert refusal.value.path.startswith(Path(case.file).name)
    assert case.error.get("names", "") in str(refusal.value)


@each(GOLDEN)
def test_conforms_to_the_schema(read: Read, case: Case) -> None:
    """Every table has declared columns only, no null where one is required, and no NaN or infinity anywhere."""
    reading = read(case.file)
    for frame, table in ((reading.measurements, MEASUREMENTS), (reading.spectra, SPECTRA)):
        assert_conforms(frame, table, case.file)


def assert_conforms(frame: pl.DataFrame, table: Table, origin: str) -> None:
    """Check names, dtypes, nulls and NaN of one table."""
    assert conform_columns(frame, table, origin).columns == frame.columns
    assert sum(frame.select(table.required).null_count().row(0)) == 0
    floats = frame.select(pl.selectors.float())
    bad = [name for name in floats.columns if not floats[name].is_finite().all()]
    assert bad == [], "NaN or infinity"
    empty = [name for name in frame.columns if frame.height and frame[name].null_count() == frame.height]
    assert empty == [], "a column without a value in the file is left out"


@each(GOLDEN)
def test_passes_the_gate(read: Read, case: Case) -> None:
    """The checks of units and signs refuse nothing that a real instrument recorded."""
    reading = read(case.file)
    passed, _ = conform(reading.measurements, reading.spectra, case.file)
    assert passed.height == reading.measurements.height


@each(GOLDEN)
def test_time_and_steps_never_go_back(read: Read, case: Case) -> None:
    """Test time, the executed step and the spectrum number never decrease."""
    reading = read(case.file)
    for frame, column in (
        (reading.measurements, "test_time_second"),
        (reading.measurements, "step_count"),
        (reading.spectra, "spectrum_index"),
    ):
        if column in frame.columns:
            assert not (frame[column].drop_nulls().diff() < 0).any(), column


@each(GOLDEN)
def test_survives_parquet_into_duckdb(read: Read, case: Case, tmp_path: Path) -> None:
    """What DuckDB sees through Parquet has the same rows, nulls, extremes and sums."""
    reading = read(case.file)
    for number, frame in enumerate((reading.measurements, reading.spectra)):
        path = tmp_path / f"{number}.parquet"
        frame.write_parquet(path)
        assert_same_in_duckdb(frame, path)


def assert_same_in_duckdb(frame: pl.DataFrame, path: Path) -> None:
    """Compare counts, extremes and sums of every numeric column."""
    numbers = frame.select(pl.selectors.numeric()).columns
    asked = ", ".join(f'count("{name}"), min("{name}"), max("{name}"), fsum("{name}")' for name in numbers)
    with duckdb.connect() as connection:
        rows, *found = connection.execute(f"SELECT count(*), {asked} FROM read_parquet(?)", [str(path)]).fetchall()[0]  # noqa: S608 the columns are the schema's
    assert rows == frame.height
    for place, name in enumerate(numbers):
        column = frame[name]
        count, least, most, total = found[4 * place : 4 * place + 4]
        assert (count, least, most) == (column.count(), column.min(), column.max()), name
        assert total is None or total == pytest.approx(column.cast(pl.Float64).sum(), rel=SUM_TOLERANCE, abs=1e-9), name


# --- damaged files


def cut_places(size: int) -> list[int]:
    """Return where to cut a file of this size: every so many bytes when small, spread evenly when large."""
    if size <= SMALL_BYTES:
        return [*range(1, size, CUT_STRIDE), *range(max(1, size - 2), size)]
    times = max(2, min(LARGE_CUTS, LARGE_CUT_BYTES // size))
    return [size * part // (times + 1) for part in range(1, times + 1)]


@each([case for case in cases() if case.format])
def test_truncated_file_parses_or_is_refused(corpus: Path, case: Case, tmp_path: Path) -> None:
    """A file cut anywhere gives a reading of fewer rows or is refused by its name; behind a header, only a reading.

    What is cut inside a record or a line says so; a last line that was taken as it stands reads as if it had its end.
    """
    rows = sys.maxsize
    for place, outcome in cut_outcomes(corpus / case.file, tmp_path):
        if isinstance(outcome, QuarantineError):
            assert_refused_for_its_cut(outcome, case)
            continue
        fewer = outcome.measurements.height + outcome.spectra.height
        assert fewer <= rows, f"cut at byte {place}"
        rows = fewer
        if parsers.formats()[case.format].excerpt and not outcome.incomplete:
            (tmp_path / "ended").write_bytes((corpus / case.file).read_bytes()[:place] + b"\n")
            ended = parsers.read(tmp_path / "ended")
            assert ended.measurements.height == outcome.measurements.height, f"cut at byte {place}"


def assert_refused_for_its_cut(refusal: QuarantineError, case: Case) -> None:
    """Check why a cut file is refused: a format that is read as it grows calls none of its prefixes broken."""
    assert refusal.path.startswith(Path(case.file).name)
    if not case.error:
        assert isinstance(refusal, ParseError | FormatUnknown), refusal
    if parsers.formats()[case.format].excerpt and not case.error:
        assert refusal.code in {"incomplete_file", "format_unknown"}, refusal


def cut_outcomes(whole: Path, folder: Path) -> Iterator[tuple[int, Reading | QuarantineError]]:
    """Cut a copy of a file shorter and shorter; yield where, and what reading it gives. Other errors pass through."""
    cut = Path(shutil.copyfile(whole, folder / whole.name))
    cut.chmod(0o600)
    for place in sorted(set(cut_places(whole.stat().st_size)), reverse=True):
        with cut.open("r+b") as file:
            file.truncate(place)
        try:
            yield place, parsers.read(cut)
        except QuarantineError as refusal:
            yield place, refusal
