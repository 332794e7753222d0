"""What every page of a firm shares: whose data it shows, questions about it, links that keep the firm, and words."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import quote, urlencode

import polars as pl
from fastapi import Depends
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from portal.callers import Caller, firms_of, get_caller, get_firm
from portal.charts.groups import say_group
from portal.charts.text import Text, Voice
from portal.pages.amounts import write_amount, write_percent
from portal.problems import not_found
from portal.reasons import explain
from portal.templating import language_of, render
from portal.translation import Language, translator

if TYPE_CHECKING:
    from portal.asking import Asking

# Parameters of an address that say how to show, and not what.
OF_THE_FRAME: Final = frozenset({"lang", "firm"})


@dataclass(frozen=True)
class View:
    """A firm's pages as one caller sees them.

    Args:
        request: the request.
        caller: who asks.
        firm: whose data is shown.
    """

    request: Request
    caller: Caller
    firm: str

    @property
    def asking(self) -> Asking:
        """What answers questions."""
        asking: Asking = self.request.app.state.asking
        return asking

    @property
    def language(self) -> Language:
        """The language of the page."""
        return language_of(self.request)

    @property
    def voice(self) -> Voice:
        """The language with its words."""
        return Voice(self.language, translator(self.language))

    def ask(self, name: str, *, cell: str | None = None, test: str | None = None) -> pl.DataFrame:
        """Answer a named question for the firm.

        Raises:
            UsageError: the firm has no such cell or test; the portal answers 404.
        """
        return self.asking.ask(name, self.firm, cell=cell, test=test)

    def find(self, name: str, cell: str) -> dict[str, Any] | None:
        """Return the row of a question about one cell, or None."""
        rows = self.ask(name, cell=cell)
        return rows.row(0, named=True) if rows.height else None

    def find_cell(self, cell: str) -> dict[str, Any]:
        """Return a cell of the firm.

        Raises:
            Problem: 404, where the firm has none of this name.
        """
        cells = self.ask("cells").filter(pl.col("cell_id") == cell)
        if cells.is_empty():
            raise not_found()
        return cells.row(0, named=True)

    # Every link is made here, for one that forgets the firm would show a technician another one's data.
    def link(self, path: str, *pairs: tuple[str, object], **more: object) -> str:
        """Return an address within the portal; who sees all firms stays with this one."""
        chosen = [(name, value) for name, value in (*pairs, *more.items()) if value is not None and value != ""]
        if self.caller.firm is None:
            chosen.append(("firm", self.firm))
        return path + (f"?{urlencode(chosen)}" if chosen else "")

    def link_cell(self, cell: str, **more: object) -> str:
        """Return the address of a cell's page."""
        return self.link(f"/cells/{quote(cell, safe='')}", **more)

    def link_wafer(self, lot: str | None, wafer: str, **more: object) -> str:
        """Return the address of a wafer's page."""
        return self.link("/wafers/one", lot=lot, wafer=wafer, **more)

    def explain_number(self, query: str, column: str, **of: object) -> str:
        """Return the address of the page that says where a number comes from."""
        return self.link("/why", query=query, column=column, **of)

    def name_state(self) -> list[tuple[str, str]]:
        """Return what the address of this page says of its contents, without language and firm."""
        return [pair for pair in self.request.query_params.multi_items() if pair[0] not in OF_THE_FRAME]

    def tell(self, sentences: Iterable[Text | None]) -> list[str]:
        """Return texts in the page's language."""
        return [sentence.say(self.voice) for sentence in sentences if sentence is not None]

    def tell_reason(self, area: str, code: str | None, *, brief: bool = False) -> str:
        """Return what the warehouse says of a code, empty for none; unless it is to be brief, with what to do."""
        sentence = explain(area, code, brief=brief)
        return sentence.say(self.voice) if sentence is not None else ""

    def render(self, template: str, **values: Any) -> HTMLResponse:
        """Return a page; templates get ``view``, ``to``, ``to_cell``, ``to_wafer``, ``why`` and ``reason`` besides."""
        shared = {"view": self, "firm": self.firm, "to": self.link, "to_cell": self.link_cell, "tell": self.tell}
        shared |= {"percent": write_percent, "amount": write_amount}
        shared |= {"say_group": lambda name: say_group(name, self.voice)}
        shared |= {"to_wafer": self.link_wafer, "why": self.explain_number, "reason": self.tell_reason}
        shared |= {"data_of": self.link_chart, "say": lambda text: text.say(self.voice), "kept": self.keep_part}
        # Only who sees all firms chooses among them.
        shared["firms"] = [] if self.caller.firm else firms_of(self.request)
        return render(self.request, template, **shared, **values)

    def keep_part(self, name: str, *shape: Hashable, caller: Callable[[], str]) -> Markup:
        """Return a part of a page, written anew when the firm's data have changed: ``{% call kept("cells", find) %}``.

        Nothing of who asks may stand in it: everyone gets it who sees the firm, in the same language. Nor may anything
        of the sources or of the night, which change while the firm's data stand.

        Args:
            name: tells it from the other parts of all pages.
            shape: whatever of the request shapes it.
            caller: writes it.
        """
        # Links of those who see all firms name this one.
        key = (name, self.language, self.caller.firm is None, *shape)
        return Markup(self.asking.keep_part(key, self.firm, lambda: str(caller())))  # noqa: S704 a template wrote it

    def link_chart(self, name: str, *pairs: tuple[str, object], **more: object) -> str:
        """Return the address of a chart's data, in the language of the page."""
        return self.link(f"/charts/{name}", *pairs, **more, lang=self.language)


async def get_view(
    request: Request, caller: Annotated[Caller, Depends(get_caller)], firm: Annotated[str, Depends(get_firm)]
) -> View:
    """Return the view of the firm that is asked about."""
    return View(request, caller, firm)


ViewHere = Annotated[View, Depends(get_view)]
