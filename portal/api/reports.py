"""Test reports: one made or found, and those that were issued."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any, Final, Literal
from urllib.parse import quote

import polars as pl
from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from portal.answers import is_known, not_modified
from portal.api.shared import ANSWERS, PROBLEM, CallerHere, FirmHere, Made, WishHere, answer
from portal.problems import Problem, not_found
from portal.reports.linked import MEDIA
from portal.reports.look import NothingMeasuredError
from portal.reports.make import Document, Order, make_report
from portal.templating import language_of
from warehouse import schema
from warehouse.reports.issue import list_reports

router: Final = APIRouter(prefix="/reports", tags=["reports"])

SubjectPath = Annotated[str, Path(description="A cell, a lot, or a wafer as LOT-WAFER.")]
KindParameter = Annotated[Literal["pdf", "xlsx", "zip"], Query(alias="format", description="Which document.")]
LanguageParameter = Annotated[Literal["ko", "en"] | None, Query(description="Language; else by Accept-Language.")]
RevisionParameter = Annotated[
    int | None,
    Query(ge=1, le=1_000_000, description="An earlier revision, as it was handed out then; pdf and xlsx alone."),
]
WHICH_FIRM: Final = "Name the firm with ?firm=."
NOTHING: Final = "Nothing was measured of it yet: there is nothing to report."
LISTED: Final = ("number", "revision", "subject", "sha256", "issued_unix_second")
DOCUMENTS: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "The document.", "content": {MEDIA[kind]: {} for kind in ("pdf", "xlsx", "zip")}},
    304: {"description": "The document is as it was."},
    401: PROBLEM,
    404: PROBLEM,
    409: PROBLEM,
    422: PROBLEM,
    429: PROBLEM,
}


@router.get("", summary="Which reports were issued", responses=ANSWERS, response_class=Response)
def list_issued(request: Request, caller: CallerHere, firm: FirmHere, wish: WishHere) -> Response:
    """List the numbers and revisions of the reports that were issued to a firm."""
    code = _need_firm(firm)

    def make() -> pl.DataFrame:
        rows = list_reports(request.app.state.asking.home.registry, code)
        return pl.DataFrame(rows, schema=schema.REPORT.dtypes, orient="row").select(LISTED)

    return answer(request, wish, Made(make, ("reports", code, caller.role), None))


@router.get(
    "/{subject:path}", summary="The report of a cell, lot or wafer", responses=DOCUMENTS, response_class=Response
)
def send_report(
    request: Request,
    subject: SubjectPath,
    firm: FirmHere,
    *,
    kind: KindParameter = "pdf",
    lang: LanguageParameter = None,
    revision: RevisionParameter = None,
) -> Response:
    """Return a report; the same data give the same number, revision and bytes."""
    asking = request.app.state.asking
    order = Order(_need_firm(firm), subject, kind, lang or language_of(request), revision)
    try:
        made = make_report(asking.home, asking.ask, order)
    except NothingMeasuredError as error:
        raise Problem(HTTPStatus.CONFLICT, NOTHING) from error
    tag = f'"{made.sha256}"'
    return not_modified(tag) if is_known(request, tag) else _send(made, tag)


def _need_firm(firm: str | None) -> str:
    """Return the firm; a report is about one firm's cells, so whoever sees all of them has to name it."""
    if firm is None:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, WHICH_FIRM)
    if not firm:
        raise not_found()
    return firm


def _send(made: Document, tag: str) -> Response:
    headers = {
        "ETag": tag,
        "Cache-Control": "private, no-cache",
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(made.name)}",
        "X-Report-Number": made.issue.identity,
    }
    return Response(made.content, media_type=MEDIA[made.order.kind], headers=headers)
