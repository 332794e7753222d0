"""What the endpoints of the API share: who asks, for which firm, and the way from a frame to an answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Final

import polars as pl
from fastapi import Depends, Query
from starlette.requests import Request

from portal.answers import (
    MEDIA,
    Page,
    Wish,
    give_page,
    is_known,
    make_page,
    make_wish,
    name_tag,
    not_modified,
    tag_bytes,
)
from portal.asking import Kept
from portal.callers import Caller, CallerHere, find_firm, require_operator, require_technician

if TYPE_CHECKING:
    from starlette.responses import Response

__all__ = ["ANSWERS", "CallerHere", "Made", "answer"]

PAGES_BYTES: Final = 256 * 1024 * 1024
MOST_POINTS: Final = 5_000
FirmHere = Annotated[str | None, Depends(find_firm)]
TechnicianHere = Annotated[Caller, Depends(require_technician)]
OperatorHere = Annotated[Caller, Depends(require_operator)]
Format = Annotated[
    str | None,
    Query(alias="format", pattern=f"^({'|'.join(MEDIA)})$", description="json, csv, parquet or arrow; else by Accept."),
]
Columns = Annotated[str | None, Query(description="Columns, separated by commas; all by default.")]
Limit = Annotated[int | None, Query(ge=1, le=1_000_000, description="Rows of a page; 1,000 in JSON, else all.")]
Offset = Annotated[int, Query(ge=0, le=1_000_000_000, description="Rows before the page.")]
CellsHere = Annotated[
    list[str] | None, Query(alias="cell", description="Only these cells; may be given several times.")
]
Points = Annotated[
    int | None,
    Query(ge=4, le=MOST_POINTS, description="At most so many rows of each cell or test; extremes are kept."),
]
PROBLEM: Final = {"description": "A problem document (RFC 9457).", "content": {"application/problem+json": {}}}
ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "Rows.", "content": {media.partition(";")[0]: {} for media in MEDIA.values()}},
    304: {"description": "The answer is as it was."},
    401: PROBLEM,
    404: PROBLEM,
    422: PROBLEM,
    429: PROBLEM,
}


async def read_wish(
    request: Request, *, shape: Format = None, columns: Columns = None, limit: Limit = None, offset: Offset = 0
) -> Wish:
    """Return how an answer is wanted, by the address and the header Accept."""
    accept = request.headers.get("accept", "*/*")
    return make_wish(shape, accept, columns=columns, limit=limit, offset=offset)


WishHere = Annotated[Wish, Depends(read_wish)]


@dataclass(frozen=True)
class Made:
    """How an answer comes about.

    Args:
        make: makes the frame, unless the answer is kept or known.
        key: what was asked, and for which firm: nothing else may tell two answers apart.
        moment: hash of what it is made of; None where only the answer tells.
        units: units of its columns.
        is_of_firm: whether the moment is that of a firm's data and of nothing besides.
    """

    make: Callable[[], pl.DataFrame]
    key: tuple[object, ...]
    moment: str | None
    units: Mapping[str, str] = field(default_factory=dict)
    is_of_firm: bool = False


def answer(request: Request, wish: Wish, made: Made) -> Response:
    """Answer with a frame, or that it has not changed."""
    if made.moment is None:
        page = make_page(made.make(), wish, made.units)
        tag = tag_bytes(page.body)
        return not_modified(tag) if is_known(request, tag) else give_page(request, wish, page, tag).answer(page)
    tag = name_tag(made.key, made.moment, wish.shape, wish.columns, wish.limit, wish.offset)
    if is_known(request, tag):
        return not_modified(tag)
    kept: Kept[Page] = request.app.state.pages
    page = kept.get(tag, lambda: make_page(made.make(), wish, made.units))
    given = give_page(request, wish, page, tag)
    if made.is_of_firm:
        request.app.state.ready.note(request, made.moment, given)
    return given.answer(page)
