"""What a portal's refusal is to the client in Python.

::

    CellarRefused       status, detail, document    the portal answered with a problem
    ├── LoginRefused    401    the token is wrong, revoked or over its time
    ├── NothingThere    404    there is no such thing, or it is not the caller's
    ├── WrongRequest    422    what was asked is not as the portal describes it
    ├── PortalBusy      429, 503    wait: ``retry_after`` seconds
    └── QueryFailed     code   a query of SQL has no answer: refused, wrong, time, memory, died, cancelled, busy

    AnswerCut           a warning: the answer to a query is longer than the portal gives out
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import httpx

# What a portal says when it does not say how long to wait.
WAIT_SECONDS: Final = 5.0


class AnswerCut(UserWarning):
    """An answer has fewer rows than the query found."""


class CellarRefused(Exception):  # noqa: N818 named for what happened
    """The portal answered with a problem.

    Args:
        status: the HTTP status.
        detail: what the portal says is wrong.
        document: the whole problem document.
    """

    def __init__(self, status: int, detail: str, document: Mapping[str, Any]) -> None:
        self.status = status
        self.detail = detail
        self.document = document
        super().__init__(f"{status}: {detail}")


class LoginRefused(CellarRefused):
    """The token is wrong, revoked or over its time."""


class NothingThere(CellarRefused):
    """There is no such thing, or it is not the caller's; the portal does not say which."""


class WrongRequest(CellarRefused):
    """What was asked is not as the portal describes it."""


class PortalBusy(CellarRefused):
    """Too much was asked at once.

    Args:
        status: the HTTP status.
        detail: what the portal says is wrong.
        document: the whole problem document.
        retry_after: seconds after which to ask again.
    """

    def __init__(
        self, status: int, detail: str, document: Mapping[str, Any], retry_after: float = WAIT_SECONDS
    ) -> None:
        super().__init__(status, detail, document)
        self.retry_after = retry_after


class QueryFailed(CellarRefused):
    """A query of SQL has no answer; ``code`` says why in a word, ``detail`` in a sentence."""

    @property
    def code(self) -> str:
        """Refused, wrong, time, memory, died, cancelled or busy."""
        return str(self.document.get("code", ""))


KINDS: Final[Mapping[int, type[CellarRefused]]] = {
    HTTPStatus.UNAUTHORIZED: LoginRefused,
    HTTPStatus.NOT_FOUND: NothingThere,
    HTTPStatus.UNPROCESSABLE_ENTITY: WrongRequest,
}
BUSY: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})


def read_refusal(answer: httpx.Response) -> CellarRefused:
    """Return what a portal's refusal is."""
    # A proxy in between answers with pages of its own.
    is_problem = "json" in answer.headers.get("content-type", "")
    document: Mapping[str, Any] = answer.json() if is_problem else {"detail": answer.reason_phrase}
    told = (answer.status_code, _tell(document), document)
    if "code" in document:
        return QueryFailed(*told)
    if answer.status_code in BUSY:
        return PortalBusy(*told, _read_seconds(answer.headers.get("retry-after", "")))
    return KINDS.get(answer.status_code, CellarRefused)(*told)


def _tell(document: Mapping[str, Any]) -> str:
    """Return what is wrong, with the parameters that are."""
    wrong = document.get("errors") or []
    places = "; ".join(f"{one['where']}: {one['what']}" for one in wrong)
    return f"{document.get('detail', '')}{f' ({places})' if places else ''}"


def _read_seconds(text: str) -> float:
    # The header may hold a date instead, which only proxies send.
    return float(text) if text.isdecimal() else WAIT_SECONDS
