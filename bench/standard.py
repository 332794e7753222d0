"""``cellar convert`` beside battery-data-standard 0.3.1 on every text file that both read, in one run.

That package is no dependency of ours: it is installed from PyPI into a folder of its own, with what it wants itself.
Both sides convert one file to Parquet, inside processes that have done their imports, in turn.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import tempfile
import venv
from collections import defaultdict
from pathlib import Path

import parsers
from bench.measure import corpus, seconds
from flows.virtual_lab import LabOptions, simulate
from warehouse.conform import conform
from warehouse.errors import CellarError

PACKAGE = "battery-data-standard==0.3.1"
ROUNDS = int(os.environ.get("CELLAR_BENCH_ROUNDS", "3"))
# A file that takes this long is measured once a side.
LONG_SECONDS = 5.0
WANTED_RATIO = 3.0
LAYOUTS = ("arbin_csv", "biologic_mpt", "maccor_txt", "neware_csv")
HEAD = 4096
# Below that, a conversion is mostly what a call into either library costs.
LARGE_BYTES = 100_000
# Bytes of a file, seconds of ours and of theirs.
Pair = tuple[int, float, float]
SERVER = """
import json, logging, sys, time, warnings
from pathlib import Path
warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)
import battery_data_standard as bds
answers, sys.stdout = sys.stdout, sys.stderr
for line in sys.stdin:
    path, target = json.loads(line)
    told = {}
    started = time.perf_counter()
    try:
        bds.convert(path, target, format="parquet")
    except Exception as error:
        started = time.perf_counter()
        try:
            bds.read_eis(path).write_parquet(target, compression="zstd")
        except Exception:
            told["failed"] = f"{type(error).__name__}: {error}"[:80]
    print(json.dumps(told | {"seconds": time.perf_counter() - started}), file=answers, flush=True)
"""


def run() -> None:
    """Print a line per file that both read, and what each format takes in all on either side."""
    folder = corpus()
    python = _install()
    if folder is None or python is None:
        print("skipped: there is no corpus" if folder is None else f"skipped: {PACKAGE} could not be installed")
        return
    taken: dict[str, list[Pair]] = defaultdict(list)
    unread = 0
    with tempfile.TemporaryDirectory() as scratch, _serve(python) as server:
        # Of some formats the corpus has small files only.
        made = simulate(Path(scratch) / "lab", LabOptions(cells=len(LAYOUTS), cycles=60, long_cells=0, formats=LAYOUTS))
        for path in (*sorted(folder.rglob("*")), *made.files):
            if not path.is_file() or not _is_text(path) or (name := _convert(path, Path(scratch))) is None:
                continue
            pairs = _measure(server, path, Path(scratch))
            if pairs is None:
                unread += 1
                continue
            mine, other = (statistics.median(side) for side in zip(*pairs, strict=True))
            taken[name].append((path.stat().st_size, mine, other))
            print(f"{name:16} {path.name[:70]:70} ours {mine:7.4f} s  theirs {other:7.4f} s  {other / mine:6.1f} times")
    _sum_up(taken, unread)


def _sum_up(taken: dict[str, list[Pair]], unread: int) -> None:
    """Print what formats take in all; a small file measures what a call costs, and is told apart."""
    print(f"\n{'format':16} files   ours s  theirs s   times   of {LARGE_BYTES // 1000} kB or more")
    both = [pair for pairs in taken.values() for pair in pairs]
    for name, pairs in [*sorted(taken.items()), ("all", both)]:
        large = [pair for pair in pairs if pair[0] >= LARGE_BYTES]
        ours, theirs = (sum(pair[side] for pair in pairs) for side in (1, 2))
        mark = "" if _ratio(large or pairs) >= WANTED_RATIO else f"  below {WANTED_RATIO:.0f}"
        told = f"{_ratio(large):7.1f} ({len(large)})" if large else "      -    "
        print(f"{name:16} {len(pairs):5} {ours:8.3f} {theirs:9.3f} {_ratio(pairs):7.1f} {told}{mark}")
    print(f"{unread} files that only we read")


def _ratio(pairs: list[Pair]) -> float:
    return sum(pair[2] for pair in pairs) / sum(pair[1] for pair in pairs)


def _install() -> Path | None:
    """Return a Python that has the package, installed once per machine; None where PyPI cannot be reached."""
    folder = Path(tempfile.gettempdir()) / f"cellar-bench-{PACKAGE}"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        print(f"installing {PACKAGE} into {folder} …", flush=True)
        venv.create(folder, with_pip=True)
    installed = subprocess.run([python, "-m", "pip", "install", "--quiet", PACKAGE], check=False, capture_output=True)
    return python if installed.returncode == 0 else None


def _serve(python: Path) -> subprocess.Popen[str]:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    return subprocess.Popen([python, "-c", SERVER], text=True, **pipes)


def _is_text(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(HEAD)
    return bool(head) and (b"\0" not in head or head.startswith((b"\xff\xfe", b"\xfe\xff")))


def _convert(path: Path, scratch: Path) -> str | None:
    """Do what ``cellar convert`` does; returns the format, or None where there are no rows for us."""
    try:
        reading = parsers.read(path)
        measurements, spectra = conform(reading.measurements, reading.spectra, path.name)
    except CellarError:
        return None
    for number, table in enumerate((measurements, spectra)):
        if table.height:
            table.write_parquet(scratch / f"{number}.parquet", compression="zstd")
    return reading.format if measurements.height or spectra.height else None


def _measure(server: subprocess.Popen[str], path: Path, scratch: Path) -> list[tuple[float, float]] | None:
    """Return the seconds of both sides, round by round; None where they refuse the file."""
    assert server.stdin is not None
    assert server.stdout is not None
    pairs: list[tuple[float, float]] = []
    # The first round warms both sides up.
    for _ in range(ROUNDS + 1):
        print(json.dumps([str(path), str(scratch / "theirs.parquet")]), file=server.stdin, flush=True)
        told = json.loads(server.stdout.readline())
        if "failed" in told:
            return None
        pairs.append((seconds(lambda: _convert(path, scratch)), told["seconds"]))
        if told["seconds"] > LONG_SECONDS:
            return pairs[-1:]
    return pairs[1:]
