"""``cellar sql`` and ``cellar export``: what a firm may do with its own data."""

from __future__ import annotations

import sys
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.markup import escape

from flows.commands.asking import Shape, shape_for, write_frame
from flows.console import HomeOption, JsonOption, err, out, print_json, show_progress
from warehouse.errors import UsageError
from warehouse.home import open_home

SECONDS: Final = 60.0
MOST_SECONDS: Final = 3600.0
ROWS: Final = 10_000_000
SIZE: Final = 1 << 30
CUT: Final = {"rows": "it has more rows than are given out", "size": "it has more bytes than are given out"}
NeededFirm = Annotated[str, typer.Option("--firm", help="Code of the firm.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(sql)
    app.command()(export)


def sql(
    query: Annotated[str, typer.Argument(help="One SELECT; relations are named as in 'cellar query --list'.")],
    firm: NeededFirm,
    home: HomeOption = None,
    *,
    shape: Annotated[Shape, typer.Option("--format", help="How to print the answer.")] = Shape.TABLE,
    target: Annotated[Path | None, typer.Option("--out", help="Write to this file.", show_default=False)] = None,
    seconds: Annotated[
        float, typer.Option("--seconds", min=0.1, max=MOST_SECONDS, help="How long it may take.")
    ] = SECONDS,
    json: JsonOption = False,
) -> None:
    """Run SQL over one firm's data, in a process that sees nothing else."""
    if sys.platform != "linux":
        raise UsageError("SQL runs in a sandbox that only Linux has; 'cellar query' answers everywhere")
    from portal.sandbox.limits import Limits  # noqa: PLC0415 only this command needs the sandbox
    from portal.sandbox.pool import Sandbox  # noqa: PLC0415 likewise

    limits = Limits(seconds=seconds, rows=ROWS, size=SIZE)
    with closing(open_home(home)) as opened, closing(Sandbox(opened, limits)) as sandbox:
        for warning in sandbox.walls.warnings:
            err.print(f"[yellow]{escape(warning)}[/yellow]")
        answer = sandbox.ask(firm, query)
    if answer.cut:
        err.print(f"[yellow]The answer is cut: {CUT[answer.cut]}.[/yellow]")
    write_frame(answer.frame, Shape.JSON if json else shape_for(shape, target), target)


def export(
    firm: NeededFirm,
    target: Annotated[Path, typer.Option("--out", help="Folder; absent, empty, or an earlier export of this firm.")],
    home: HomeOption = None,
    *,
    json: JsonOption = False,
) -> None:
    """Write everything a firm owns: Parquet files, a manifest, and a script that makes views of them in DuckDB."""
    from warehouse.exports import export_firm  # noqa: PLC0415 DuckDB's import is a tenth of a second

    with show_progress("Exporting") as advance:
        done = export_firm(open_home(home), firm, target, advance)
    told = {
        "folder": str(done.folder),
        "changed": done.changed,
        "files": len(done.files),
        "rows": sum(file.rows for file in done.files),
        "bytes": sum(file.size for file in done.files),
    }
    if json:
        print_json({**told, "firm": firm, "written": [asdict(file) for file in done.files]})
        return
    state = "written" if done.changed else "nothing had changed"
    out.print(f"{told['folder']}: {state}; {told['files']} files, {told['rows']:,} rows.", markup=False)
