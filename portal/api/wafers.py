"""Wafers: which there are, and the dies of one."""

from __future__ import annotations

from typing import Annotated, Final

import polars as pl
from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from portal.api.questions import units_of
from portal.api.shared import ANSWERS, FirmHere, Made, WishHere, answer
from portal.problems import not_found
from warehouse.ask import questions

router: Final = APIRouter(prefix="/wafers", tags=["wafers"])

NAMED: Final = ("firm", "lot", "wafer")
PASSED: Final = 1
WaferParameter = Annotated[str, Query(description="The wafer.")]
LotParameter = Annotated[str, Query(description="Its lot; empty where the firm has none.")]


@router.get("", summary="Which wafers are known", responses=ANSWERS, response_class=Response)
def list_wafers(request: Request, firm: FirmHere, wish: WishHere) -> Response:
    """List wafers with how many dies and cells each has, and how many dies passed."""
    asking = request.app.state.asking

    def make() -> pl.DataFrame:
        counts = (
            pl.len().alias("dies"),
            pl.col("cell_id").count().alias("cells"),
            (pl.col("bin") == PASSED).sum().alias("passed"),
        )
        found: pl.DataFrame = asking.ask("wafer", firm).group_by(NAMED).agg(counts).sort(NAMED)
        return found

    return answer(request, wish, Made(make, ("wafers", firm), asking.name_moment("wafer", firm)))


@router.get("/dies", summary="The dies of a wafer", responses=ANSWERS, response_class=Response)
def list_dies(
    request: Request, wafer: WaferParameter, firm: FirmHere, wish: WishHere, *, lot: LotParameter = ""
) -> Response:
    """Return the rows of the question ``wafer`` about one wafer."""
    asking = request.app.state.asking

    def make() -> pl.DataFrame:
        found: pl.DataFrame = asking.ask("wafer", firm).filter(pl.col("lot") == lot, pl.col("wafer") == wafer)
        if found.is_empty():
            raise not_found()
        return found

    key = ("dies", firm, lot, wafer)
    return answer(request, wish, Made(make, key, asking.name_moment("wafer", firm), units_of(questions()["wafer"])))
