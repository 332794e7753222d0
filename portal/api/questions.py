"""Named questions, asked over HTTP: the answers of ``cellar query`` for the firm of the caller."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any, Final

import polars as pl
from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from portal.answers import Wish
from portal.api.shared import ANSWERS, CallerHere, CellsHere, FirmHere, Made, Points, WishHere, answer
from portal.decimation import decimate_all
from portal.problems import Problem, not_found
from warehouse.ask import Question, questions

router: Final = APIRouter(tags=["questions"])

# Which axis a table's rows follow, for whoever wants fewer of them.
ALONG: Final = ("cycle", "frequency_hertz", "test_time_second")
# Whose rows follow it, the first that there is.
OWNERS: Final = {
    "cycle": ("cell_id", "test_id"),
    "frequency_hertz": ("test_id",),
    "test_time_second": ("test_id",),
    "": (),
}
SHORTCUTS: Final = ("cells", "tests", "cohort", "alerts")
TestHere = Annotated[str | None, Query(alias="test", description="Only this test.")]


@router.get("/queries", summary="Every named question, with its columns, units and formulas")
def list_questions(caller: CallerHere) -> list[dict[str, Any]]:
    """List the questions that ``/queries/{name}`` answers."""
    _ = caller
    return [describe(question) for question in questions().values()]


@router.get("/queries/{name}", summary="The answer to a named question", responses=ANSWERS, response_class=Response)
def ask_question(
    request: Request,
    name: str,
    firm: FirmHere,
    wish: WishHere,
    *,
    cells: CellsHere = None,
    test: TestHere = None,
    max_points: Points = None,
) -> Response:
    """Answer one of ``/queries`` for the caller's firm, or for some of its cells or one test."""
    if name not in questions():
        raise not_found()
    return answer(request, wish, made_of(request, Asked(name, firm, cells, test, max_points), wish))


@dataclass(frozen=True)
class Asked:
    """A question, and what it is narrowed to."""

    name: str
    firm: str | None
    cells: Sequence[str] | None = None
    test: str | None = None
    max_points: int | None = None


def made_of(request: Request, asked: Asked, wish: Wish) -> Made:
    """Return how the answer to a question comes about."""
    asking = request.app.state.asking
    wanted = sorted(set(asked.cells or []))

    def make() -> pl.DataFrame:
        # One cell is asked about by itself; several are taken out of the answer about all, which is kept.
        one = wanted[0] if len(wanted) == 1 else None
        if one is None and asked.test is None and wish.columns:
            # The columns that are not wanted are most of what there is to read.
            named = {column for column, _, _ in questions()[asked.name].columns}
            frame = asking.ask_columns(asked.name, asked.firm, (*wish.columns, *named.intersection(ALONG)))
        else:
            frame = asking.ask(asked.name, asked.firm, cell=one, test=asked.test)
        if len(wanted) > 1:
            frame = only_cells(frame, wanted)
        return thin_out(frame, asked.max_points, wish.columns) if asked.max_points is not None else frame

    key = (asked.name, asked.firm, wanted, asked.test, asked.max_points)
    moment = asking.name_moment(asked.name, asked.firm)
    return Made(make, key, moment, units_of(questions()[asked.name]), asked.firm is not None)


def only_cells(frame: pl.DataFrame, cells: list[str]) -> pl.DataFrame:
    """Return the rows of some cells.

    Raises:
        Problem: 422, for an answer that is not about cells; 404, where there is nothing of one of them.
    """
    if "cell_id" not in frame.columns:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "this answer has no column cell_id")
    found = frame.filter(pl.col("cell_id").is_in(cells))
    if found["cell_id"].n_unique() < len(cells):
        raise not_found()
    return found


def thin_out(frame: pl.DataFrame, most: int, columns: Sequence[str] = ()) -> pl.DataFrame:
    """Return at most so many rows of each cell or test, with the extremes of its figures.

    Args:
        frame: an answer.
        most: how many rows.
        columns: those whose extremes are kept; all figures by default, as far as the rows suffice.

    Raises:
        Problem: 422, for an answer that follows no axis.
    """
    along = next((name for name in ALONG if name in frame.columns), None)
    owner = next((name for name in OWNERS[along or ""] if name in frame.columns), None)
    if owner is None:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "max_points is for answers along cycles, time or frequency")
    figures = [name for name, dtype in frame.schema.items() if dtype == pl.Float64 and name != along]
    shown = [name for name in figures if name in columns] or figures
    # Each column whose extremes are kept takes its part of the points.
    shown = shown[: max((most - 2) // 2, 1)]
    return decimate_all(frame, shown, most, owner)


def units_of(question: Question) -> dict[str, str]:
    """Return the units of a question's columns."""
    return {name: unit for name, unit, _ in question.columns if unit}


def describe(question: Question) -> dict[str, Any]:
    """Return a question with its columns and notes."""
    return {
        "name": question.name,
        "asks": question.asks,
        "columns": [dict(zip(("name", "unit", "description"), column, strict=True)) for column in question.columns],
        "notes": [{"kind": kind, "text": text} for kind, text in question.notes],
    }


def _add_shortcut(name: str) -> None:
    """Add ``/cells`` and the like, which are questions too."""

    def ask(request: Request, firm: FirmHere, wish: WishHere) -> Response:
        return answer(request, wish, made_of(request, Asked(name, firm), wish))

    ask.__doc__ = questions()[name].asks
    add = router.get(f"/{name}", responses=ANSWERS, response_class=Response, operation_id=f"list_{name}")
    add(ask)


for _name in SHORTCUTS:
    _add_shortcut(_name)
