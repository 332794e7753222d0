"""What commands print: JSON for programs, tables and progress bars for people at a terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import polars as pl
import typer
from rich.console import Console

from warehouse.warned import tell_warning

HomeOption = Annotated[
    Path | None, typer.Option("--home", help="The home; CELLAR_HOME or ./cellar-home by default.", show_default=False)
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
FirmOption = Annotated[str | None, typer.Option("--firm", help="Code of the firm.", show_default=False)]
CellOption = Annotated[str | None, typer.Option("--cell", help="The cell.", show_default=False)]

EXIT_DONE: Final = 0
EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2
EXIT_CHECK: Final = 3

# A pipe has no width, and cells of a table should not be folded for programs that read it.
PIPE_WIDTH: Final = 240
out: Final = Console(soft_wrap=True, width=None if sys.stdout.isatty() else PIPE_WIDTH)
err: Final = Console(stderr=True, soft_wrap=True)
SHOWN_ROWS: Final = 200
SPARKS: Final = "▁▂▃▄▅▆▇█"
DIGITS: Final = 6


def print_json(document: object) -> None:
    """Print one JSON document, or one object of a JSONL stream, and hand it over at once."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False, default=str) + "\n")
    sys.stdout.flush()


def print_rows(rows: Sequence[dict[str, Any]], columns: Sequence[str] | None = None, title: str | None = None) -> None:
    """Print rows as a table; empty values stay blank."""
    from rich.table import Table  # noqa: PLC0415 commands that print a line do without

    names = list(columns or (rows[0] if rows else ()))
    table = Table(title=title, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for name in names:
        numeric = any(isinstance(row.get(name), int | float) for row in rows)
        table.add_column(name, justify="right" if numeric else "left", overflow="ellipsis", no_wrap=True)
    for row in rows:
        table.add_row(*(format_value(row.get(name)) for name in names))
    out.print(table)


def print_frame(frame: pl.DataFrame) -> None:
    """Print a frame as a table; a long one is cut, and says so."""
    shown = frame.head(SHOWN_ROWS)
    filled = [name for name in shown.columns if shown[name].null_count() < shown.height] or shown.columns
    print_rows(shown.select(filled).to_dicts(), filled)
    hidden = len(frame.columns) - len(filled)
    notes = [f"{frame.height} rows" + (f", the first {SHOWN_ROWS} shown" if frame.height > SHOWN_ROWS else "")]
    notes += [f"{hidden} empty columns not shown"] if hidden else []
    err.print(f"[dim]{'; '.join(notes)}[/dim]")


def word_warnings(warnings: Sequence[str]) -> Iterator[str]:
    """Yield the lines that tell warnings to a person: each in English, and below it in Korean where that is known."""
    for warning in warnings:
        korean = tell_warning(warning)
        yield f"warning: {warning}"
        yield from [] if korean == warning else [f"주의: {korean}"]


def format_value(value: object) -> str:
    """Write one value for a table: six significant digits, nothing for null."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.{DIGITS}g}"
    return str(value).replace("[", "\\[")


def draw_spark(values: Sequence[float], width: int = 40) -> str:
    """Draw a series as one line of blocks, from its smallest value to its largest."""
    if not values:
        return ""
    picked = [values[round(index * (len(values) - 1) / max(width - 1, 1))] for index in range(min(width, len(values)))]
    low, high = min(picked), max(picked)
    span = (high - low) or 1.0
    return "".join(SPARKS[round((value - low) / span * (len(SPARKS) - 1))] for value in picked)


@contextmanager
def show_progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show a progress bar on a terminal, nothing elsewhere; the yielded function takes done and total."""
    from rich.progress import (  # noqa: PLC0415 few commands take long enough
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task(what, total=None)

        def advance(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        yield advance
