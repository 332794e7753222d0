"""``cellar quarantine …``: the work list of what could not be taken in, and what can be done about it."""

from __future__ import annotations

import time
from typing import Annotated, Any, Final

import typer

from flows.accounts import Receipt, format_time
from flows.commands.ingesting import print_history, print_receipt
from flows.console import EXIT_CHECK, FirmOption, HomeOption, JsonOption, out, print_json
from flows.quarantine import assign_source, read_source_as, release_source, retry_all, undo_release
from warehouse.errors import UsageError
from warehouse.home import Home, open_home
from warehouse.identity import ensure_owner, find_cell
from warehouse.registry import Row
from warehouse.sentences import explain, split_reason
from warehouse.sources import UNREAD, find_by_hash, list_quarantine, receipts_of_source

ALL: Final = "all"
HASH_DIGITS: Final = 12
AGES: Final = ((86_400.0, "d"), (3_600.0, "h"), (60.0, "min"))
HashArgument = Annotated[str, typer.Argument(help="Hash of the source, or its beginning.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    quarantine = typer.Typer(help="Sources that could not be taken in, and why.", no_args_is_help=True)
    quarantine.command("list")(list_waiting)
    quarantine.command("show")(show)
    quarantine.command("retry")(retry)
    quarantine.command("read-as")(read_as)
    quarantine.command("assign")(assign)
    quarantine.command("release")(release)
    app.add_typer(quarantine, name="quarantine")


def list_waiting(home: HomeOption = None, *, json: JsonOption = False) -> None:
    """List what waits in quarantine, the oldest first."""
    rows = [_describe(source) for source in list_quarantine(open_home(home))]
    if json:
        print_json(rows)
        return
    for row in rows:
        where = f" at {row['reason']['where']}" if row["reason"]["where"] else ""
        number = _shorten(row["sha256"])
        out.print(f"[bold]{number}[/bold]  [red]{row['reason']['code']}[/red]{where}, {row['age']}", highlight=False)
        out.print(f"    {row['path']}", highlight=False, markup=False)
        for language in ("en", "ko"):
            out.print(f"    {split_reason(row['reason'], language)[0]}", style="dim", highlight=False, markup=False)
    hint = "\n'cellar quarantine show SHA256' tells what to do." if rows else "Nothing is in quarantine."
    out.print(hint, style="dim" if rows else None)


def show(sha256: HashArgument, home: HomeOption = None, *, json: JsonOption = False) -> None:
    """Show one source: what happened, where, what to do, and what became of it so far."""
    opened = open_home(home)
    source = find_by_hash(opened, sha256, "quarantined", "ignored")
    record = _describe(source) | {"state": source["state"], "raw": _place_of(opened, source)}
    record |= {"read_as": source["read_as"], "receipts": receipts_of_source(opened, source)}
    if json:
        print_json(record)
        return
    for name in ("sha256", "path", "state", "format", "read_as", "firm", "cell_id", "size", "since", "raw"):
        if record[name] is not None:
            out.print(f"{name}: {record[name]}", highlight=False, markup=False)
    reason = record["reason"]
    out.print(f"\n{reason['code']}{' at ' + reason['where'] if reason['where'] else ''}", style="red", markup=False)
    for language in ("en", "ko"):
        out.print("\n".join(split_reason(reason, language)), highlight=False, markup=False)
    print_history(record["receipts"])


def retry(
    sha256: Annotated[
        list[str] | None, typer.Argument(help="Hashes or their beginnings; 'all', or all without.")
    ] = None,
    home: HomeOption = None,
    *,
    json: JsonOption = False,
) -> None:
    """Read quarantined sources again, after a reader or a manifest was corrected."""
    opened = open_home(home)
    named = [] if sha256 == [ALL] else sha256 or []
    chosen = [find_by_hash(opened, text, "quarantined") for text in named] or list_quarantine(opened)
    unread = sum(source["sha256"].startswith(UNREAD) for source in chosen)
    if unread and named:
        raise UsageError("what could not be read cannot be read again; drop it once more")
    _finish(retry_all(opened, chosen), json=json)


def read_as(
    sha256: HashArgument,
    format_name: Annotated[str, typer.Argument(metavar="FORMAT", help="One of 'cellar formats'.")],
    home: HomeOption = None,
    *,
    json: JsonOption = False,
) -> None:
    """Read a source with the named format, whatever its content says; kept for every later reading."""
    opened = open_home(home)
    _finish([read_source_as(opened, find_by_hash(opened, sha256, "quarantined"), format_name)], json=json)


def assign(
    sha256: HashArgument,
    cell: Annotated[str, typer.Argument(help="The cell.")],
    home: HomeOption = None,
    *,
    firm: FirmOption = None,
    json: JsonOption = False,
) -> None:
    """Say which cell a source belongs to, and read it again."""
    opened = open_home(home)
    source = find_by_hash(opened, sha256, "quarantined")
    # A cell that nobody knows is a slip of the pen here, and not a new cell.
    known = find_cell(opened, cell, firm)
    owner, _ = ensure_owner(opened, known["firm"], known["cell_id"])
    _finish([assign_source(opened, source, owner)], json=json)


def release(
    sha256: HashArgument,
    home: HomeOption = None,
    *,
    note: Annotated[str, typer.Option(help="Who decided so, or why.", show_default=False)] = "",
    undo: Annotated[bool, typer.Option("--undo", help="Put it back on the work list.")] = False,
    json: JsonOption = False,
) -> None:
    """Set a source aside for good: it needs no action, is kept, and leaves the list."""
    opened = open_home(home)
    source = find_by_hash(opened, sha256, "ignored" if undo else "quarantined")
    receipt = undo_release(opened, source) if undo else release_source(opened, source, note)
    if receipt is not None:
        _finish([receipt], json=json)
    elif json:
        print_json(_describe(find_by_hash(opened, source["sha256"], "quarantined")))
    else:
        out.print(f"{source['path']} is on the work list again.", markup=False)


def _finish(receipts: list[Receipt], *, json: bool) -> None:
    for receipt in receipts:
        if json:
            print_json(receipt)
        else:
            print_receipt(receipt)
    if any(receipt["state"] == "quarantined" for receipt in receipts):
        raise typer.Exit(EXIT_CHECK)


def _describe(source: Row) -> dict[str, Any]:
    reason = explain(source["reason_code"] or "", source["reason_detail"] or "", source["reason_where"] or "")
    same = {name: source[name] for name in ("sha256", "path", "size", "format", "firm", "cell_id")}
    since = source["first_seen_unix_second"]
    return same | {"since": format_time(since), "age": _tell_age(time.time() - since), "reason": reason}


def _tell_age(seconds: float) -> str:
    for size, unit in AGES:
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return "just now"


def _place_of(home: Home, source: Row) -> str | None:
    """Return where the raw bytes are; those of a file that grew lie in pieces, and a list of them stands here."""
    if source["sha256"].startswith(UNREAD):
        return None
    whole = home.archive.path_of(source["sha256"])
    return str(whole if whole.exists() else home.archive.pieces_of(source["sha256"]))


def _shorten(sha256: str) -> str:
    return sha256[: len(UNREAD) + HASH_DIGITS if sha256.startswith(UNREAD) else HASH_DIGITS]
