"""``cellar formats, detect, convert``: what needs no home, and of one only the tables that it describes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import polars as pl
import typer

import parsers
from flows.console import JsonOption, err, out, print_json, print_rows, word_warnings
from flows.described import find_settings, make_tables
from flows.drops import list_files, printable
from warehouse.conform import conform
from warehouse.drives import see_drives
from warehouse.errors import UsageError
from warehouse.proportions import flag_coarse

NO_TABLE = "no table was found whose description could be proposed"
TablesOption = Annotated[
    Path | None,
    typer.Option(
        "--home", help="Home whose described tables are read too; CELLAR_HOME by default.", show_default=False
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("formats")(list_formats)
    app.command()(detect)
    app.command()(convert)


def list_formats(home: TablesOption = None, *, json: JsonOption = False) -> None:
    """List the formats that are read."""
    found = parsers.formats(make_tables(find_settings(home))).values()
    rows = [
        {
            "name": declared.name,
            "vendor": declared.vendor,
            "extensions": sorted(declared.extensions),
            "kind": declared.kind,
            "verified": declared.verified,
        }
        for declared in found
    ]
    if json:
        print_json(rows)
    else:
        print_rows(
            [{**row, "extensions": " ".join(declared.extensions)} for row, declared in zip(rows, found, strict=True)]
        )


def detect(
    paths: Annotated[list[Path], typer.Argument(help="Files or folders.")],
    home: TablesOption = None,
    *,
    explain: Annotated[
        bool, typer.Option("--explain", help="Propose a description for a table that no reader knows.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Say which format each file is of, reading no more than its start."""
    tables = make_tables(find_settings(home))
    for path in list_files(paths):
        found = parsers.detect(path, tables=tables)
        record = {
            "path": printable(path),
            "format": found[0].name if len(found) == 1 else None,
            "candidates": [declared.name for declared in found],
            "kind": found[0].kind if len(found) == 1 else None,
        }
        if explain and not found:
            record["proposal"] = parsers.propose_description(path)
        if json:
            print_json(record)
        else:
            candidates = f" {record['candidates']}" if len(found) > 1 else ""
            out.print(f"{record['path']}: {record['format'] or 'unknown'}{candidates}", markup=False)
            if explain and not found:
                out.print(record["proposal"] or NO_TABLE, markup=False, highlight=False)


def convert(
    path: Annotated[Path, typer.Argument(help="One cycler file, or a folder that is one test.")],
    to: Annotated[Path, typer.Option("--to", help="Target, .parquet or .csv.")],
    home: TablesOption = None,
    *,
    json: JsonOption = False,
) -> None:
    """Convert one source to the common schema; impedance goes to a second file beside it."""
    if to.suffix not in {".parquet", ".csv"}:
        raise UsageError(f"{to} ends neither in .parquet nor in .csv")
    if not path.exists():
        raise UsageError(f"there is no file {path}")
    settings = find_settings(home)
    profile = settings.profile_of(str(path.absolute()))
    reading = parsers.read(path, None, settings.zone_info, profile, tables=make_tables(settings))
    measurements, spectra = conform(reading.measurements, reading.spectra, str(path))
    told = flag_coarse(see_drives(measurements))
    warnings = [*reading.warnings, *([told] if told else [])]
    written = []
    if measurements.height or not spectra.height:
        written.append(_write(measurements, to))
    if spectra.height:
        written.append(_write(spectra, to if not measurements.height else to.with_stem(f"{to.stem}_spectra")))
    record = {
        "path": str(path),
        "format": reading.format,
        "kind": reading.kind,
        "rows": measurements.height,
        "spectra": spectra.height,
        "columns": measurements.columns if measurements.height else spectra.columns,
        "about": dict(reading.about),
        "warnings": warnings,
        "written": written,
    }
    if json:
        print_json(record)
        return
    what = f"{reading.format}, {measurements.height} rows, {spectra.height} impedance points"
    out.print(f"{path}: {what} → {', '.join(written) or 'nothing to write'}", markup=False)
    for line in word_warnings(warnings):
        err.print(line, style="yellow", highlight=False, markup=False)


def _write(frame: pl.DataFrame, target: Path) -> str:
    try:
        if target.suffix == ".csv":
            frame.write_csv(target)
        else:
            frame.write_parquet(target, compression="zstd")
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error}") from error
    return str(target)
