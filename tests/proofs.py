"""``python3 dev.py prove [NAME…]``: the long proofs; prints their figures and keeps them in ``docs/reliability.md``.

Names: histories, kills, nights, errors, growth, pipeline, rot, queue, receipts, scan, truth, counters, mutations, cuts,
walls, isolation; all of them without a name. The suite runs a short form of each.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from pages import DOCS, read_figures, write_figures

HERE: Final = Path(__file__).parent
PAGE: Final = DOCS / "reliability.md"
HISTORIES: Final = int(os.environ.get("CELLAR_PROVE_STEPS", "100000"))
STEPS_A_HISTORY: Final = 50
INCREMENTS: Final = int(os.environ.get("CELLAR_PROVE_INCREMENTS", "1000"))
CELLS: Final = int(os.environ.get("CELLAR_PROVE_CELLS", "200"))
FLIPS: Final = int(os.environ.get("CELLAR_PROVE_FLIPS", "10000"))
# 0 is every mutating system call.
POINTS: Final = int(os.environ.get("CELLAR_PROVE_POINTS", "0"))
ERRORS: Final = ("ENOSPC", "EIO", "EDQUOT")
FAILING: Final = ("text", "grow", "move", "night")
MUTATIONS: Final = int(os.environ.get("CELLAR_PROVE_MUTATIONS", "200000"))
REQUESTS: Final = int(os.environ.get("CELLAR_PROVE_REQUESTS", "100000"))
# 1 is every byte of the files up to 64 KiB and a thousand cuts of each larger one.
CUT_STRIDE: Final = int(os.environ.get("CELLAR_PROVE_CUT_STRIDE", "29"))
GROWING: Final = {
    "biologic_mpr": "biologic_mpr/cheminfo-biologic-converter__jdb11-1.mpr",
    "neware_nda": "neware_nda/EmpaEconversion-fastnda__unzipped__nda_v23.nda",
}


def prove_histories() -> str:
    """Run random histories of files against the model until enough steps are done."""
    from histories import STEPS_DONE, Histories  # noqa: PLC0415 each proof loads what it needs
    from hypothesis import HealthCheck, settings  # noqa: PLC0415 likewise
    from hypothesis.stateful import run_state_machine_as_test  # noqa: PLC0415 likewise

    long = settings(
        max_examples=200, stateful_step_count=STEPS_A_HISTORY, deadline=None, suppress_health_check=list(HealthCheck)
    )
    while STEPS_DONE["steps"] < HISTORIES:
        run_state_machine_as_test(Histories, settings=long)
    return f"{STEPS_DONE['steps']:,} steps, {STEPS_DONE['drops']:,} drops, {STEPS_DONE['kills']:,} kills; 0 differences"


def prove_kills() -> str:
    """Kill every scenario at every mutating system call, every second time the recovery too."""
    records = _strike([], "")
    again = sum(bool(record["killed_again"]) for record in records)
    scenarios = len({record["scenario"] for record in records})
    # Threads share their work anew in each run, so now and then a call is not come to.
    met = sum(record["killed"] == signal.SIGKILL for record in records)
    told = f"{scenarios} scenarios, {len(records):,} calls, {met:,} kills, {again:,} of them with a second one"
    return f"{told}; {_tell_bad(records)}"


def prove_nights() -> str:
    """Kill a night at the start and in the middle of each stage."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(HERE / "night_driver.py"), folder]
        environment = {**os.environ, "PYTHONPATH": str(HERE)}
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    records = [json.loads(line) for line in done.stdout.splitlines()]
    half = sum(bool(record["half"]) for record in records)
    other = sum(bool(record["other"] or record["left"] or record["failed"]) for record in records)
    return f"{len(records)} kills, at the start and in the middle of each stage; {half} half nights, {other} other ends"


def prove_errors() -> str:
    """Let each mutating system call fail once with each error."""
    told = []
    for error in ERRORS:
        records = _strike(list(FAILING), error)
        types = ", ".join(sorted(set(Counter(record["failed"] for record in records)) - {None}))
        # Writing wakes another thread, too; no kernel lets that fail, and who is not woken waits until the alarm.
        asleep = sum(record["killed"] == signal.SIGALRM for record in records)
        waits = f", {asleep} of them waking a thread in vain" if asleep else ""
        told.append(f"{error}: {len(records):,} calls{waits}, told as {types}; {_tell_bad(records)}")
    return ". ".join(told)


def prove_growth() -> str:
    """Let real files grow by random increments through the readers."""
    from corpus_files import corpus_folder  # noqa: PLC0415 each proof loads what it needs
    from growing import prove  # noqa: PLC0415 likewise

    files = [(name, corpus_folder() / path) for name, path in GROWING.items()]
    with tempfile.TemporaryDirectory() as folder:
        grown = prove([file for file in files if file[1].exists()], INCREMENTS, 1, Path(folder))
    told = (f"{name} {growth.resumed} resumed, {growth.whole} read whole" for name, growth in grown.items())
    return f"{INCREMENTS:,} increments a file, bit-equal: {'; '.join(told)}"


def prove_rot() -> str:
    """Flip bits of stored files, one at a time."""
    from bitrot import prove_bitrot  # noqa: PLC0415 each proof loads what it needs

    with tempfile.TemporaryDirectory() as folder:
        told = prove_bitrot(Path(folder), FLIPS)
    return f"{told['flips']:,} flipped bits over {told['files']} files of every kind, {told['missed']} missed"


def prove_pipeline() -> str:
    """Let real files grow by random increments through the whole pipeline, with nights in between."""
    _run_test("tests/test_faults.py::test_real_file_grows_through_the_pipeline", CELLAR_INCREMENTS=str(INCREMENTS))
    return f"{INCREMENTS:,} increments of each of two real files, with 4 nights in between: bit-equal to one reading"


def prove_queue() -> str:
    """Let eight processes take in one queue of 200 files."""
    _run_test("tests/test_leases.py::test_one_queue_is_taken_once", CELLAR_QUEUE_FILES="200")
    return "8 processes on one queue of 200 files: each committed once, 1,600 receipts"


def prove_receipts() -> str:
    """Measure how long a drop at rest waits for its receipt."""
    from measures import measure_receipts  # noqa: PLC0415 each proof loads what it needs

    told = []
    for command in ("watch", "serve"):
        with tempfile.TemporaryDirectory() as folder:
            waits = measure_receipts(Path(folder), command)
        told.append(f"`cellar {command}` {max(waits):.1f} s after coming to rest at most")
    return ", ".join(told)


def prove_scan() -> str:
    """Measure a look around 50,000 known files beside a bare walk."""
    from measures import measure_look  # noqa: PLC0415 each proof loads what it needs

    with tempfile.TemporaryDirectory() as folder:
        ours, bare = measure_look(Path(folder), 50_000)
    return f"50,000 known files in {ours:.2f} s, a bare `scandir` walk in {bare:.2f} s: {ours / bare:.1f} times"


def prove_truth() -> str:
    """Ask virtual cells' injected properties back from the queries; the tables go to a page of their own."""
    from truth_recovery import recover_all  # noqa: PLC0415 each proof loads what it needs

    with tempfile.TemporaryDirectory() as folder:
        return recover_all(Path(folder), CELLS)


def prove_counters() -> str:
    """Compare integrated charge with the counters of all real files; the tables go to a page of their own."""
    from corpus_files import corpus_folder  # noqa: PLC0415 each proof loads what it needs
    from counter_ratios import write_page  # noqa: PLC0415 likewise

    return write_page(corpus_folder())


def prove_mutations() -> str:
    """Read damaged copies of small files of every format."""
    return _read_damaged("mutations", MUTATIONS, 1)


def prove_cuts() -> str:
    """Read real files cut short."""
    from damage_runs import Cuts  # noqa: PLC0415 each proof loads what it needs

    return f"one cut in {CUT_STRIDE}; {_read_damaged('cuts', len(Cuts(CUT_STRIDE)), CUT_STRIDE)}"


def prove_walls() -> str:
    """Attack and torture the sandbox of SQL: with all walls, and with the system's alone, of each kind there is."""
    from sandbox_proof import prove_all  # noqa: PLC0415 each proof loads what it needs

    with tempfile.TemporaryDirectory() as folder:
        return prove_all(Path(folder))


def prove_isolation() -> str:
    """Crawl the whole portal as one firm, looking for what is another's."""
    from portal_crawl import prove  # noqa: PLC0415 each proof loads what it needs

    with tempfile.TemporaryDirectory() as folder:
        return prove(Path(folder) / "home", REQUESTS)


PROOFS: Final[dict[str, Callable[[], str]]] = {
    "histories": prove_histories,
    "kills": prove_kills,
    "nights": prove_nights,
    "errors": prove_errors,
    "growth": prove_growth,
    "pipeline": prove_pipeline,
    "rot": prove_rot,
    "queue": prove_queue,
    "receipts": prove_receipts,
    "scan": prove_scan,
    "truth": prove_truth,
    "counters": prove_counters,
    "mutations": prove_mutations,
    "cuts": prove_cuts,
    "walls": prove_walls,
    "isolation": prove_isolation,
}


def main(names: list[str]) -> int:
    """Run the named proofs, or all; keep the figures of each."""
    unknown = sorted(set(names) - PROOFS.keys())
    if unknown:
        sys.stderr.write(f"unknown: {', '.join(unknown)}; there are {', '.join(PROOFS)}\n")
        return 2
    for name in names or PROOFS:
        started = time.monotonic()
        told = f"{PROOFS[name]()} ({time.monotonic() - started:,.0f} s)"
        sys.stdout.write(f"{name}: {told}\n")
        sys.stdout.flush()
        keep_figure(name, told)
    return 0


def keep_figure(name: str, told: str) -> None:
    """Put a proof's figures into the page, in place of those of its last run."""
    figures = read_figures(PAGE).splitlines()
    rows = dict(line.strip("| ").split(" | ", 1) for line in figures if line.startswith("| "))
    rows = {proof: rows[proof] for proof in PROOFS if proof in rows} | {name: told}
    table = "\n".join(f"| {proof} | {rows[proof]} |" for proof in PROOFS if proof in rows)
    write_figures(PAGE, f"| proof | last full run |\n| --- | --- |\n{table}")


def _strike(names: list[str], error: str) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(HERE / "crash_driver.py"), folder, str(POINTS), *names]
        environment = {**os.environ, "PYTHONPATH": str(HERE), "CELLAR_FAIL_WITH": error}
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return [json.loads(line) for line in done.stdout.splitlines()]


def _read_damaged(kind: str, count: int, stride: int) -> str:
    from damage_runs import run  # noqa: PLC0415 each proof loads what it needs

    told = run(kind, 0, count, workers=os.cpu_count() or 1, stride=stride)
    for finding in told.findings:
        sys.stderr.write(f"{finding}\n")
    return str(told)


def _run_test(name: str, **environment: str) -> None:
    command = [sys.executable, "-m", "pytest", "-q", name]
    subprocess.run(command, check=True, cwd=HERE.parent, stdout=subprocess.DEVNULL, env=os.environ | environment)


def _tell_bad(records: list[dict[str, Any]]) -> str:
    counts = {
        "acknowledged lost": sum(bool(record["lost"]) for record in records),
        "half visible": sum(bool(record["half"]) for record in records),
        "other ends than undisturbed": sum(not (record["right"] and record["kept"]) for record in records),
        "serious findings": sum(bool(record["serious"]) for record in records),
        "leftovers": sum(bool(record["left"]) for record in records),
    }
    return ", ".join(f"{count} {what}" for what, count in counts.items())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
