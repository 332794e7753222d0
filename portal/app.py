"""The portal as one ASGI application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from os import PathLike
from typing import TYPE_CHECKING, Final

from fastapi import FastAPI

from portal import api, pages
from portal.api.shared import PAGES_BYTES, PROBLEM
from portal.asking import Asking, Kept
from portal.door import Door
from portal.guard import Guard
from portal.options import PortalOptions
from portal.problems import answer_errors
from portal.ready import Ready
from portal.sandbox.serving import PortalSandbox
from portal.statics import static_files
from portal.trail import Trail
from portal.uploads import Uploads
from portal.warm import warm_up
from warehouse.access.provider import parse_provider
from warehouse.home import Home, open_home

if TYPE_CHECKING:
    from portal.oidc import SiteLogin

API_PREFIX: Final = "/api/v1"
TITLE: Final = "Cellar"
# What any request may be answered with.
ALWAYS: Final[tuple[int | str, ...]] = (401, 404, 422, 429)


def build_app(home_folder: str | PathLike[str], options: PortalOptions | None = None) -> FastAPI:
    """Build the portal of a home.

    Args:
        home_folder: the home.
        options: how it is started.
    """
    options = options or PortalOptions()
    home = open_home(home_folder, options.registry_url)
    closing = ExitStack()
    asking, trail = Asking(home), Trail(home)
    # Closed in turn, the last one first: what still writes comes before the home.
    closing.callback(asking.close)
    closing.callback(trail.close)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        # Before anybody is let in: beside the first answers it would take longer, and so would they.
        warm_up()
        with closing:
            yield

    app = FastAPI(
        title=TITLE,
        version="1",
        description=api.DESCRIPTION,
        lifespan=lifespan,
        openapi_url=f"{API_PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.state.options, app.state.asking, app.state.trail, app.state.door = options, asking, trail, Door(home)
    app.state.pages = Kept(lambda page: len(page.body), PAGES_BYTES)
    app.state.ready = Ready(app.state.door, asking, app.state.pages)
    app.state.uploads = Uploads(home)
    app.state.site_login = _open_login(home, closing)
    # What else has to be closed with the portal is put here: ``app.state.closing.callback(close)``.
    app.state.closing = closing
    app.state.sandbox = PortalSandbox(home)
    closing.callback(app.state.sandbox.close)
    for router in api.ROUTERS:
        app.include_router(router, prefix=API_PREFIX, responses=dict.fromkeys(ALWAYS, PROBLEM))
    for router in pages.ROUTERS:
        app.include_router(router, include_in_schema=False)
    # Behind the routes, which are looked through in their order.
    app.mount("/static", static_files(), name="static")
    answer_errors(app)
    app.add_middleware(Guard, options=options, trail=trail, ready=app.state.ready)
    return app


def _open_login(home: Home, closing: ExitStack) -> SiteLogin | None:
    """Return the site's own log-in, where its settings name a provider."""
    provider = parse_provider(home.settings.portal)
    if provider is None:
        return None
    # Its libraries are imported by the portals that need them.
    from portal.oidc import SiteLogin  # noqa: PLC0415 see above

    login = SiteLogin(provider)
    closing.callback(login.close)
    return login
