"""Who asks: FastAPI dependencies that tell the caller and the firm, and let nobody else pass.

They are coroutines: most requests need no look into the registry, and a change of thread would cost more than they do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final, Literal, cast

from fastapi import Depends, Query
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from portal.problems import LoginNeeded, not_found
from warehouse.access.audit import EVERY
from warehouse.identity import list_firms

if TYPE_CHECKING:
    from portal.asking import Asking
    from portal.door import Door, Kind
    from warehouse.access.tokens import Grant

Role = Literal["firm", "technician", "operator"]
SESSION_COOKIE: Final = "cellar_session"
BEARER: Final = "bearer "


@dataclass(frozen=True)
class Caller:
    """Who asks.

    Args:
        name: the token's id or the session's user.
        firm: the firm's code; None for technicians and operators, who see all firms.
        role: firm, technician or operator.
    """

    name: str
    firm: str | None
    role: Role


async def get_caller(request: Request) -> Caller:
    """Return who asks, by bearer token or session cookie.

    Raises:
        LoginNeeded: neither is valid.
    """
    known: Caller | None = getattr(request.state, "caller", None)
    caller = known or await find_caller(request)
    if caller is None:
        raise LoginNeeded
    request.state.caller = caller
    request.state.firm = caller.firm
    return caller


async def find_caller(request: Request) -> Caller | None:
    """Return who asks, or None; a header that is there counts, valid or not, and no cookie behind it."""
    named = _name_secret(request)
    return _caller(await _check(request.app.state.door, *named)) if named else None


def recall_caller(request: Request, door: Door) -> Caller | None:
    """Return who asks where that was found a moment ago; None for nobody, or where the registry has to be asked."""
    named = _name_secret(request)
    known = door.recall(*named) if named else None
    return _caller(known[1]) if known else None


CallerHere = Annotated[Caller, Depends(get_caller)]
FirmParameter = Annotated[
    str | None, Query(alias="firm", description="Code of the firm, for technicians and operators; a firm sees its own.")
]


async def get_firm(request: Request, caller: CallerHere, asked: FirmParameter = None) -> str:
    """Return the firm whose data a page shows: the caller's own; others choose with ``?firm=CODE``.

    Raises:
        Problem: 404, for a firm that is not there or not the caller's.
    """
    firm = await find_firm(request, caller, asked)
    if firm is None:
        known = await run_in_threadpool(firms_of, request)
        if not known:
            raise not_found()
        firm = known[0]
    request.state.firm = firm
    return firm


async def find_firm(request: Request, caller: CallerHere, asked: FirmParameter = None) -> str | None:
    """Return the firm that is asked about; None for all, which technicians and operators may ask.

    Raises:
        Problem: 404, for a firm that is not there or not the caller's.
    """
    if caller.firm is not None:
        # Whether another firm exists must not show.
        if asked not in {None, "", caller.firm}:
            raise not_found()
        return caller.firm
    if asked and asked not in await run_in_threadpool(firms_of, request):
        raise not_found()
    # An endpoint that knows better whose data it shows says so.
    request.state.firm = asked or EVERY
    return asked or None


def firms_of(request: Request) -> list[str]:
    """Return the codes of all firms, in order; for technicians and operators only."""
    asking: Asking = request.app.state.asking
    return [row["code"] for row in list_firms(asking.home)]


async def require_technician(caller: CallerHere) -> Caller:
    """Let technicians and operators pass; to anyone else there is nothing here."""
    if caller.role not in {"technician", "operator"}:
        raise not_found()
    return caller


async def require_operator(caller: CallerHere) -> Caller:
    """Let operators pass; to anyone else there is nothing here."""
    if caller.role != "operator":
        raise not_found()
    return caller


def _name_secret(request: Request) -> tuple[Kind, str] | None:
    header = request.headers.get("authorization")
    if header is not None:
        is_bearer = header[: len(BEARER)].lower() == BEARER
        return ("token", header[len(BEARER) :].strip()) if is_bearer else None
    key = request.cookies.get(SESSION_COOKIE)
    return ("session", key) if key else None


async def _check(door: Door, kind: Kind, secret: str) -> Grant | None:
    """Return what a secret opens; a thread is only taken where the registry has to be asked."""
    known = door.recall(kind, secret)
    return known[1] if known is not None else await run_in_threadpool(door.check, kind, secret)


def _caller(grant: Grant | None) -> Caller | None:
    return None if grant is None else Caller(grant.name, grant.firm, cast("Role", grant.role))
