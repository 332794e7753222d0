"""The guard before every answer: headers, the origin of forms, how much a caller may ask, and the audit of reads."""

from __future__ import annotations

import hashlib
import threading
import time
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders

from portal.callers import SESSION_COOKIE, Caller
from portal.headers import HEADERS
from portal.problems import Problem, problem_document

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from portal.options import PortalOptions
    from portal.ready import Ready
    from portal.trail import Trail

STRICT_TRANSPORT: Final = "max-age=31536000"
UNCHANGING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
CALLERS_OF_ONE_ADDRESS: Final = 10
MOST_BUCKETS: Final = 10_000
NOT_COUNTED: Final = ("/static/", "/healthz")
REFUSED: Final = 400


class Guard:
    """An ASGI middleware around the whole portal.

    Args:
        app: what answers.
        options: what is allowed.
        trail: where reads are noted.
        ready: answers that take no way through the portal.
    """

    def __init__(self, app: ASGIApp, options: PortalOptions, trail: Trail, ready: Ready) -> None:
        self._app = app
        self._options = options
        self._trail = trail
        self._ready = ready
        self._requests = Buckets(options.rate_per_second, options.burst)
        self._addresses = Buckets(
            options.rate_per_second * CALLERS_OF_ONE_ADDRESS, options.burst * CALLERS_OF_ONE_ADDRESS
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        problem = self._refuse(scope, headers)

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._dress(scope, MutableHeaders(scope=message))
                self._note(scope, message["status"])
            await send(message)

        answer = problem_document(problem) if problem is not None else self._ready.find(scope) or self._app
        await answer(scope, receive, send_guarded)

    def _refuse(self, scope: Scope, headers: Headers) -> Problem | None:
        """Return why a request is not even looked at."""
        if not self._is_own(scope, headers):
            return Problem(403, "This was sent from a page of another origin.")
        if scope["path"].startswith(NOT_COUNTED):
            return None
        # Whoever makes up a new secret for each request is one address still.
        wait = max(self._addresses.take(address_of(scope)), self._requests.take(_name_caller(scope, headers)))
        if wait > 0:
            return Problem(429, "Too many requests; wait a little.", headers={"Retry-After": str(int(wait) + 1)})
        return None

    def _is_own(self, scope: Scope, headers: Headers) -> bool:
        """Whether a request that changes something comes from a page of ours, where a browser's cookie speaks for it.

        A token in a header is put there by a program, which no foreign page can make a browser do.
        """
        if scope["method"] in UNCHANGING or "authorization" in headers:
            return True
        origin = headers.get("origin") or _origin_of(headers.get("referer", ""))
        if not origin:
            # A browser names its origin with every form; what names none and has no cookie is a program.
            return SESSION_COOKIE not in headers.get("cookie", "")
        return urlsplit(origin).netloc == headers.get("host") or origin in self._options.origins

    def _dress(self, scope: Scope, headers: MutableHeaders) -> None:
        for name, value in HEADERS.items():
            headers.setdefault(name, value)
        if self._options.secure:
            headers.setdefault("strict-transport-security", STRICT_TRANSPORT)
        if not scope["path"].startswith("/static/"):
            # A firm's data lies in no shared cache, and an answer to one caller is not shown to the next.
            headers.setdefault("cache-control", "private, no-cache")
            headers.add_vary_header("Authorization")
            headers.add_vary_header("Cookie")

    def _note(self, scope: Scope, status: int) -> None:
        state = scope.get("state", {})
        # What changes something writes itself down before it is answered.
        caller: Caller | None = state.get("caller")
        route = scope.get("route")
        if caller is None or status >= REFUSED or scope["method"] not in UNCHANGING or scope["path"] == "/healthz":
            return
        self._trail.note(caller, f"read {getattr(route, 'path', '')}", scope["path"], state.get("firm", caller.firm))


class Buckets:
    """A bucket of requests for each caller, filled evenly.

    Args:
        per_second: how fast it is filled; 0 for no limit.
        burst: how many it holds.
    """

    def __init__(self, per_second: float, burst: float) -> None:
        self._per_second = per_second
        self._burst = burst
        self._levels: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def take(self, name: str) -> float:
        """Take one request out of a caller's bucket; returns how many seconds to wait, 0 where there was one."""
        if self._per_second <= 0:
            return 0.0
        now = time.monotonic()
        with self._lock:
            if len(self._levels) >= MOST_BUCKETS:
                self._forget_full(now)
            # Whoever was not seen yet, or was forgotten, has a full bucket.
            level, since = self._levels.get(name, (self._burst, now))
            level = min(self._burst, level + (now - since) * self._per_second)
            self._levels[name] = (max(level - 1, 0.0) if level >= 1 else level, now)
        return 0.0 if level >= 1 else (1 - level) / self._per_second

    def _forget_full(self, now: float) -> None:
        full = [
            name
            for name, (level, since) in self._levels.items()
            if level + (now - since) * self._per_second >= self._burst
        ]
        for name in full or list(self._levels)[: MOST_BUCKETS // 2]:
            del self._levels[name]


def address_of(scope: Scope) -> str:
    """Return the address that a request comes from."""
    client = scope.get("client")
    return str(client[0]) if client else "nowhere"


def _name_caller(scope: Scope, headers: Headers) -> str:
    secret = headers.get("authorization") or headers.get("cookie")
    # An address without a secret has one bucket; so has each secret, wherever it is used from.
    return hashlib.sha256(secret.encode()).hexdigest() if secret else address_of(scope)


def _origin_of(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
