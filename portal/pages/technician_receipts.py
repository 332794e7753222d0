"""Receipts as they come: what is on its way, what became of each drop, and that nothing was lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from portal.pages.technician_view import TechnicianHere, home_of, name_drop, tell_reason
from portal.templating import language_of, render
from portal.underway import Underway, underway_of
from warehouse.registry import Row
from warehouse.schema import SOURCE_STATES
from warehouse.sources import name_unread, receipts_before

router: Final = APIRouter()

SHOWN: Final = 50
LOOK_SECONDS: Final = 1.0
# A proxy closes a line on which nothing comes for a while; and a session that ended must not see for ever.
BEAT_SECONDS: Final = 15.0
LONGEST_SECONDS: Final = 300.0
StateHere = Annotated[str, Query(max_length=20)]
BeforeHere = Annotated[int | None, Query(ge=1, le=2**53)]


@router.get("/receipts")
def show_receipts(
    request: Request, caller: TechnicianHere, state: StateHere = "", before: BeforeHere = None
) -> Response:
    """Show what is on its way and what became of the newest drops."""
    _ = caller
    return render(request, "technician/receipts.html", **_gather(request, state, before))


@router.get("/receipts/part")
def show_part(request: Request, caller: TechnicianHere, state: StateHere = "", before: BeforeHere = None) -> Response:
    """Show the part of the page that changes, for its script."""
    _ = caller
    return render(request, "technician/receipts_part.html", **_gather(request, state, before))


@router.get("/receipts/events")
async def stream_changes(
    request: Request, caller: TechnicianHere, seconds: Annotated[float, Query(gt=0, le=LONGEST_SECONDS)] = 240.0
) -> Response:
    """Tell, as server-sent events, whenever something on the page has changed; browsers come back after the end."""
    _ = caller
    stream = tell_changes(underway_of(request), seconds)
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(stream, media_type="text/event-stream", headers=headers)


async def tell_changes(underway: Underway, seconds: float, every: float = LOOK_SECONDS) -> AsyncIterator[str]:
    """Yield an event whenever something changes, the first one at once, and a beat where nothing does.

    Args:
        underway: looks at what is on its way.
        seconds: ends after so long.
        every: looks so often.
    """
    end, told, beat = time.monotonic() + seconds, "", time.monotonic()
    while time.monotonic() < end:
        tag = (await run_in_threadpool(underway.look)).tag
        if tag != told:
            told, beat = tag, time.monotonic()
            yield f"event: change\ndata: {tag}\n\n"
        elif time.monotonic() - beat > BEAT_SECONDS:
            beat = time.monotonic()
            yield ": still here\n\n"
        await asyncio.sleep(every)


def _gather(request: Request, state: str, before: int | None) -> dict[str, Any]:
    home = home_of(request)
    # The address may be of an earlier version, or typed: what is no state chooses nothing.
    chosen = state if state in SOURCE_STATES else ""
    moment = underway_of(request).look()
    found = receipts_before(home, SHOWN, before, *([chosen] if chosen else []))
    return {
        "moment": moment,
        "coming": [] if before or chosen else [(name_drop(home, one.path), one) for one in moment.coming],
        "receipts": [_describe(request, receipt) for receipt in found],
        "states": [name for name in SOURCE_STATES if name != "in_progress"],
        "chosen": chosen,
        "before": before,
        "older": found[-1]["receipt_id"] if len(found) == SHOWN else None,
    }


def _describe(request: Request, receipt: Row) -> Row:
    happened, _ = tell_reason(home_of(request), receipt["reason"], language_of(request))
    # Of a drop that could not be read the path stands for the hash.
    key = receipt["sha256"] or name_unread(receipt["path"])
    return {**receipt, "drop": name_drop(home_of(request), receipt["path"]), "happened": happened, "key": key}
