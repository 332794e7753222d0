"""Answers that are ready: given before to the same firm at the same address, and made of nothing that has changed.

Such an answer is found again on the event loop, before routes are searched, arguments checked and threads changed,
which together take several times as long. It is as private as before: a firm's answers are found by its own callers
alone, for the firm is part of the key; so is everything of the request that shapes an answer. It stands for as long as
the firm's moment does, and no cookie, name or form of a person is in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from starlette.requests import Request

from portal.answers import Given, is_known, not_modified
from portal.callers import recall_caller
from portal.templating import language_of

if TYPE_CHECKING:
    from collections.abc import Hashable

    from starlette.responses import Response
    from starlette.types import Scope

    from portal.answers import Page
    from portal.asking import Asking, Kept
    from portal.callers import Caller
    from portal.door import Door

MOST_KNOWN: Final = 20_000


@dataclass(frozen=True)
class _Known:
    """An answer that was given: of which moment, how, and by which route, which the audit log tells."""

    moment: str
    given: Given
    route: Any


class Ready:
    """Finds answers again.

    Args:
        door: knows who asks.
        asking: knows whether anything has changed.
        pages: where the bytes are kept, by their tags.
    """

    def __init__(self, door: Door, asking: Asking, pages: Kept[Page]) -> None:
        self._door = door
        self._asking = asking
        self._pages = pages
        self._known: dict[Hashable, _Known] = {}

    def find(self, scope: Scope) -> Response | None:
        """Return the answer to a request that was answered before; None where the application has to answer."""
        if scope["method"] != "GET" or not self._known:
            return None
        request = Request(scope)
        caller = recall_caller(request, self._door)
        # Who sees all firms names one in the address, which is checked elsewhere.
        if caller is None or caller.firm is None:
            return None
        known = self._known.get(_key(request, caller))
        if known is None or known.moment != self._asking.recall_moment(caller.firm):
            return None
        page = self._pages.look(known.given.tag)
        if page is None:
            return None
        request.state.caller, request.state.firm = caller, caller.firm
        scope["route"] = known.route
        return not_modified(known.given.tag) if is_known(request, known.given.tag) else known.given.answer(page)

    def note(self, request: Request, moment: str, given: Given) -> None:
        """Note that a page was given, for others who ask the same.

        Args:
            request: what was asked.
            moment: the moment of the caller's firm, of which the page is made and of nothing else.
            given: the page.
        """
        caller: Caller = request.state.caller
        if caller.firm is None or request.method != "GET":
            return
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        self._known[_key(request, caller)] = _Known(moment, given, request.scope.get("route"))


def _key(request: Request, caller: Caller) -> Hashable:
    scope = request.scope
    accepted = request.headers.get("accept")
    return caller.firm, caller.role, scope["path"], scope["query_string"], accepted, language_of(request)
