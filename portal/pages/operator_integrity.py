"""Integrity: what the nights' scrub read and found, whether the audit log is whole, and a check of everything now."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from fastapi import APIRouter
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import Response

from portal.pages.operator_view import OperatorHere, write_bytes
from portal.pages.technician_view import go_to, home_of, trail_of
from portal.templating import render
from warehouse.access.audit import verify_audit
from warehouse.errors import CellarError
from warehouse.nights import last_scrub
from warehouse.operations import list_nights
from warehouse.scrub import ROUND_DAYS
from warehouse.verify import Finding, check_home

if TYPE_CHECKING:
    from warehouse.home import Home

router: Final = APIRouter()
log: Final = logging.getLogger("cellar.portal")

PAGE: Final = "/operations/integrity"
NIGHTS: Final = 30
SCRUB: Final = "scrub"
MOST_FINDINGS: Final = 500


@dataclass
class Checking:
    """A check of the whole home: when it began and ended, and what it found so far."""

    began_unix_second: float
    ended_unix_second: float | None = None
    findings: list[Finding] = field(default_factory=list)
    failed: str = ""

    def run(self, home: Home) -> None:
        """Compare every stored file and every archived source with its hash."""
        try:
            for finding in check_home(home):
                self.findings.append(finding)
        except (CellarError, OSError, SQLAlchemyError) as error:
            log.warning("the check of the home did not end: %s", error)
            self.failed = f"{type(error).__name__}: {error}"
        # Last, for the page takes a check without an end for one that runs.
        self.ended_unix_second = time.time()


@router.get(PAGE)
def show_integrity(request: Request, caller: OperatorHere) -> Response:
    """Show what the scrub found, and the last check of everything."""
    _ = caller
    home = home_of(request)
    nights = [_read_scrub(night) for night in list_nights(home, NIGHTS)]
    checking = _last_check(request)
    return render(
        request,
        "operator/integrity.html",
        last=last_scrub(home),
        nights=nights,
        round_days=ROUND_DAYS,
        chain=verify_audit(home),
        checking=checking,
        findings=checking.findings[:MOST_FINDINGS] if checking is not None else [],
        size=write_bytes,
    )


@router.post(f"{PAGE}/check")
def begin_check(request: Request, caller: OperatorHere) -> Response:
    """Begin a check of everything, unless one runs; it may take long and goes on by itself."""
    # Two at once would read the same disk and end later.
    running = _last_check(request)
    if running is None or running.ended_unix_second is not None:
        checking = Checking(time.time())
        request.app.state.checking = checking
        trail_of(request).write(caller, "integrity.check", "", None)
        threading.Thread(target=checking.run, args=(home_of(request),), name="cellar-check", daemon=True).start()
    return go_to(PAGE)


def _last_check(request: Request) -> Checking | None:
    found: Checking | None = getattr(request.app.state, "checking", None)
    return found


def _read_scrub(night: dict[str, Any]) -> dict[str, Any]:
    # A night that was broken off before its scrub has none.
    stage = next((stage for stage in night["record"]["stages"] if stage["stage"] == SCRUB), None)
    figures = stage["figures"] if stage is not None else {}
    return {"night": night, "stage": stage, "figures": figures, "warnings": night["record"]["warnings"]}
