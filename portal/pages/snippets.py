"""The view on screen as code: the call of the API, and the same in Python."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlencode

from portal.pages.firm_view import View

FORMATS: Final = ("csv", "parquet", "arrow", "json")


@dataclass(frozen=True)
class Snippets:
    """Code for a view.

    Args:
        curl: a call for a shell.
        python: the same by the client.
        downloads: address of each format.
    """

    curl: str
    python: str
    downloads: dict[str, str]


def write_snippets(view: View, query: str, *, cell: str | None = None, cells: tuple[str, ...] = ()) -> Snippets:
    """Write the call that answers a question, about one cell, several, or all.

    Args:
        view: who looks at what.
        query: the question.
        cell: only this cell.
        cells: only these.
    """
    named = (cell,) if cell else cells
    address = f"/api/v1/queries/{query}"
    host = str(view.request.base_url).rstrip("/")
    parameters = "&".join(f"cell={quote(name, safe='')}" for name in named)
    # Tokens of a firm name it by themselves.
    more = "" if view.caller.firm else urlencode({"firm": view.firm})
    asked = "&".join(part for part in (parameters, more) if part)
    full = f"{host}{address}?{f'{asked}&' if asked else ''}format=csv"
    curl = f'curl -H "Authorization: Bearer $CELLAR_TOKEN" \\\n  "{full}"'
    return Snippets(
        curl,
        _write_python(host, query, named, view),
        {name: f"{address}?{f'{asked}&' if asked else ''}format={name}" for name in FORMATS}
        | {"xlsx": f"/data/{query}.xlsx{f'?{asked}' if asked else ''}"},
    )


def _write_python(host: str, query: str, cells: tuple[str, ...], view: View) -> str:
    arguments = [repr(query)]
    if cells:
        arguments.append(f"cell={(cells[0] if len(cells) == 1 else list(cells))!r}")
    if view.caller.firm is None:
        arguments.append(f"firm={view.firm!r}")
    lines = [
        "import os",
        "",
        "from portal.client import Cellar",
        "",
        # The token stays out of what people paste into notebooks.
        f'cellar = Cellar({host!r}, os.environ["CELLAR_TOKEN"])',
        f"frame = cellar.query({', '.join(arguments)})",
    ]
    return "\n".join(lines)
