"""The board of channels: which cell sits where, since when, and when the channel is next free."""

from __future__ import annotations

import time
from typing import Annotated, Final

from fastapi import APIRouter, Form, Query
from starlette.requests import Request
from starlette.responses import Response

from portal.pages.technician_view import (
    CellField,
    FirmField,
    TechnicianHere,
    find_named_cell,
    go_to,
    home_of,
    list_cells,
    read_moment,
    trail_of,
)
from portal.templating import render
from warehouse.channels import channel_board
from warehouse.errors import StoreBusy, UsageError
from warehouse.identity import assign_channel

router: Final = APIRouter()

PAGE: Final = "/channels"
MomentField = Annotated[str, Form(max_length=40)]


@router.get(PAGE)
def show_board(
    request: Request,
    caller: TechnicianHere,
    said: Annotated[str, Query(max_length=20)] = "",
    channel: Annotated[str, Query(max_length=400)] = "",
    tests: Annotated[int, Query(ge=0, le=2**31)] = 0,
) -> Response:
    """Show every channel as it stands now."""
    _ = caller
    now = time.time()
    board = channel_board(home_of(request), now)
    told = {"said": said, "said_channel": channel, "said_tests": tests}
    return render(
        request,
        "technician/channels.html",
        board=board,
        now=now,
        cells=list_cells(request),
        zone=_zone(request),
        **told,
    )


@router.post(PAGE)
def assign(
    request: Request,
    caller: TechnicianHere,
    *,
    channel: Annotated[str, Form(min_length=1, max_length=400)],
    cell: CellField,
    firm: FirmField = "",
    begin: MomentField = "",
    end: MomentField = "",
) -> Response:
    """Say which cell a channel holds, and for how long."""
    home, name = home_of(request), channel.strip()
    found = find_named_cell(request, firm, cell)
    if found is None:
        return go_to(PAGE, said="no-cell", channel=name)
    try:
        # Without a beginning it holds from the first record on: tests that wait for an owner are mostly older than the
        # form.
        times = read_moment(home, begin) or 0.0, read_moment(home, end)
        moved = assign_channel(home, name, found, *times)
    except ValueError:
        # Browsers without a picker for moments let anything be typed.
        return go_to(PAGE, said="no-moment", channel=name)
    # Who sat there before keeps its time; the technician ends that assignment first.
    except UsageError:
        return go_to(PAGE, said="overlap", channel=name)
    except StoreBusy:
        return go_to(PAGE, said="busy", channel=name)
    detail = {"cell": found["cell_id"], "from": times[0], "to": times[1], "tests": len(moved)}
    trail_of(request).write(caller, "channel.assign", name, found["firm"], detail)
    return go_to(PAGE, said="assigned", channel=name, tests=str(len(moved)))


def _zone(request: Request) -> str:
    return str(home_of(request).settings.zone)
