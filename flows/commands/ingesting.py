"""``cellar ingest, status, quarantine``: what comes in and what became of it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from flows.console import (
    EXIT_CHECK,
    CellOption,
    FirmOption,
    HomeOption,
    JsonOption,
    err,
    out,
    print_json,
    print_rows,
    show_progress,
)
from flows.ingest import Receipt, ingest_paths, retry_source
from warehouse.errors import UsageError
from warehouse.home import Home, open_home
from warehouse.identity import ensure_owner
from warehouse.registry import Row
from warehouse.sentences import explain
from warehouse.sources import count_states, list_quarantine, newest_receipts

STATE_COLOURS = {"committed": "green", "quarantined": "red"}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(ingest)
    app.command()(status)
    quarantine = typer.Typer(help="Sources that were set aside, and why.", no_args_is_help=True)
    quarantine.command("list")(quarantine_list)
    quarantine.command("show")(quarantine_show)
    quarantine.command("retry")(quarantine_retry)
    app.add_typer(quarantine, name="quarantine")


def ingest(
    paths: Annotated[list[Path], typer.Argument(help="Files, folders or zips.")],
    home: HomeOption = None,
    *,
    firm: FirmOption = None,
    cell: CellOption = None,
    json: JsonOption = False,
) -> None:
    """Take in files: each is kept, read, and becomes visible, or is set aside with its reason."""
    opened = open_home(home)
    wish, added = ensure_owner(opened, firm, cell)
    # On the error stream, where it does not disturb those who read receipts.
    for sentence in added:
        err.print(sentence, style="yellow", highlight=False, markup=False)
    states: Counter[str] = Counter()
    with show_progress("Taking in") as advance:
        for receipt in ingest_paths(opened, paths, wish, advance):
            states[receipt["state"]] += 1
            if json:
                print_json(receipt)
            else:
                print_receipt(receipt)
    if not json:
        out.print(", ".join(f"{count} {state}" for state, count in sorted(states.items())) or "nothing found")
    if states["quarantined"]:
        raise typer.Exit(EXIT_CHECK)


def print_receipt(receipt: Receipt) -> None:
    """Print one receipt for a person: the file, what became of it, and what to do where something is."""
    state = receipt["state"]
    colour = STATE_COLOURS.get(state, "dim")
    what = f"{receipt['format'] or 'unknown format'}, {receipt['rows']} rows, {receipt['cycles']} cycles"
    points = f", {receipt['spectra']} impedance points" if receipt["spectra"] else ""
    owner = f" → {receipt['cell_id'] or receipt['firm']}" if receipt["firm"] else ""
    detail = f": {what}{points}{owner}" if state == "committed" else ""
    out.print(f"[{colour}]{state:<11}[/{colour}] {escape(receipt['path'] + detail)}", highlight=False)
    if state == "quarantined":
        reason = receipt["reason"]
        where = f"{reason['where']}: " if reason["where"] else ""
        out.print(
            f"            {where}{reason['en']}\n            {reason['ko']}", style="red", highlight=False, markup=False
        )
    for warning in receipt["warnings"]:
        out.print(f"            warning: {warning}", style="yellow", highlight=False, markup=False)


def status(home: HomeOption = None, *, json: JsonOption = False) -> None:
    """Count what was seen and what became of it, with the newest receipts."""
    opened = open_home(home)
    counts = count_states(opened)
    receipts = newest_receipts(opened)
    if json:
        print_json({**counts, "receipts": receipts})
        return
    print_rows([counts])
    if receipts:
        shown = [{**receipt, "file": "/".join(Path(receipt["path"]).parts[-2:])} for receipt in receipts]
        print_rows(shown, ("state", "file", "format", "rows", "cell_id"), title="\nNewest receipts")


def quarantine_list(home: HomeOption = None, *, json: JsonOption = False) -> None:
    """List what waits in quarantine."""
    rows = [_describe(source) for source in list_quarantine(open_home(home))]
    if json:
        print_json(rows)
        return
    if not rows:
        out.print("Nothing is in quarantine.")
        return
    flat = [{"sha256": row["sha256"][:12], "path": row["path"], "code": row["reason"]["code"]} for row in rows]
    print_rows(flat)
    out.print("\n'cellar quarantine show SHA256' tells what to do.", style="dim")


def quarantine_show(
    sha256: Annotated[str, typer.Argument(help="Hash of the source, or its beginning.")],
    home: HomeOption = None,
    *,
    json: JsonOption = False,
) -> None:
    """Show one source in quarantine: what happened, where, what to do."""
    opened = open_home(home)
    record = _describe(_find(opened, sha256))
    if json:
        print_json(record)
        return
    for name in ("sha256", "path", "format", "size"):
        out.print(f"{name}: {record[name] if record[name] is not None else 'unknown'}", highlight=False, markup=False)
    reason = record["reason"]
    out.print(
        f"\n{reason['code']}{' at ' + reason['where'] if reason['where'] else ''}\n{reason['en']}\n{reason['ko']}",
        markup=False,
    )
    out.print(f"\nThe raw bytes: {opened.archive.path_of(record['sha256'])}", style="dim", markup=False)


def quarantine_retry(
    sha256: Annotated[list[str] | None, typer.Argument(help="Hashes or their beginnings; all without.")] = None,
    home: HomeOption = None,
    *,
    json: JsonOption = False,
) -> None:
    """Read quarantined sources again, after a reader or a manifest was corrected."""
    opened = open_home(home)
    chosen = [_find(opened, text) for text in sha256] if sha256 else list_quarantine(opened)
    still = 0
    for source in chosen:
        receipt = retry_source(opened, source["sha256"])
        still += receipt["state"] == "quarantined"
        if json:
            print_json(receipt)
        else:
            print_receipt(receipt)
    if still:
        raise typer.Exit(EXIT_CHECK)


def _find(home: Home, beginning: str) -> Row:
    found = [source for source in list_quarantine(home) if source["sha256"].startswith(beginning.lower())]
    if len(found) != 1:
        raise UsageError(f"{len(found)} sources in quarantine begin with {beginning!r}")
    return found[0]


def _describe(source: Row) -> dict[str, Any]:
    reason = explain(source["reason_code"] or "", source["reason_detail"] or "", source["reason_where"] or "")
    return {name: source[name] for name in ("sha256", "path", "size", "format")} | {"reason": reason}
