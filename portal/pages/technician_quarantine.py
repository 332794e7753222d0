"""Quarantine as a work list, and a source with what can be done about it: retry, read as, assign, set aside."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

from fastapi import APIRouter, Form, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from flows.accounts import Receipt
from flows.described import formats_of
from flows.ingest import retry_source
from flows.quarantine import assign_source, read_source_as, release_source, undo_release
from portal.callers import Caller
from portal.pages.technician_view import (
    CellField,
    FirmField,
    TechnicianHere,
    find_named_cell,
    go_to,
    home_of,
    list_cells,
    name_drop,
    tell_place,
    tell_reason,
    trail_of,
)
from portal.problems import not_found
from portal.templating import language_of, render
from warehouse.errors import StoreBusy, UsageError
from warehouse.publish import Owner
from warehouse.registry import Row
from warehouse.sentences import explain
from warehouse.sources import UNREAD, find_source, list_quarantine, receipts_of_source

router: Final = APIRouter()

SHOWN: Final = 100
LONGEST_NOTE: Final = 500
SourcePath = Annotated[str, Path(alias="source", pattern=r"^(unread-)?[0-9a-f]{64}$")]
SaidHere = Annotated[str, Query(max_length=20)]


@dataclass(frozen=True)
class Deed:
    """What is done about a source: its name in the log, what does it, and what else the log says of it."""

    action: str
    work: Callable[[], Receipt | None]
    detail: Mapping[str, Any] = field(default_factory=dict)


@router.get("/quarantine")
def show_list(request: Request, caller: TechnicianHere, page: Annotated[int, Query(ge=1, le=10_000)] = 1) -> Response:
    """Show what waits for somebody, the oldest first."""
    _ = caller
    # The whole list, for its length stands above the page that is shown.
    waiting = list_quarantine(home_of(request))
    last = max(-(-len(waiting) // SHOWN), 1)
    rows = [_describe(request, source) for source in waiting[(page - 1) * SHOWN : page * SHOWN]]
    return render(request, "technician/quarantine.html", rows=rows, count=len(waiting), page=page, last_page=last)


@router.get("/quarantine/{source}")
def show_source(request: Request, caller: TechnicianHere, sha256: SourcePath, said: SaidHere = "") -> Response:
    """Show one source: what happened, where, what to do, and what became of it so far."""
    _ = caller
    home = home_of(request)
    source = _find(request, sha256)
    return render(
        request,
        "technician/source.html",
        source=_describe(request, source),
        said=said,
        history=[_tell(request, receipt) for receipt in receipts_of_source(home, source)],
        formats=sorted((form.name, form.vendor) for form in formats_of(home).values()),
        cells=list_cells(request),
        has_bytes=not sha256.startswith(UNREAD),
    )


@router.post("/quarantine/{source}/retry")
def retry(request: Request, caller: TechnicianHere, sha256: SourcePath) -> Response:
    """Read a source again."""
    source = _find(request, sha256)
    return _act(request, caller, source, Deed("retry", lambda: retry_source(home_of(request), sha256)))


@router.post("/quarantine/{source}/read-as")
def read_as(
    request: Request,
    caller: TechnicianHere,
    sha256: SourcePath,
    form: Annotated[str, Form(alias="format", max_length=100)],
) -> Response:
    """Read a source with the named format, whatever its content says."""
    source = _find(request, sha256)
    # Told apart here, for a format that is not there and a decision of somebody else are both wrong usage below.
    if form not in formats_of(home_of(request)):
        return go_to(f"/quarantine/{sha256}", said="no-format")
    detail = {"format": form}
    return _act(
        request, caller, source, Deed("read_as", lambda: read_source_as(home_of(request), source, form), detail)
    )


@router.post("/quarantine/{source}/assign")
def assign(
    request: Request, caller: TechnicianHere, sha256: SourcePath, cell: CellField, firm: FirmField = ""
) -> Response:
    """Say which cell a source is of, and read it again."""
    source = _find(request, sha256)
    found = find_named_cell(request, firm, cell)
    if found is None:
        return go_to(f"/quarantine/{sha256}", said="no-cell")
    owner = Owner(found["firm"], found["cell_id"], "option")
    detail = {"firm": owner.firm, "cell": owner.cell_id}
    return _act(request, caller, source, Deed("assign", lambda: assign_source(home_of(request), source, owner), detail))


@router.post("/quarantine/{source}/release")
def release(
    request: Request,
    caller: TechnicianHere,
    sha256: SourcePath,
    note: Annotated[str, Form(max_length=LONGEST_NOTE)] = "",
) -> Response:
    """Set a source aside for good: it is kept and leaves the list."""
    source = _find(request, sha256)
    told = f"{note.strip()} ({caller.name})" if note.strip() else caller.name
    return _act(
        request, caller, source, Deed("release", lambda: _release(request, source, told), {"note": note.strip()})
    )


@router.post("/quarantine/{source}/undo")
def undo(request: Request, caller: TechnicianHere, sha256: SourcePath) -> Response:
    """Put a source back on the list."""
    source = _find(request, sha256)
    return _act(request, caller, source, Deed("undo", lambda: undo_release(home_of(request), source)))


def _release(request: Request, source: Row, note: str) -> Receipt:
    # What lies behind refuses a change since the row was read, but not a source that was never in quarantine.
    if source["state"] != "quarantined":
        raise UsageError(f"{source['sha256']} is not in quarantine")
    return release_source(home_of(request), source, note)


def _act(request: Request, caller: Caller, source: Row, deed: Deed) -> Response:
    """Do something about a source and lead back to its page, which says how it went."""
    page = f"/quarantine/{source['sha256']}"
    try:
        receipt = deed.work()
    except StoreBusy:
        return go_to(page, said="busy")
    except UsageError:
        return go_to(page, said="changed")
    state = receipt["state"] if receipt is not None else "quarantined"
    # Before a source is taken in its path is of nobody's firm, so that no firm reads it in its log.
    detail = {"state": state, **deed.detail}
    trail_of(request).write(caller, f"quarantine.{deed.action}", source["path"], None, detail)
    return go_to(page, said="again" if state == "quarantined" and deed.action != "undo" else deed.action)


def _find(request: Request, sha256: str) -> Row:
    source = find_source(home_of(request), sha256)
    if source is None:
        raise not_found()
    return source


def _describe(request: Request, source: Row) -> Row:
    home, language = home_of(request), language_of(request)
    # Out of the code, and not as it was written then: a better explanation reaches old cases too.
    reason = explain(source["reason_code"] or "", source["reason_detail"] or "", source["reason_where"] or "")
    happened, to_do = tell_reason(home, reason, language)
    return {
        **source,
        "happened": happened,
        "to_do": to_do,
        "where": tell_place(source["reason_where"], language),
        "drop": name_drop(home, source["path"]),
        "age_second": time.time() - source["first_seen_unix_second"],
    }


def _tell(request: Request, receipt: Row) -> Row:
    language, reason = language_of(request), receipt["reason"]
    happened, _ = tell_reason(home_of(request), reason, language)
    return {**receipt, "happened": happened, "where": tell_place((reason or {}).get("where"), language)}
