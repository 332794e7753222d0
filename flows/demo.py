"""The demonstration: a virtual lab's files become fade curves before one's eyes."""

from __future__ import annotations

import os
import shutil
import sys
from collections import Counter
from pathlib import Path
from typing import Final

import polars as pl

from flows.commands.portal import HOST, PORT
from flows.console import draw_spark, err, out, print_rows, show_progress
from flows.ingest import ingest_paths
from flows.nightly import run_night
from flows.virtual_lab import LabOptions, simulate
from warehouse.access.tokens import create_token
from warehouse.errors import UsageError
from warehouse.home import Home
from warehouse.manifest import import_manifest

MARK: Final = "demo-home.txt"
SPARK_WIDTH: Final = 18
KEY_DAYS: Final = 30
# Two wafers a firm, one of each process split, so that maps, yields and splits have something to show.
LAB: Final = LabOptions(cells=20, cycles=60, wafers=1, blocks=("resistance", "offset"))
SPECIFICATION: Final = """firm,spec,revision,quantity,statistic,lower,unit,source
{firm},DEMO-1,1,capacity_retention,min,0.80,1,demonstration
{firm},DEMO-1,1,areal_capacity,min,90,uAh/cm2,demonstration
"""


def run_demo(folder: Path) -> None:
    """Make a demonstration home afresh and run the main job on it.

    Raises:
        UsageError: the folder exists and is not an earlier demonstration.
    """
    _clear(folder)
    home = Home(folder)
    (folder / MARK).write_text("A demonstration; 'cellar demo' makes it afresh.\n", encoding="utf-8")
    # Beside the inbox, whose watcher would take all of it in again.
    lab = folder / "virtual-lab"
    out.print("[bold]1.[/bold] A virtual lab writes the files of twenty thin-film cells in five vendors' layouts …")
    with show_progress("Simulating") as advance:
        report = simulate(lab, LAB, advance)
    out.print(f"   {len(report.files)} files, {report.rows:,} records")
    receipt = import_manifest(home, report.manifest)
    for more in (report.wafers, *_write_specifications(lab)):
        if more is not None:
            import_manifest(home, more)
    out.print(f"[bold]2.[/bold] The manifest names {receipt.cells} cells of {' and '.join(LAB.firms)}")
    with show_progress("Taking in") as advance:
        states = Counter(done["state"] for done in ingest_paths(home, list(report.files), advance=advance))
    out.print("[bold]3.[/bold] Taken in: " + ", ".join(f"{count} {state}" for state, count in states.items()))
    record = run_night(home)
    out.print(f"[bold]4.[/bold] The night made {record['made']} tables in {record['seconds']} s\n")
    _show_fade(home)
    cellar = os.path.relpath(sys.argv[0]) if Path(sys.argv[0]).stem == "cellar" else "cellar"
    out.print(
        f"\nAsk on:  {cellar} query --list\n         {cellar} query fade --home {folder} --firm {LAB.firms[0]}"
        f"\n         {cellar} query summary --home {folder} --json\nDrop in: {cellar} ingest FILE --home {folder}",
        highlight=False,
        markup=False,
    )
    _show_portal(home, f"{cellar} up --home {folder}")
    home.close()


def _write_specifications(folder: Path) -> list[Path]:
    """Write a small specification for each firm, as its table of limits would come in."""
    paths = [folder / f"specification-{firm}.csv" for firm in LAB.firms]
    for path, firm in zip(paths, LAB.firms, strict=True):
        path.write_text(SPECIFICATION.format(firm=firm), encoding="utf-8")
    return paths


def _show_portal(home: Home, command: str) -> None:
    """Give out keys to the demonstration, and say where they fit."""
    rows = []
    for role, firm in (*(("firm", firm) for firm in LAB.firms), ("technician", None), ("operator", None)):
        text, _ = create_token(home, role, firm, days=KEY_DAYS, label="demonstration")
        rows.append({"sees": f"its own cells: {firm}" if firm else f"the lab, as {role}", "token": text})
    out.print(f"\nLook:    {command}    then open [bold]http://{HOST}:{PORT}/[/bold] and log in with a token\n")
    print_rows(rows, title=f"Tokens of the demonstration, for {KEY_DAYS} days")


def _show_fade(home: Home) -> None:
    for firm in LAB.firms:
        fade = home.query("fade", firm=firm).filter(pl.col("class") == "ageing")
        summary = home.query("summary", firm=firm)
        rows = [
            {
                "cell": cell["cell_id"],
                "cycles": cell["cycles"],
                "µAh": f"{cell['reference_capacity_ah'] * 1e6:.2f}",
                "retention": f"{cell['last_capacity_retention']:.1%}",
                "fade/100": f"{cell['fade_rate_per_cycle'] * 100:+.1%}",
                "CE": f"{cell['coulombic_efficiency_median']:.3%}",
                "life": cell["end_of_life"],
                "retention by cycle": draw_spark(
                    fade.filter(pl.col("cell_id") == cell["cell_id"])["capacity_retention"].to_list(),
                    SPARK_WIDTH,
                ),
            }
            for cell in summary.iter_rows(named=True)
        ]
        print_rows(rows, title=f"{firm}: what it sees, and nobody else")
        out.print()
    err.print(
        "[dim]Retention over the first cycle after formation; life = cycles to 80 %, > n while not reached.[/dim]"
    )


def _clear(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()):
        if not (folder / MARK).exists():
            raise UsageError(f"{folder} exists and is no demonstration; name another folder")
        shutil.rmtree(folder)
