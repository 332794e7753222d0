"""``cellar query``: the named questions."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import polars as pl
import typer

from flows.console import CellOption, FirmOption, HomeOption, JsonOption, out, print_frame, print_json, print_rows
from warehouse.ask import questions
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
    _write(frame, Shape.JSON if json else _shape_for(shape, target), target)


def _shape_for(shape: Shape, target: Path | None) -> Shape:
    """Take the format from the target's ending where none was named."""
    ending = target.suffix.lstrip(".") if target else ""
    return Shape(ending) if shape is Shape.TABLE and ending in set(Shape) - {Shape.TABLE} else shape


def _write(frame: pl.DataFrame, shape: Shape, target: Path | None) -> None:
    if shape is Shape.PARQUET:
        if target is None:
            raise UsageError("Parquet goes to a file: name it with --out")
        frame.write_parquet(target)
    elif shape is Shape.CSV:
        text = frame.write_csv(target)
        if text is not None:
            typer.echo(text, nl=False)
    elif shape is Shape.JSON and target is None:
        print_json(frame.to_dicts())
    elif shape is Shape.JSON and target is not None:
        frame.write_json(target)
    elif target is not None:
        raise UsageError(f"a table is for the terminal; write {target} with --format csv, json or parquet")
    else:
        print_frame(frame)


def _list_questions(*, json: bool) -> None:
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
