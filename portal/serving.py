"""The portal as a process: uvicorn around the application, stopped by Ctrl-C or SIGTERM."""

from __future__ import annotations

import logging
import os
import sys
import threading
from typing import TYPE_CHECKING, Final

import uvicorn

from flows.together import BOUND_VARIABLE
from portal.app import build_app
from portal.options import PortalOptions
from warehouse.access.tokens import list_tokens

if TYPE_CHECKING:
    from warehouse.home import Home

log: Final = logging.getLogger("cellar.portal")

# Open streams, of receipts, would otherwise keep a stopped portal up.
GRACE_SECONDS: Final = 5


def serve_portal(home: Home, host: str, port: int, *, secure: bool = False, origins: tuple[str, ...] = ()) -> None:
    """Serve the portal of a home until stopped.

    Args:
        home: the platform; the portal opens it for itself.
        host: the address to listen on.
        port: the port.
        secure: whether it is reached by https alone.
        origins: addresses of proxies from which forms may come.
    """
    server = make_server(home, host, port, secure=secure, origins=origins)
    if os.environ.get(BOUND_VARIABLE):
        threading.Thread(target=_end_with_input, args=(server,), daemon=True).start()
    server.run()


def make_server(
    home: Home, host: str, port: int, *, secure: bool = False, origins: tuple[str, ...] = ()
) -> uvicorn.Server:
    """Return the server of a home's portal, ready to run; see :func:`serve_portal`."""
    logging.getLogger("cellar.portal").setLevel(logging.INFO)
    if not list_tokens(home):
        log.warning("nobody can log in yet; 'cellar token create' gives out a token")
    options = PortalOptions(home.registry_url, secure=secure, origins=origins)
    log.info(tell_address(host, port, secure=secure))
    config = uvicorn.Config(
        build_app(home.folder, options),
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        # Only a proxy on this machine is believed about who asks.
        forwarded_allow_ips="127.0.0.1",
    )
    return uvicorn.Server(config)


def tell_address(host: str, port: int, *, secure: bool) -> str:
    """Return where the portal is, as it is told at its start."""
    # What listens on every address is reached by none of that name.
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104 only compared
    address = f"http://{shown}:{port}"
    if secure:
        return f"portal listens at {address} for the proxy that speaks https; log in at the proxy's address, not here"
    more = " and at every address of this machine" if shown != host else ""
    return f"portal at {address}{more}; open it in a browser and log in with a token"


def _end_with_input(server: uvicorn.Server) -> None:
    """End the server when whoever started it is gone."""
    while sys.stdin.buffer.read(1):
        pass
    server.should_exit = True
