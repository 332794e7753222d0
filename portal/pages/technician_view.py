"""What the technicians' pages share: whose turn it is, names of drops, the cells to choose from, and the way back."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple
from urllib.parse import quote, urlencode

from fastapi import Depends, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse

from portal.callers import Caller, require_technician
from portal.translation import Language, translator
from warehouse.errors import UsageError
from warehouse.identity import find_cell
from warehouse.sentences import split_reason

if TYPE_CHECKING:
    from portal.trail import Trail
    from warehouse.home import Home
    from warehouse.registry import Row

MOST_CELLS: Final = 2_000
LONGEST_NAME: Final = 400
TechnicianHere = Annotated[Caller, Depends(require_technician)]
# What the ledger says of bytes that it knows: where they lay first, and what became of them.
FIRST: Final = re.compile(r"\(first as (?P<path>.+): (?P<state>\w+)\)")
PLACE: Final = re.compile(
    r"(?:byte (?P<byte>\d+))?(?:, )?(?:line (?P<line>\d+))?(?:, )?(?:column (?P<column>.+))?", re.DOTALL
)
FirmField = Annotated[str, Form(max_length=100)]
CellField = Annotated[str, Form(max_length=LONGEST_NAME)]


class DropName(NamedTuple):
    """A drop as a technician knows it: the folder below the inbox, and the name."""

    folder: str
    name: str


def home_of(request: Request) -> Home:
    """Return the platform that a request is about."""
    home: Home = request.app.state.asking.home
    return home


def trail_of(request: Request) -> Trail:
    """Return the way into the audit log."""
    trail: Trail = request.app.state.trail
    return trail


def name_drop(home: Home, shown: str) -> DropName:
    """Return folder and name of a drop; of one in an inbox, the folder below that, for the rest is always the same."""
    # A mark separates an archive from its member; both are the name.
    outside, mark, inside = shown.partition("!")
    path = Path(outside)
    for inbox in home.settings.inboxes:
        if path.is_relative_to(home.folder / inbox):
            path = path.relative_to(home.folder / inbox)
            break
    folder = "" if path.parent == Path() else f"{path.parent}{os.sep}"
    return DropName(folder, f"{path.name}{mark}{inside}")


def tell_reason(home: Home, reason: Mapping[str, str] | None, language: Language) -> tuple[str, str]:
    """Return what happened and what to do, with names of files as technicians know them."""
    if not reason or not reason["code"]:
        return "", ""
    happened, to_do = split_reason(dict(reason), language)
    first = FIRST.search(happened)
    if first is not None:
        named = "".join(name_drop(home, first["path"]))
        happened = happened[: first.start()] + translator(language)("First dropped as {path}.", path=named)
    return happened, to_do


def tell_place(where: str | None, language: Language) -> str:
    """Return a place in a file, as ``warehouse.errors.QuarantineError.where`` writes it, in the page's language."""
    found = PLACE.fullmatch(where or "")
    if found is None:
        return where or ""
    said = translator(language)
    places = [
        said("byte {number}", number=f"{int(found['byte']):,}") if found["byte"] else "",
        said("line {number}", number=found["line"]) if found["line"] else "",
        said("column {name}", name=found["column"]) if found["column"] else "",
    ]
    return ", ".join(place for place in places if place)


def list_cells(request: Request) -> list[tuple[str, str]]:
    """Return firm and name of every cell, for a list to choose from; of very many the first."""
    frame = request.app.state.asking.ask("cells", None).select("firm", "cell_id").sort("firm", "cell_id")
    return list(frame.head(MOST_CELLS).rows())


def find_named_cell(request: Request, firm: str, cell: str) -> Row | None:
    """Return the cell that a form names, or None where there is none, or several firms have one."""
    try:
        return find_cell(home_of(request), cell.strip(), firm or None)
    except UsageError:
        return None


def read_moment(home: Home, text: str) -> float | None:
    """Return a moment that a form gives in the site's zone, in seconds since 1970.

    Raises:
        ValueError: it is no moment.
    """
    if not text.strip():
        return None
    moment = datetime.fromisoformat(text.strip())
    return (moment if moment.tzinfo else moment.replace(tzinfo=home.settings.zone_info)).timestamp()


def go_to(path: str, **said: str) -> RedirectResponse:
    """Lead to a page that says how it went; loading that again repeats nothing."""
    query = urlencode({name: value for name, value in said.items() if value})
    return RedirectResponse(quote(path) + (f"?{query}" if query else ""), HTTPStatus.SEE_OTHER)
