"""``cellar alerts``: what somebody should look at."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from flows.console import FirmOption, HomeOption, JsonOption, out, print_json, print_rows
from warehouse.alerts.find import list_alerts
from warehouse.alerts.words import KINDS
from warehouse.errors import UsageError
from warehouse.home import open_home
from warehouse.registry import FIRM

SHOWN: Final = ("first_seen_date", "firm", "kind", "state", "says")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(alerts)


def alerts(
    home: HomeOption = None,
    *,
    firm: FirmOption = None,
    closed: Annotated[bool, typer.Option("--all", help="Those that no longer hold, too.")] = False,
    json: JsonOption = False,
) -> None:
    """List what somebody should look at, as of the last night; without a firm the operators' own too."""
    opened = open_home(home)
    if firm is not None and opened.registry.row(FIRM, code=firm) is None:
        raise UsageError(f"there is no firm {firm!r}")
    rows = list_alerts(opened, firm, closed=closed)
    if json:
        print_json(rows)
        return
    for row in rows:
        row |= {"kind": KINDS[row["kind"]].en, "says": f"{row['sentence_en']}\n{row['sentence_ko']}"}
    print_rows([{name: row[name] for name in SHOWN} for row in rows])
    out.print(f"{sum(row['state'] == 'open' for row in rows)} open.")
