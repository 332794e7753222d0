"""``cellar ingest, status, receipt, unassigned, backfill``: what comes in and what became of it."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from flows.accounts import Receipt
from flows.backfill import run_backfill
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
    word_warnings,
)
from flows.ingest import ingest_paths
from flows.receipts import follow_receipts
from warehouse.errors import UsageError
from warehouse.home import open_home
from warehouse.identity import ensure_owner
from warehouse.sources import count_states, newest_receipts, receipts_of
from warehouse.unassigned import unassigned_tests

STATE_COLOURS = {"committed": "green", "quarantined": "red"}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(ingest)
    app.command()(status)
    app.command("receipt")(show_receipts)
    app.command("unassigned")(list_unassigned)
    app.command()(backfill)


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
    for line in word_warnings(added):
        err.print(line, style="yellow", highlight=False, markup=False)
    states: Counter[str] = Counter()
    with show_progress("Taking in") as advance:
        for receipt in ingest_paths(opened, paths, wish, advance):
            states[receipt["state"]] += 1
            _print_one(receipt, json=json)
    if not json:
        out.print(", ".join(f"{count} {state}" for state, count in sorted(states.items())) or "nothing found")
    if states["quarantined"]:
        raise typer.Exit(EXIT_CHECK)


def print_receipt(receipt: Receipt) -> None:
    """Print one receipt for a person: the file, what became of it, and what to do where something is."""
    state, reason = receipt["state"], receipt["reason"]
    colour = STATE_COLOURS.get(state, "dim")
    out.print(f"[{colour}]{state:<11}[/{colour}] {escape(receipt['path'] + _say_content(receipt))}", highlight=False)
    if state == "quarantined":
        where = f"{reason['where']}: " if reason["where"] else ""
        _print_below(f"{where}{reason['en']}", "red")
        _print_below(reason["ko"], "red")
    elif state == "committed" and reason:
        _print_below(reason["en"], "dim")
    for line in word_warnings(receipt["warnings"]):
        _print_below(line, "yellow")


def _say_content(receipt: Receipt) -> str:
    if receipt["state"] != "committed" or receipt["kind"] == "manifest":
        return ""
    new = receipt["new_rows"]
    onward = f" ({new} new)" if 0 < new < receipt["rows"] else ""
    points = f", {receipt['spectra']} impedance points" if receipt["spectra"] else ""
    owner = f" → {receipt['cell_id'] or receipt['firm']}" if receipt["firm"] else ""
    return f": {receipt['format']}, {receipt['rows']} rows{onward}, {receipt['cycles']} cycles{points}{owner}"


def _print_below(text: str, style: str) -> None:
    out.print(f"            {text}", style=style, highlight=False, markup=False)


def status(
    home: HomeOption = None,
    *,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on with every receipt that comes, until stopped.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Count what was seen and what became of it, with the newest receipts."""
    opened = open_home(home)
    counts = count_states(opened)
    receipts = newest_receipts(opened)
    if json:
        print_json({**counts, "receipts": receipts})
    else:
        print_rows([counts])
        if receipts:
            shown = [{**receipt, "file": "/".join(Path(receipt["path"]).parts[-2:])} for receipt in receipts]
            print_rows(shown, ("state", "file", "format", "rows", "cell_id"), title="\nNewest receipts")
    if follow:
        with suppress(KeyboardInterrupt):
            for receipt in follow_receipts(opened):
                _print_one(receipt, json=json)


def show_receipts(
    path_or_sha256: Annotated[str, typer.Argument(help="A file's path or the end of it, or a hash or its beginning.")],
    home: HomeOption = None,
    *,
    json: JsonOption = False,
) -> None:
    """Show all receipts of one file, the newest first."""
    receipts = receipts_of(open_home(home), path_or_sha256)
    if not receipts:
        raise UsageError(f"there is no receipt for {path_or_sha256!r}")
    if json:
        print_json(receipts)
    else:
        print_history(receipts)


def print_history(receipts: list[Receipt]) -> None:
    """Print the receipts of one file for a person, each with its time."""
    for receipt in receipts:
        at = datetime.fromtimestamp(receipt["at_unix_second"], UTC)
        out.print(f"\n{at:%Y-%m-%d %H:%M:%S} UTC", style="dim", highlight=False)
        print_receipt(receipt)


def list_unassigned(home: HomeOption = None, *, json: JsonOption = False) -> None:
    """List the tests that are nobody's yet, and whose they might be."""
    tests = unassigned_tests(open_home(home))
    if json:
        print_json(tests)
        return
    for test in tests:
        known = (
            test["first_time"],
            test["format"],
            f"{test['rows']} rows",
            test["channel"] and f"channel {test['channel']}",
        )
        out.print(f"[bold]{test['test_id']}[/bold]  {escape(', '.join(filter(None, known)))}", highlight=False)
        out.print(f"    {test['path']}", highlight=False, markup=False)
        for suggestion in test["suggestions"]:
            cell = f"cell {suggestion['cell_id']} of " if suggestion["cell_id"] else ""
            out.print(
                f"    {cell}{suggestion['firm']}? {suggestion['why']}", style="dim", highlight=False, markup=False
            )
    hint = "\n'cellar assign TEST CELL --firm FIRM' gives a test to its cell." if tests else "Every test has its firm."
    out.print(hint, style="dim" if tests else None)


def backfill(home: HomeOption = None, *, json: JsonOption = False) -> None:
    """Judge again what older readers refused, and read again what today's would read differently."""
    done = run_backfill(open_home(home))
    if json:
        print_json(asdict(done))
    else:
        for receipt in (*done.retried, *done.reread):
            print_receipt(receipt)
        for refused in done.refused:
            err.print(f"{refused['test_id']} stays as it is: {refused['detail']}", style="yellow", markup=False)
        tried = f"{len(done.retried)} tried again, {len(done.reread)} read differently, {len(done.same)} the same"
        out.print(f"{tried}, {len(done.refused)} refused, {len(done.busy)} busy.", highlight=False)
    if done.refused or any(receipt["state"] == "quarantined" for receipt in done.retried):
        raise typer.Exit(EXIT_CHECK)


def _print_one(receipt: Receipt, *, json: bool) -> None:
    if json:
        print_json(receipt)
    else:
        print_receipt(receipt)
