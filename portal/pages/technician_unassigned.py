"""Tests that are nobody's, as a work list: whose each might be, and a button to say so."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Form, Query
from starlette.requests import Request
from starlette.responses import Response

from portal.pages.technician_hints import tell_hints
from portal.pages.technician_view import (
    CellField,
    FirmField,
    TechnicianHere,
    find_named_cell,
    go_to,
    home_of,
    list_cells,
    name_drop,
    trail_of,
)
from portal.problems import not_found
from portal.templating import language_of, render
from warehouse.errors import StoreBusy
from warehouse.identity import assign_test
from warehouse.registry import TEST
from warehouse.unassigned import unassigned_tests

router: Final = APIRouter()

SHOWN: Final = 50
PAGE: Final = "/unassigned"


@router.get(PAGE)
def show_list(
    request: Request,
    caller: TechnicianHere,
    said: Annotated[str, Query(max_length=20)] = "",
    test: Annotated[str, Query(max_length=400)] = "",
    cell: Annotated[str, Query(max_length=400)] = "",
) -> Response:
    """Show every test without an owner, the oldest first, with the likeliest cells."""
    _ = caller
    home, language = home_of(request), language_of(request)
    waiting = unassigned_tests(home)
    rows = [
        {
            **row,
            "drop": name_drop(home, row["path"] or ""),
            "first_unix_second": datetime.fromisoformat(row["first_time"]).timestamp() if row["first_time"] else None,
            # Suggestions come in the order of the warehouse, the likeliest first; nothing is assigned by them.
            "suggestions": [{**one, "why": tell_hints(one["why"], language)} for one in row["suggestions"]],
        }
        for row in waiting[:SHOWN]
    ]
    told = {"said": said, "said_test": test, "said_cell": cell}
    return render(
        request, "technician/unassigned.html", rows=rows, count=len(waiting), cells=list_cells(request), **told
    )


@router.post(PAGE)
def assign(
    request: Request,
    caller: TechnicianHere,
    test: Annotated[str, Form(max_length=400)],
    cell: CellField,
    firm: FirmField = "",
) -> Response:
    """Give a test to a cell."""
    home = home_of(request)
    row = home.registry.row(TEST, test_id=test)
    if row is None:
        raise not_found()
    found = find_named_cell(request, firm, cell)
    if found is None:
        return go_to(PAGE, said="no-cell", test=test, cell=cell)
    # Another technician may have been faster; what has an owner is not taken from it here.
    if row["firm"] is not None:
        return go_to(PAGE, said="taken", test=test)
    try:
        assign_test(home, test, found)
    except StoreBusy:
        return go_to(PAGE, said="busy", test=test)
    trail_of(request).write(caller, "test.assign", test, found["firm"], {"cell": found["cell_id"]})
    return go_to(PAGE, said="assigned", test=test, cell=f"{found['firm']} / {found['cell_id']}")
