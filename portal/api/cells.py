"""Cells: what is known of one, and every answer about it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path
from starlette.requests import Request
from starlette.responses import Response

from portal.api.questions import Asked, made_of
from portal.api.shared import ANSWERS, PROBLEM, FirmHere, Points, WishHere, answer
from portal.problems import Problem, not_found
from warehouse.ask import questions
from warehouse.identity import find_firms

router: Final = APIRouter(prefix="/cells", tags=["cells"])

CellPath = Annotated[str, Path(description="The cell; one with a slash in its name is asked for by /queries?cell=.")]
AboutPath = Annotated[str, Path(description="fade, cycles, steps, spectra, summary, … : a question about cells.")]
SEVERAL: Final = "Several firms have a cell of this name; name the firm with ?firm=."


@router.get("/{cell}", summary="What is known of a cell", responses={404: PROBLEM, 409: PROBLEM})
def show_cell(request: Request, cell: CellPath, firm: FirmHere) -> dict[str, Any]:
    """Return a cell's row of the question ``cells``."""
    note_owner(request, cell, firm)
    rows: list[dict[str, Any]] = request.app.state.asking.ask("cells", firm, cell=cell).to_dicts()
    if not rows:
        raise not_found()
    if len(rows) > 1:
        raise Problem(HTTPStatus.CONFLICT, SEVERAL)
    return rows[0]


@router.get("/{cell}/{name}", summary="An answer about a cell", responses=ANSWERS, response_class=Response)
def ask_about_cell(
    request: Request, cell: CellPath, name: AboutPath, firm: FirmHere, wish: WishHere, *, max_points: Points = None
) -> Response:
    """Answer a named question for one cell."""
    note_owner(request, cell, firm)
    if name not in questions() or "cell_id" not in {column for column, _, _ in questions()[name].columns}:
        raise not_found()
    return answer(request, wish, made_of(request, Asked(name, firm, [cell], max_points=max_points), wish))


def note_owner(request: Request, cell: str, firm: str | None) -> None:
    """Note, for the audit log, whose cell somebody looks at who sees all firms."""
    if firm is None:
        firms = find_firms(request.app.state.asking.home, cell)
        request.state.firm = firms[0] if len(firms) == 1 else None
