"""Coming in and going out: log-in with a token, log-out, and the way to the first page."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal.callers import SESSION_COOKIE, Caller, get_caller
from portal.door import Door
from portal.guard import Buckets, address_of
from portal.options import PortalOptions
from portal.problems import Problem
from portal.templating import render

router: Final = APIRouter()

START: Final = {"firm": "/overview", "technician": "/receipts", "operator": "/operations"}
SECONDS_PER_MINUTE: Final = 60.0


@router.get("/")
def show_start(caller: Annotated[Caller, Depends(get_caller)]) -> Response:
    """Lead to the first page of a role."""
    return RedirectResponse(START[caller.role], HTTPStatus.SEE_OTHER)


@router.get("/login")
def show_login(request: Request, next: str = "/") -> Response:  # noqa: A002 the name in the address
    """Show the form to log in."""
    return render(request, "login.html", next=inside(next), refused=False, oidc=_has_provider(request))


@router.post("/login")
def log_in(request: Request, token: Annotated[str, Form()], next: Annotated[str, Form()] = "/") -> Response:  # noqa: A002 the name of the field
    """Log in with a token."""
    refuse_guessing(request)
    door: Door = request.app.state.door
    key = door.log_in(token.strip())
    if key is None:
        return show_refusal(request, inside(next))
    return keep_session(request, key, inside(next))


@router.post("/logout")
def log_out(request: Request) -> Response:
    """End the session."""
    door: Door = request.app.state.door
    key = request.cookies.get(SESSION_COOKIE)
    if key:
        door.log_out(key)
    # Also where no session was found: the browser should not keep a dead one.
    response = RedirectResponse("/login", HTTPStatus.SEE_OTHER)
    response.delete_cookie(SESSION_COOKIE)
    return response


def keep_session(request: Request, key: str, target: str) -> Response:
    """Return the way on, with a session for the browser to keep."""
    options: PortalOptions = request.app.state.options
    response = RedirectResponse(target, HTTPStatus.SEE_OTHER)
    response.set_cookie(SESSION_COOKIE, key, httponly=True, samesite="lax", secure=options.secure, path="/")
    return response


def show_refusal(request: Request, target: str) -> Response:
    """Show the form to log in again, and that it did not work."""
    oidc = _has_provider(request)
    return render(request, "login.html", next=target, refused=True, oidc=oidc, code=HTTPStatus.UNAUTHORIZED)


def _has_provider(request: Request) -> bool:
    return request.app.state.site_login is not None


def inside(target: str) -> str:
    """Return a target within the portal: a link to the log-in must not lead elsewhere behind it."""
    is_inside = target.startswith("/") and not target.startswith(("//", "/\\")) and target.isprintable()
    return target if is_inside else "/"


def refuse_guessing(request: Request) -> None:
    """Let an address try no more log-ins than the portal allows.

    Raises:
        Problem: 429, it has to wait.
    """
    state = request.app.state
    if not hasattr(state, "logins"):
        options: PortalOptions = state.options
        state.logins = Buckets(options.logins_per_minute / SECONDS_PER_MINUTE, options.logins_per_minute)
    wait = state.logins.take(address_of(request.scope))
    if wait > 0:
        headers = {"Retry-After": str(int(wait) + 1)}
        raise Problem(HTTPStatus.TOO_MANY_REQUESTS, "Too many log-ins were tried; wait a little.", headers=headers)
