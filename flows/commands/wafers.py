"""``cellar wafer``: wafer maps in, bins out."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import polars as pl
import sqlalchemy as sa
import typer

import parsers
from flows.console import FirmOption, HomeOption, JsonOption, err, out, print_json, print_rows, word_warnings
from warehouse.errors import UsageError
from warehouse.home import Home, open_home
from warehouse.registry import SQL_TABLES, Row
from warehouse.wafers.export import write_bins
from warehouse.wafers.map_frames import Stated
from warehouse.wafers.maps import MapFile, MapReceipt, store_maps

LotOption = Annotated[str | None, typer.Option("--lot", help="Lot of the wafer.", show_default=False)]
WaferOption = Annotated[str | None, typer.Option("--wafer", help="Wafer within the lot.", show_default=False)]
NeededFirm = Annotated[str, typer.Option("--firm", help="Code of the firm.")]
TOLD = ("lot", "wafer", "revision", "kind", "format", "dies", "good_dies", "notch", "frame_source")


class Notch(StrEnum):
    """Side of a map."""

    DOWN = "down"
    LEFT = "left"
    UP = "up"
    RIGHT = "right"


class XAxis(StrEnum):
    """Direction in which columns grow."""

    RIGHT = "right"
    LEFT = "left"


class YAxis(StrEnum):
    """Direction in which rows grow."""

    UP = "up"
    DOWN = "down"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    wafer = typer.Typer(help="Wafer maps and bins.", no_args_is_help=True)
    wafer.command("import")(wafer_import)
    wafer.command("export")(wafer_export)
    wafer.command("list")(wafer_list)
    app.add_typer(wafer, name="wafer")


def wafer_import(
    file: Annotated[Path, typer.Argument(help="Map: STDF V4, SINF or KLARF 1.x; may be gzipped.")],
    firm: NeededFirm,
    home: HomeOption = None,
    *,
    lot: LotOption = None,
    wafer: WaferOption = None,
    notch: Annotated[Notch | None, typer.Option(help="Side of the map that the notch is on.")] = None,
    x_axis: Annotated[XAxis | None, typer.Option(help="Where columns grow.")] = None,
    y_axis: Annotated[YAxis | None, typer.Option(help="Where rows grow.")] = None,
    centre: Annotated[
        str | None, typer.Option(help="Counts of the die nearest the centre, as 12,9.", show_default=False)
    ] = None,
    json: JsonOption = False,
) -> None:
    """Import a wafer map: its bins and values go to their dies in the canonical frame."""
    opened = open_home(home)
    if not file.is_file():
        raise UsageError(f"there is no file {file}")
    stated = Stated(lot, wafer, notch, x_axis, y_axis, _read_centre(centre))
    # The archive keeps every map as it came; what is read is what was kept.
    kept = opened.archive.capture(file, str(file))
    with opened.archive.materialise(kept.sha256) as path:
        maps = parsers.read_wafer_maps(path, str(file))
    # A map that cannot be placed stays in the archive, so that stating what it lacks needs no second copy.
    receipts = store_maps(opened, firm, MapFile(str(file), kept.sha256), maps, stated)
    if json:
        print_json([_as_dict(receipt) for receipt in receipts])
        return
    for receipt in receipts:
        _tell(receipt)


def wafer_export(
    firm: NeededFirm,
    wafer: Annotated[str, typer.Option("--wafer", help="Wafer within the lot.")],
    target: Annotated[Path, typer.Option("--out", help="Write to this csv file.")],
    home: HomeOption = None,
    *,
    lot: LotOption = None,
    canonical: Annotated[bool, typer.Option("--canonical", help="Count dies in the canonical frame.")] = False,
    json: JsonOption = False,
) -> None:
    """Write the bins and values of a wafer's dies, counted as its own map counts them."""
    opened = open_home(home)
    dies = opened.query("wafer", firm=firm).filter(pl.col("lot") == (lot or ""), pl.col("wafer") == wafer)
    if dies.is_empty():
        raise UsageError(f"firm {firm} has no die on wafer {wafer!r} of lot {lot or ''!r}")
    frame, whose = (
        ({}, "canonical") if canonical else _find_frame(opened, {"firm": firm, "lot": lot or "", "wafer": wafer})
    )
    written = write_bins(dies, frame)
    try:
        written.write_csv(target)
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error}") from error
    if json:
        print_json({"path": str(target), "dies": written.height, "frame": whose})
        return
    out.print(f"{target}: {written.height} dies, counted by the {whose} frame.", markup=False)


def wafer_list(home: HomeOption = None, *, firm: FirmOption = None, json: JsonOption = False) -> None:
    """List the wafer maps that were imported, the current ones first."""
    table = SQL_TABLES["die_map"]
    mine = [table.c.firm == firm] if firm is not None else []
    order = (table.c.firm, table.c.lot, table.c.wafer, table.c.current.desc(), table.c.revision.desc())
    rows = open_home(home).registry.rows(sa.select(table).where(*mine).order_by(*order))
    if json:
        print_json(rows)
        return
    print_rows([{name: row[name] for name in ("firm", *TOLD, "current", "source_name")} for row in rows])


def _read_centre(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    x, _, y = text.partition(",")
    try:
        return int(x), int(y)
    except ValueError as error:
        raise UsageError(f"--centre is two counts such as 12,9, not {text!r}") from error


def _find_frame(opened: Home, key: dict[str, str]) -> tuple[Row, str]:
    """Return how a wafer is counted, and by whom: its current map of bins, else any map, else the manifest."""
    maps, wafers = SQL_TABLES["die_map"], SQL_TABLES["wafer"]
    mine = [maps.c[name] == value for name, value in key.items()]
    # "bins" sorts before "inspection", and a prober's counts are what a fab works with.
    found = opened.registry.rows(sa.select(maps).where(*mine, maps.c.current).order_by(maps.c.kind, maps.c.revision))
    if found:
        return found[0], "map's"
    row = opened.registry.row(wafers, **key)
    return (row, "manifest's") if row is not None else ({}, "canonical")


def _as_dict(receipt: MapReceipt) -> dict[str, Any]:
    told = {name: receipt.row[name] for name in (*TOLD, "to_canonical")}
    return {
        "state": receipt.state,
        **told,
        "values": receipt.values,
        "cells": receipt.cells,
        "warnings": list(receipt.warnings),
    }


def _tell(receipt: MapReceipt) -> None:
    row = receipt.row
    named = f"wafer {row['wafer']} of lot {row['lot'] or '-'}"
    good = "" if row["good_dies"] is None else f", {row['good_dies']} good"
    axes = f"notch {row['notch']}, x {row['x_axis']}, y {row['y_axis']}"
    where = f"{axes}, centre ({row['centre_die_x']}, {row['centre_die_y']}) by {row['frame_source']}"
    counted = f"{row['dies']} dies{good}; {where}; {receipt.cells} cells lie on them"
    out.print(f"{receipt.state}: {named}, map {row['revision']}: {counted}.", markup=False)
    for line in word_warnings(receipt.warnings):
        err.print(line, style="yellow", highlight=False, markup=False)
