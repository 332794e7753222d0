"""Log-in with the site's own account, where the settings name a provider."""

from __future__ import annotations

import logging
import secrets
from http import HTTPStatus
from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal.oidc import LoginRefused, SiteLogin
from portal.options import PortalOptions
from portal.pages.entry import inside, keep_session, refuse_guessing, show_refusal
from portal.problems import not_found

router: Final = APIRouter()
log: Final = logging.getLogger("cellar.portal")

STATE_COOKIE: Final = "cellar_login"
STATE_SECONDS: Final = 600
BACK: Final = "/login/site/back"


@router.get("/login/site")
def begin_login(request: Request, next: str = "/") -> Response:  # noqa: A002 the name in the address
    """Send the browser to the provider."""
    refuse_guessing(request)
    options: PortalOptions = request.app.state.options
    # Behind a proxy its own address is the one that the provider knows.
    outside = options.origins[0] if options.origins else str(request.base_url).rstrip("/")
    try:
        state, address = _provider(request).begin(outside + BACK, inside(next))
    except LoginRefused as error:
        return _refuse(request, error)
    response = RedirectResponse(address, HTTPStatus.SEE_OTHER)
    # Lax and not strict: the way back begins on the provider's page.
    response.set_cookie(
        STATE_COOKIE, state, max_age=STATE_SECONDS, httponly=True, samesite="lax", secure=options.secure
    )
    return response


@router.get(BACK)
def end_login(request: Request, state: str = "", code: str = "") -> Response:
    """Let in whom the provider sends back."""
    try:
        _refuse_other_browser(request, state)
        grant, target = _provider(request).end(state, code)
    except LoginRefused as error:
        return _refuse(request, error)
    response = keep_session(request, request.app.state.door.let_in(grant), target)
    response.delete_cookie(STATE_COOKIE)
    return response


def _provider(request: Request) -> SiteLogin:
    found: SiteLogin | None = request.app.state.site_login
    if found is None:
        raise not_found()
    return found


def _refuse_other_browser(request: Request, state: str) -> None:
    kept = request.cookies.get(STATE_COOKIE, "")
    if not state or not secrets.compare_digest(state.encode(), kept.encode()):
        raise LoginRefused("another browser began this log-in")


def _refuse(request: Request, error: LoginRefused) -> Response:
    log.warning("a log-in with the site's account was refused: %s", error)
    return show_refusal(request, "/")
