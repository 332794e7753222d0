"""``cellar query``: the named questions."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import polars as pl
import typer

from flows.console import CellOption, FirmOption, HomeOption, JsonOption, out, print_frame, print_json, print_rows
from warehouse.errors import UsageError
from warehouse.home import open_home


class Shape(StrEnum):
    """How an answer is printed."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    PARQUET = "parquet"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(query)


def query(
    name: Annotated[str | None, typer.Argument(help="A question; --list shows them.", show_default=False)] = None,
    home: HomeOption = None,
    *,
    firm: FirmOption = None,
    cell: CellOption = None,
    test: Annotated[str | None, typer.Option("--test", help="The test.", show_default=False)] = None,
    shape: Annotated[Shape, typer.Option("--format", help="How to print the answer.")] = Shape.TABLE,
    target: Annotated[Path | None, typer.Option("--out", help="Write to this file.", show_default=False)] = None,
    explain: Annotated[bool, typer.Option("--list", help="Explain each question with its columns and units.")] = False,
    json: JsonOption = False,
) -> None:
    """Answer a named question about cells, tests, steps, cycles, fade and more."""
    if explain:
        _list_questions(json=json)
        return
    if name is None:
        raise UsageError("which question? 'cellar query --list' shows them")
    frame = open_home(home).query(name, firm=firm, cell=cell, test=test)
    write_frame(frame, Shape.JSON if json else shape_for(shape, target), target)


def shape_for(shape: Shape, target: Path | None) -> Shape:
    """Take the format from the target's ending where none was named."""
    ending = target.suffix.lstrip(".") if target else ""
    return Shape(ending) if shape is Shape.TABLE and ending in set(Shape) - {Shape.TABLE} else shape


def write_frame(frame: pl.DataFrame, shape: Shape, target: Path | None) -> None:
    """Print an answer, or write it to a file.

    Raises:
        UsageError: it cannot be written so, or not there.
    """
    if target is not None:
        _write_file(frame, shape, target)
    elif shape is Shape.PARQUET:
        raise UsageError("Parquet goes to a file: name it with --out")
    elif shape is Shape.CSV:
        typer.echo(frame.write_csv(), nl=False)
    elif shape is Shape.JSON:
        print_json(frame.to_dicts())
    else:
        print_frame(frame)


def _write_file(frame: pl.DataFrame, shape: Shape, target: Path) -> None:
    writers: dict[Shape, Callable[[Path], object]] = {
        Shape.PARQUET: frame.write_parquet,
        Shape.CSV: frame.write_csv,
        Shape.JSON: frame.write_json,
    }
    if shape not in writers:
        raise UsageError(f"a table is for the terminal; write {target} with --format csv, json or parquet")
    try:
        writers[shape](target)
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error}") from error


def _list_questions(*, json: bool) -> None:
    from warehouse.ask import questions  # noqa: PLC0415 DuckDB's import is a tenth of a second that only questions pay

    described = [
        {
            "name": question.name,
            "asks": question.asks,
            "columns": [dict(zip(("name", "unit", "description"), column, strict=True)) for column in question.columns],
        }
        for question in questions().values()
    ]
    if json:
        print_json(described)
        return
    for question in questions().values():
        out.print(f"\n[bold]{question.name}[/bold]: {question.asks}", highlight=False)
        print_rows([dict(zip(("column", "unit", "description"), column, strict=True)) for column in question.columns])
