"""``cellar nightly, verify, simulate, watch, serve, demo``: what runs by itself, and what shows that it works."""

from __future__ import annotations

import signal
import threading
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from flows.commands.ingesting import print_receipt
from flows.console import EXIT_CHECK, HomeOption, JsonOption, err, out, print_json, print_rows, show_progress
from flows.demo import run_demo
from flows.ingest import repair_home
from flows.nightly import run_night
from flows.virtual_lab import LIFE_BLOCKS, LabOptions, blocks, simulate
from flows.watch import Look, Watcher, scan_once, watch_inboxes
from warehouse.errors import RegistryLost, UsageError
from warehouse.home import Home, open_home
from warehouse.nights import NightRecord, last_night
from warehouse.verify import check_home

BLOCKS_HELP: Final = f"Simulated besides, comma-separated: {', '.join((*LIFE_BLOCKS, *blocks()))}."


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(nightly)
    app.command()(verify)
    app.command("simulate")(simulate_lab)
    app.command()(watch)
    app.command()(serve)
    app.command()(demo)


def nightly(
    home: HomeOption = None,
    *,
    day: Annotated[str | None, typer.Option("--date", help="The date it stands for.", show_default=False)] = None,
    last: Annotated[bool, typer.Option("--last", help="Show what the newest night did, and run none.")] = False,
    json: JsonOption = False,
) -> None:
    """Run the nightly aggregation now: derive, compute, compact, check, copy."""
    try:
        stands_for = date.fromisoformat(day) if day else None
    except ValueError as error:
        raise UsageError(f"{day!r} is no date such as 2026-03-02") from error
    record = last_night(open_home(home)) if last else run_night(open_home(home), stands_for)
    if record is None:
        raise UsageError("there was no night yet; 'cellar nightly' runs one")
    if json:
        print_json(record)
    else:
        _print_night(record)
    if record["failed"]:
        raise typer.Exit(EXIT_CHECK)


def _print_night(record: NightRecord) -> None:
    made = [step for step in record["done"] if step["action"] == "made"]
    print_rows(made, ("firm", "table", "why", "tests", "rows"), title=f"Night of {record['date']}: made")
    print_rows(list(map(_show_stage, record["stages"])), title="Stages")
    if inputs := record.get("inputs"):
        out.print(", ".join(f"{number} {name.replace('_', ' ')}" for name, number in inputs.items()))
    for warning in record["warnings"]:
        out.print(warning, style="yellow", markup=False, highlight=False)
    out.print(
        f"{record['made']} made, {record['skipped']} skipped, "
        f"{record['files_removed']} old files removed, {record['seconds']} s"
    )


def _show_stage(stage: dict[str, Any]) -> dict[str, Any]:
    figures = stage.get("figures", {})
    told = ", ".join(f"{name.replace('_', ' ')} {number}" for name, number in figures.items())
    return {**{name: stage[name] for name in ("stage", "seconds", "tries")}, "failed": stage["failed"], "what": told}


def verify(
    home: HomeOption = None,
    *,
    repair: Annotated[bool, typer.Option("--repair", help="Rebuild what is damaged from archive and inbox.")] = False,
    json: JsonOption = False,
) -> None:
    """Compare every stored file with its hash, and the registry with the disk."""
    opened = open_home(home)
    rebuilt = rebuild_registry(opened) if repair else []
    findings = list(check_home(opened))
    repaired = rebuilt + (repair_home(opened, findings) if repair else [])
    serious = [finding for finding in (check_home(opened) if repaired else findings) if finding.serious]
    shown = [
        {
            "kind": finding.kind,
            "place": finding.place,
            "path": finding.path,
            "test_id": finding.test_id,
            "sha256": finding.sha256,
            "serious": finding.serious,
        }
        for finding in findings
    ]
    if json:
        print_json({"findings": shown, "repaired": repaired, "sound": not serious})
    else:
        if shown:
            print_rows(shown)
        out.print(f"{len(shown)} findings, {len(repaired)} repaired. " + ("Damaged." if serious else "Sound."))
    if serious:
        raise typer.Exit(EXIT_CHECK)


def rebuild_registry(home: Home) -> list[str]:
    """Make a lost registry again from its journal; returns what to tell of it."""
    try:
        _ = home.registry
    except RegistryLost:
        return [f"registry, from {home.rebuild_registry()} lines of its journal"]
    return []


def simulate_lab(
    folder: Annotated[Path, typer.Argument(help="Where to write; made when absent.")],
    *,
    cells: Annotated[int, typer.Option(help="Cells of all firms together.")] = LabOptions.cells,
    cycles: Annotated[int, typer.Option(help="Cycles per cell, formation included.")] = LabOptions.cycles,
    firms: Annotated[str, typer.Option(help="Codes of the firms, comma-separated.")] = ",".join(LabOptions.firms),
    formats: Annotated[str, typer.Option(help="Layouts, comma-separated; all without.", show_default=False)] = "",
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = LabOptions.seed,
    points: Annotated[int, typer.Option(help="Samples of a constant-current step.")] = LabOptions.points,
    rate_blocks: Annotated[bool, typer.Option("--rate-blocks", help="A rate test after formation.")] = False,
    more: Annotated[str, typer.Option("--blocks", help=BLOCKS_HELP, show_default=False)] = "",
    scatter: Annotated[float, typer.Option(help="Scatter of the capacity, relative.")] = LabOptions.scatter,
    wafers: Annotated[int, typer.Option(help="Wafers of a firm with each process split.")] = LabOptions.wafers,
    json: JsonOption = False,
) -> None:
    """Write files of a virtual lab in the vendors' layouts, with the injected truth beside them."""
    options = LabOptions(
        firms=_split(firms),
        cells=cells,
        cycles=cycles,
        formats=_split(formats),
        seed=seed,
        points=points,
        rate_blocks=rate_blocks,
        blocks=_split(more),
        scatter=scatter,
        wafers=wafers,
    )
    with show_progress("Simulating") as advance:
        report = simulate(folder, options, advance)
    if json:
        files = [str(path) for path in report.files]
        print_json({"files": files, "manifest": str(report.manifest), "truth": str(report.truth), "rows": report.rows})
        return
    out.print(f"{len(report.files)} files with {report.rows} rows in {folder}", markup=False)
    out.print(f"Manifest: {report.manifest}\nTruth: {report.truth}", markup=False)


def _split(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def watch(
    home: HomeOption = None,
    *,
    once: Annotated[bool, typer.Option("--once", help="Take in what is at rest now, and end.")] = False,
    json: JsonOption = False,
) -> None:
    """Watch the inboxes and take in what comes to rest, until stopped; no server is needed."""
    opened = open_home(home)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())

    def take(watcher: Watcher, looks: list[Look]) -> None:
        for receipt in watcher.take(looks):
            if json:
                print_json(receipt)
            else:
                print_receipt(receipt)

    if once:
        scan_once(opened, stop, take)
        return
    if not json:
        inboxes = ", ".join(str(opened.folder / inbox) for inbox in opened.settings.inboxes)
        err.print(f"Watching {inboxes}; Ctrl-C ends it.", style="dim", markup=False)
    watch_inboxes(opened, stop, take)
    opened.close()


def serve(home: HomeOption = None) -> None:
    """Watch the inboxes and run the night at 02:00, until stopped."""
    # Prefect takes over a second to import, which no other command should pay.
    from flows.service import run_service  # noqa: PLC0415 see above

    with closing(open_home(home)) as opened:
        run_service(opened)


def demo(
    folder: Annotated[Path, typer.Argument(help="The demonstration home; made afresh.")] = Path("demo-home"),
) -> None:
    """Build a demonstration home from a virtual lab and run the main job on it."""
    run_demo(folder)
