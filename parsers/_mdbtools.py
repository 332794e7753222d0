"""Tables of a Jet 3 database through ``mdb-export``, for files older than what :mod:`parsers._jet` decodes.

mdbtools reads a damaged file as far as it gets and still reports success, so the rows are counted against
``mdb-count``, which tells what the table's definition says. It prints eight digits of a single and sixteen of a
double, and may hang on a damaged file, hence the limit.
"""

from __future__ import annotations

import io
import shutil
import subprocess
from typing import Final

import polars as pl

from parsers.contract import Source
from warehouse.errors import ParseError

TIME_LIMIT_SECOND: Final = 300.0
NO_SUCH_TABLE: Final = b"does not exist"
# What Arbin stores in single precision, so that its decimals can be found again.
SINGLES: Final = frozenset({"Current", "Voltage", "Internal_Resistance", "X"})
TEXTS: Final = frozenset(
    {"Test_Name", "Creator", "Comments", "Schedule_File_Name", "Software_Version", "Serial_Number", "Schedule_Version"}
    | {"Item_ID", "Unit"}
)


def read_table(source: Source, table: str, columns: tuple[str, ...]) -> pl.DataFrame | None:
    """Return those of the named columns that a table has, or None when there is no such table.

    Raises:
        ParseError: mdbtools is not installed, refuses the file, or finds fewer rows than there should be.
    """
    printed = _run(source, "mdb-export", table)
    if printed is None:
        return None
    try:
        frame = pl.read_csv(io.BytesIO(printed), infer_schema=False)
        found = frame.select(_typed(name) for name in columns if name in frame.columns)
    except pl.exceptions.PolarsError as error:
        raise ParseError(source.name, f"{table}: mdb-export printed no table: {error}") from error
    declared = _run(source, "mdb-count", table) or b""
    if declared.strip() != str(found.height).encode():
        expected = declared.decode(errors="replace").strip()
        raise ParseError(source.name, f"{table} should have {expected} rows and has {found.height}")
    return found


def _typed(name: str) -> pl.Expr:
    if name in TEXTS:
        return pl.col(name)
    # The exact type does not come with the print; whole numbers are checked by whoever counts with them.
    number = pl.col(name).cast(pl.Float64)
    return number.cast(pl.Float32) if name in SINGLES else number


def _run(source: Source, program: str, table: str) -> bytes | None:
    """Run one of the tools on a table; None when there is no such table."""
    place = shutil.which(program)
    if place is None:
        raise ParseError(source.name, f"a Jet 3 database, which needs {program} of mdbtools: not installed here")
    try:
        done = subprocess.run(
            [place, str(source.path), table], capture_output=True, check=False, timeout=TIME_LIMIT_SECOND
        )
    except subprocess.TimeoutExpired as error:
        raise ParseError(source.name, f"{program} did not finish within {TIME_LIMIT_SECOND:.0f} s") from error
    if NO_SUCH_TABLE in done.stderr:
        return None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        raise ParseError(source.name, f"{program} {table} ended with {done.returncode}: {said}")
    return done.stdout
