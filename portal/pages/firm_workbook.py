"""Answers as Excel workbooks: a row of names, one of units, the rows, and a sheet that says what the columns are."""

from __future__ import annotations

from http import HTTPStatus
from io import BytesIO
from typing import Annotated, Final
from urllib.parse import quote

import polars as pl
from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from portal.api.questions import only_cells
from portal.pages.firm_view import View, ViewHere
from portal.pages.firm_why import say_known
from portal.problems import Problem, not_found
from portal.reports.book import SAFE, Sheets
from portal.reports.linked import MEDIA
from portal.translation import translator
from warehouse.ask import Question, questions

router: Final = APIRouter()

# A workbook is made in memory and opened in one; what is longer is asked for as CSV or Parquet.
MOST_ROWS: Final = 100_000
TOO_LONG: Final = "This answer has more rows than a workbook of the portal holds; take it as CSV or Parquet."
Name = Annotated[str, Path(max_length=100)]
Cells = Annotated[list[str] | None, Query(alias="cell", description="Only these cells.")]


@router.get("/data/{query}.xlsx")
def send_workbook(view: ViewHere, query: Name, *, cells: Cells = None) -> Response:
    """Return the answer to a question as a workbook."""
    question = questions().get(query)
    # The records of all tests are no question that a spreadsheet is for.
    if question is None or query == "measurements":
        raise not_found()
    wanted = sorted(set(cells or []))
    frame = view.ask(query, cell=wanted[0] if len(wanted) == 1 else None)
    frame = only_cells(frame, wanted) if len(wanted) > 1 else frame
    if frame.height > MOST_ROWS:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, TOO_LONG)
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(query)}.xlsx", "Cache-Control": "no-store"}
    return Response(write_workbook(view, question, frame), media_type=MEDIA["xlsx"], headers=headers)


def write_workbook(view: View, question: Question, frame: pl.DataFrame) -> bytes:
    """Return a question's answer as the bytes of a workbook."""
    import xlsxwriter  # noqa: PLC0415 only workbooks pay for it

    say = translator(view.language)
    buffer = BytesIO()
    with xlsxwriter.Workbook(buffer, SAFE) as book:
        sheets = Sheets(book, say)
        sheets.write_table(question.name, frame, {name: unit for name, unit, _ in question.columns})
        columns = {name: _describe(view, unit, meaning) for name, unit, meaning in question.columns}
        # The name of the question is the first sheet's, so that a formula can name it.
        sheets.write_pairs(say("Columns"), {question.name: say_known(view, question.asks).text, **columns})
    return buffer.getvalue()


def _describe(view: View, unit: str, meaning: str) -> str:
    told = say_known(view, meaning).text
    return f"{told} ({unit})" if unit else told
