"""``cellar report``: the test report of a cell, lot or wafer."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from flows.console import HomeOption, JsonOption, err, out, print_json
from warehouse.errors import UsageError
from warehouse.home import open_home

if TYPE_CHECKING:
    from portal.reports.make import Document, Kind


class Language(StrEnum):
    """Language of a report."""

    KO = "ko"
    EN = "en"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(report)


def report(
    subject: Annotated[str, typer.Argument(help="A cell, a lot, or a wafer as LOT-WAFER.", metavar="CELL_OR_LOT")],
    firm: Annotated[str, typer.Option("--firm", help="Code of the firm.")],
    target: Annotated[Path, typer.Option("--out", help="FILE.pdf, FILE.xlsx or FILE.zip.")],
    home: HomeOption = None,
    *,
    language: Annotated[Language, typer.Option("--lang", help="Language of the report.")] = Language.KO,
    revision: Annotated[
        int | None, typer.Option("--revision", min=1, help="An earlier revision, as handed out.", show_default=False)
    ] = None,
    json: JsonOption = False,
) -> None:
    """Write the test report of a cell, lot or wafer: PDF, workbook, or both with the data as a zip."""
    from portal.reports.make import Order, make_report  # noqa: PLC0415 typst and DuckDB are loaded by reports alone

    kind = _read_kind(target)
    opened = open_home(home)
    made = make_report(opened, opened.query, Order(firm, subject, kind, language.value, revision))
    try:
        target.write_bytes(made.content)
    except OSError as error:
        raise UsageError(f"{target} cannot be written / 파일을 쓸 수 없습니다: {error}") from error
    _tell(made, target, json=json)
    opened.close()


def _read_kind(target: Path) -> Kind:
    """Return the document that a file's ending asks for."""
    from portal.reports.make import KINDS  # noqa: PLC0415 likewise

    for kind in KINDS:
        if target.suffix.lower() == f".{kind}":
            return kind
    raise UsageError(
        f"a report is a .pdf, .xlsx or .zip, not {target.name!r} / 성적서 파일은 .pdf, .xlsx 또는 .zip이어야 합니다"
    )


def _tell(made: Document, target: Path, *, json: bool) -> None:
    missing = list(made.not_stated)
    if json:
        issue = made.issue
        told = {"number": issue.number, "revision": issue.revision, "identity": issue.identity, "path": str(target)}
        print_json({**told, "sha256": made.sha256, "bytes": len(made.content), "not_stated": missing})
        return
    out.print(f"{made.issue.identity}: {target}, {len(made.content):,} bytes", markup=False, highlight=False)
    if missing:
        names = escape(", ".join(missing))
        err.print(f"[yellow]not stated in \\[report] of settings.toml / settings.toml에 없는 항목:[/yellow] {names}")
