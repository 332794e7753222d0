"""``cellar cells, manifest``: which cells exist, what is said of them, and which manifest said it."""

from __future__ import annotations

import json as jsons
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

import sqlalchemy as sa
import typer
from rich.markup import escape

from flows.console import EXIT_CHECK, FirmOption, HomeOption, JsonOption, err, out, print_frame, print_json, print_rows
from warehouse.errors import UsageError
from warehouse.home import open_home
from warehouse.identity import find_cell
from warehouse.manifest import import_manifest, list_versions, try_manifest
from warehouse.manifest_kinds import KINDS
from warehouse.manifest_ledger import list_changes
from warehouse.manifest_receipt import ManifestReceipt, as_record, describe_change
from warehouse.manifest_sentences import explain_notice, explain_refusal
from warehouse.owners import normalise
from warehouse.registry import MANIFEST_CHANGE, MANIFEST_VERSION, SQL_TABLES

FileArgument = Annotated[Path, typer.Argument(help="Manifest, csv or xlsx.")]
# Columns of the tables that say where a row is from, not what it says.
NOT_FACTS: Final = ("more", "manifest_version", "updated_unix_second", "created_unix_second")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    cells = typer.Typer(help="Cells and their manifests.", no_args_is_help=True)
    cells.command("import")(cells_import)
    cells.command("list")(cells_list)
    cells.command("history")(cells_history)
    manifest = typer.Typer(help="Manifests: what they may say, what they said.", no_args_is_help=True)
    manifest.command("check")(manifest_check)
    manifest.command("import")(cells_import)
    manifest.command("list")(manifest_list)
    manifest.command("show")(manifest_show)
    manifest.command("rows")(manifest_rows)
    manifest.command("columns")(manifest_columns)
    app.add_typer(cells, name="cells")
    app.add_typer(manifest, name="manifest")


def cells_import(
    file: FileArgument,
    home: HomeOption = None,
    *,
    again: Annotated[bool, typer.Option("--again", help="Take a known file as a new version.")] = False,
    json: JsonOption = False,
) -> None:
    """Import a manifest; good rows are taken, bad ones reported."""
    _tell(import_manifest(open_home(home), file, again=again), json=json)


def cells_list(home: HomeOption = None, *, firm: FirmOption = None, json: JsonOption = False) -> None:
    """List the cells."""
    frame = open_home(home).query("cells", firm=firm)
    if json:
        print_json(frame.to_dicts())
    else:
        print_frame(frame)


def cells_history(
    cell: Annotated[str, typer.Argument(help="The cell.")],
    home: HomeOption = None,
    *,
    firm: FirmOption = None,
    json: JsonOption = False,
) -> None:
    """Say what manifests changed of a cell, the oldest first."""
    registry = open_home(home).registry
    row = find_cell(open_home(home), cell, firm)
    mine = {"table_name": "cell", "firm": row["firm"], "row_key": jsons.dumps([row["cell_id"]], ensure_ascii=False)}
    conditions = [MANIFEST_CHANGE.c[name] == value for name, value in mine.items()]
    versions = registry.rows(sa.select(MANIFEST_CHANGE.c.version).where(*conditions).distinct())
    found = [
        {"version": version, **as_record(change)}
        for version in sorted(one["version"] for one in versions)
        for change in list_changes(registry, *conditions, MANIFEST_CHANGE.c.version == version)
    ]
    if json:
        print_json(found)
    else:
        print_rows([{name: one[name] for name in ("version", "column", "before", "after")} for one in found])


def manifest_check(file: FileArgument, home: HomeOption = None, *, json: JsonOption = False) -> None:
    """Say what an import would take, change and refuse, and do nothing."""
    _tell(try_manifest(open_home(home), file), json=json)


def manifest_list(home: HomeOption = None, *, json: JsonOption = False) -> None:
    """List the manifests that were imported, the newest first."""
    opened = open_home(home)
    rows = list_versions(opened)
    if json:
        print_json(rows)
        return
    zone = opened.settings.zone_info
    for row in rows:
        row["imported"] = datetime.fromtimestamp(row.pop("at_unix_second"), zone).isoformat(" ", "seconds")
        row["sha256"] = row["sha256"][:12]
    print_rows(rows)


def manifest_show(
    version: Annotated[int, typer.Argument(help="Number of the import.")],
    home: HomeOption = None,
    *,
    json: JsonOption = False,
) -> None:
    """Show the receipt of one import."""
    row = open_home(home).registry.row(MANIFEST_VERSION, version=version)
    if row is None:
        raise UsageError(f"there is no manifest {version}; 'cellar manifest list' shows them")
    record: dict[str, Any] = jsons.loads(row["record"])
    if json:
        print_json(record)
        return
    print_rows([{"version": version, "path": row["path"], "taken": row["taken"], "refused": row["refused"]}])
    shown = {
        "changes": ("table", "firm", "row", "column", "before", "after"),
        "refused": ("sheet", "row", "column", "en"),
    }
    for name, columns in shown.items():
        if record[name]:
            print_rows(record[name], columns, title=name.capitalize())


def manifest_rows(
    kind: Annotated[str, typer.Argument(help=f"One of {', '.join(one.name for one in KINDS)}.")],
    home: HomeOption = None,
    *,
    firm: FirmOption = None,
    json: JsonOption = False,
) -> None:
    """List what manifests have said so far of one kind."""
    known = next((one for one in KINDS if one.name == kind), None)
    if known is None:
        raise UsageError(f"there is no kind {kind!r}: {', '.join(one.name for one in KINDS)}")
    table = SQL_TABLES[known.table.name]
    # What is the platform's own is no firm's.
    mine = [table.c[known.owner] == normalise(firm) if known.owner else sa.false()] if firm is not None else []
    names = dict.fromkeys(name for name in (known.owner, *known.key) if name)
    ordered = sa.select(table).where(*mine).order_by(*(table.c[name] for name in names))
    rows = open_home(home).registry.rows(ordered)
    if json:
        print_json(rows)
        return
    filled = [name for name in known.table.names if name not in NOT_FACTS and any(row[name] for row in rows)]
    print_rows([{name: row[name] for name in filled} for row in rows])


def manifest_columns(*, json: JsonOption = False) -> None:
    """List the columns that manifests may have."""
    rows = [
        {"kind": kind.name, "column": one.shown, "required": one.required, "meaning": one.en, "뜻": one.ko}
        for kind in KINDS
        for one in kind.fields
    ]
    if json:
        print_json(rows)
    else:
        print_rows(rows)


def _tell(receipt: ManifestReceipt, *, json: bool) -> None:
    """Print a receipt; refused rows end the command with 3."""
    if json:
        print_json(receipt.as_dict())
    else:
        out.print(receipt.summary, markup=False)
        for change in receipt.corrected:
            out.print(f"  {describe_change(change)}", markup=False)
        for code, found in receipt.notices:
            err.print(f"[dim]{escape(explain_notice(code, found)['en'])}[/dim]")
        for error in receipt.refused:
            err.print(f"[yellow]{escape(error.where)}[/yellow]: {escape(str(explain_refusal(error)['en']))}")
    if receipt.refused:
        raise typer.Exit(EXIT_CHECK)
