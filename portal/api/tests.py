"""Tests: what is known of one, and its samples as the instrument recorded them."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated, Any, Final

import polars as pl
from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from portal.api.questions import Asked, made_of
from portal.api.shared import ANSWERS, PROBLEM, FirmHere, Made, Points, WishHere, answer
from portal.decimation import decimate_all
from portal.problems import Problem, not_found
from warehouse.ask import questions
from warehouse.parts import read_between
from warehouse.registry import TEST, Row
from warehouse.schema import MEASUREMENTS

router: Final = APIRouter(prefix="/tests", tags=["tests"])

TIME: Final = "test_time_second"
SHOWN: Final = (TIME, "voltage_volt", "current_ampere")
UNITS: Final = {column.name: column.unit for column in MEASUREMENTS.columns if column.unit}
TestPath = Annotated[str, Path(description="The test.")]
From = Annotated[float | None, Query(alias="from", allow_inf_nan=False, description="Test time of the first row, s.")]
To = Annotated[float | None, Query(alias="to", allow_inf_nan=False, description="Test time of the last row, s.")]
AboutPath = Annotated[str, Path(description="steps, cycles, spectra, quality, … : a question about tests.")]


@router.get("/{test}", summary="What is known of a test", responses={404: PROBLEM})
def show_test(request: Request, test: TestPath, firm: FirmHere) -> dict[str, Any]:
    """Return a test's row of the question ``tests``."""
    find_test_row(request, test, firm)
    rows: list[dict[str, Any]] = request.app.state.asking.ask("tests", firm, test=test).to_dicts()
    return rows[0]


@router.get("/{test}/measurements", summary="Samples of a test", responses=ANSWERS, response_class=Response)
def read_measurements(
    request: Request,
    test: TestPath,
    firm: FirmHere,
    wish: WishHere,
    *,
    begin: From = None,
    end: To = None,
    max_points: Points = None,
) -> Response:
    """Return the samples of a test, of a stretch of its time, and no more than fit on a screen where that is asked."""
    row = find_test_row(request, test, firm)
    wanted = choose_measured(wish.columns)

    def make() -> pl.DataFrame:
        frame = read_between(request.app.state.asking.home, test, wanted, begin, end)
        figures = [name for name in wanted if name != TIME and frame.schema[name].is_numeric()]
        return frame if max_points is None else decimate_all(frame, figures, max_points)

    key = ("measurements", firm, test, wanted, begin, end, max_points)
    moment = f"{row['test_id']} {row['revision']} {row['data_sha256']} {row['committed_unix_second']}"
    return answer(request, wish, Made(make, key, moment, UNITS))


@router.get("/{test}/{name}", summary="An answer about a test", responses=ANSWERS, response_class=Response)
def ask_about_test(
    request: Request, test: TestPath, name: AboutPath, firm: FirmHere, wish: WishHere, *, max_points: Points = None
) -> Response:
    """Answer a named question for one test."""
    find_test_row(request, test, firm)
    if name not in questions() or "test_id" not in {column for column, _, _ in questions()[name].columns}:
        raise not_found()
    return answer(request, wish, made_of(request, Asked(name, firm, test=test, max_points=max_points), wish))


def find_test_row(request: Request, test: str, firm: str | None) -> Row:
    """Return a test of a firm; of any, or of none yet, for those who see all.

    Raises:
        Problem: 404, where the firm has none of this name.
    """
    row: Row | None = request.app.state.asking.home.registry.row(TEST, test_id=test)
    if row is None or (firm is not None and row["firm"] != firm):
        raise not_found()
    # For the audit log: whose test somebody looks at who sees all firms.
    request.state.firm = row["firm"]
    return row


def choose_measured(columns: Sequence[str]) -> list[str]:
    """Return the wanted columns of the measurements: time, voltage and current where none is named.

    Raises:
        Problem: 422, for one that there is not.
    """
    if unknown := [name for name in columns if name not in MEASUREMENTS.dtypes]:
        more = {"unknown": len(unknown), "columns": list(MEASUREMENTS.names)}
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "columns names some that there are not", more=more)
    return list(dict.fromkeys(columns)) or list(SHOWN)
