"""``cellar convert`` beside battery-data-standard 0.3.1 on every text file that both read, in one run.

That package is no dependency of ours: it is installed from PyPI into a folder of its own, with what it wants itself.
Both sides convert one file to Parquet, in turn, and the best of a few rounds counts on either side: first inside
processes that have done their imports, every file, small ones several times in a row on either side, because what a
process finds in its caches is no cost of theirs; then as whole commands from a shell, the largest and the smallest file
of every format. Of a file that the other side reads as an impedance only that call is timed, not the one that found out
that it is none of the others.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import venv
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import parsers
from bench.measure import call, corpus, seconds
from flows.virtual_lab import LabOptions, simulate
from warehouse.conform import conform
from warehouse.errors import CellarError

PACKAGE = "battery-data-standard==0.3.1"
ROUNDS = int(os.environ.get("CELLAR_BENCH_ROUNDS", "3"))
COMMAND_ROUNDS = 3
# Conversions of a small file in a row.
CALLS = 20
# A file that takes this long is measured once a side.
LONG_SECONDS = 5.0
WANTED_RATIO = 3.0
# Of these the corpus has small files only: how long the records of one are repeated, and where its times stand.
GROWN_BYTES = 2_000_000
GROWN = {
    "ImperialCollegeLondon-PyProBE__sample_data_basytec.txt": ("\t", "~Time[s]", 1.0),
    "ImperialCollegeLondon-PyProBE__sample_data_novonix.csv": (",", "Run Time (h)", 3600.0),
}
LAYOUTS = ("arbin_csv", "biologic_mpt", "maccor_txt", "neware_csv")
HEAD = 4096
# Below that, a conversion is mostly what a call into either library costs.
LARGE_BYTES = 100_000
CYCLING = "bds.convert(path, target, format='parquet')"
IMPEDANCE = "bds.read_eis(path).write_parquet(target, compression='zstd')"
QUIET = "import json, logging, sys, time, warnings; warnings.simplefilter('ignore'); logging.disable(logging.CRITICAL)"
SERVER = f"""
{QUIET}
import battery_data_standard as bds
answers, sys.stdout = sys.stdout, sys.stderr
for line in sys.stdin:
    path, target, calls = json.loads(line)
    told, taken = {{"impedance": False}}, []
    for _ in range(calls):
        started = time.perf_counter()
        try:
            {CYCLING}
        except Exception as error:
            told["impedance"] = True
            started = time.perf_counter()
            try:
                {IMPEDANCE}
            except Exception:
                told["failed"] = f"{{type(error).__name__}}: {{error}}"[:80]
        taken.append(time.perf_counter() - started)
    print(json.dumps(told | {{"seconds": min(taken)}}), file=answers, flush=True)
"""
COMMAND = "{quiet}; import battery_data_standard as bds; path, target = sys.argv[1:]; {call}"


@dataclass(frozen=True)
class Pair:
    """What one file took on either side, in seconds."""

    path: Path
    ours: float
    theirs: float
    impedance: bool

    @property
    def size(self) -> int:
        """The file's bytes."""
        return self.path.stat().st_size


Taken = dict[str, list[Pair]]


def run() -> None:
    """Print a line per file that both read, and what each format takes on either side, warm and as whole commands."""
    folder = corpus()
    python = _install()
    if folder is None or python is None:
        print("skipped: there is no corpus" if folder is None else f"skipped: {PACKAGE} could not be installed")
        return
    taken: Taken = defaultdict(list)
    unread = 0
    with tempfile.TemporaryDirectory() as scratch, _serve(python) as server:
        # Of some formats the corpus has small files only.
        made = simulate(Path(scratch) / "lab", LabOptions(cells=len(LAYOUTS), cycles=60, long_cells=0, formats=LAYOUTS))
        grown = [_grow(path, Path(scratch)) for path in sorted(folder.rglob("*")) if path.name in GROWN]
        for path in (*sorted(folder.rglob("*")), *made.files, *grown):
            if not path.is_file() or not _is_text(path) or (name := _convert(path, Path(scratch))) is None:
                continue
            pair = _measure(server, path, Path(scratch))
            if pair is None:
                unread += 1
                continue
            taken[name].append(pair)
            _print_pair(name, pair)
        print("\n-- inside processes that have done their imports: sums over a format's files --")
        _sum_up(taken)
        print(f"{unread} files that only we read")
        print("\n-- whole commands, from a shell: the smallest and the largest file of each format --")
        _time_commands(taken, python, Path(scratch))


def _grow(path: Path, scratch: Path) -> Path:
    """Write a file's records again and again, each time later by their own length."""
    separator, heading, unit = GROWN[path.name]
    lines = path.read_text(encoding="utf-8").splitlines()
    above = next(number for number, line in enumerate(lines, start=1) if heading in line.split(separator))
    place = lines[above - 1].split(separator).index(heading)
    records = [line.split(separator) for line in lines[above:]]
    # A second longer, so that time never stands still.
    span = float(records[-1][place]) + 1 / unit
    target = scratch / f"grown_{path.name}"
    with target.open("w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines[:above])
        for turn in range(-(-GROWN_BYTES // path.stat().st_size)):
            for record in records:
                moved = [*record]
                moved[place] = f"{float(record[place]) + turn * span:.7f}"
                if " " in record[0]:
                    later = datetime.fromisoformat(record[0]) + timedelta(seconds=round(turn * span * unit))
                    moved[0] = later.isoformat(sep=" ")
                file.write(separator.join(moved) + "\n")
    return target


def _print_pair(name: str, pair: Pair) -> None:
    shown = f"{name:16} {pair.path.name[:60]:60} {pair.size / 1000:8.1f} kB"
    print(
        f"{shown} ours {pair.ours:7.4f} s  theirs {pair.theirs:7.4f} s {pair.theirs / pair.ours:6.1f} times", flush=True
    )


def _sum_up(taken: Taken) -> None:
    """Print what formats take in all; a small file measures what a call costs, and is told apart."""
    print(f"{'format':16} files   ours s  theirs s   times   of {LARGE_BYTES // 1000} kB or more")
    both = [pair for pairs in taken.values() for pair in pairs]
    for name, pairs in [*sorted(taken.items()), ("all", both)]:
        large = [pair for pair in pairs if pair.size >= LARGE_BYTES]
        ours, theirs = sum(pair.ours for pair in pairs), sum(pair.theirs for pair in pairs)
        mark = "" if _ratio(pairs) >= WANTED_RATIO else f"  below {WANTED_RATIO:.0f}"
        told = f"{_ratio(large):7.1f} ({len(large)})" if large else "      -    "
        print(f"{name:16} {len(pairs):5} {ours:8.3f} {theirs:9.3f} {_ratio(pairs):7.1f} {told}{mark}")


def _time_commands(taken: Taken, python: Path, scratch: Path) -> None:
    """Print what whole commands take, the start of Python and all imports included."""
    ours = [sys.executable, "-m", "flows.main", "convert"]
    started = {"ours": [*ours, "--help"], "theirs": [str(python), "-c", "import battery_data_standard"]}
    for side, command in started.items():
        call(command)
        print(f"{'start alone':16} {side}: {min(seconds(partial(call, command)) for _ in range(COMMAND_ROUNDS)):.2f} s")
    for name, pairs in sorted(taken.items()):
        ordered = sorted(pairs, key=lambda pair: pair.size)
        for pair in dict.fromkeys((ordered[0], ordered[-1])):
            source, target = str(pair.path), str(scratch / "command.parquet")
            theirs = COMMAND.format(quiet=QUIET, call=IMPEDANCE if pair.impedance else CYCLING)
            commands = ([*ours, source, "--to", target], [str(python), "-c", theirs, source, target])
            rounds = [[seconds(partial(call, command)) for command in commands] for _ in range(COMMAND_ROUNDS)]
            best = [min(side) for side in zip(*rounds, strict=True)]
            _print_pair(name, Pair(pair.path, best[0], best[1], pair.impedance))


def _ratio(pairs: list[Pair]) -> float:
    return sum(pair.theirs for pair in pairs) / sum(pair.ours for pair in pairs)


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
    command = [str(python), "-c", SERVER]
    return subprocess.Popen(
        command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )


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


def _measure(server: subprocess.Popen[str], path: Path, scratch: Path) -> Pair | None:
    """Return the best seconds of both sides; None where they refuse the file."""
    assert server.stdin is not None
    assert server.stdout is not None
    rounds: list[tuple[float, float]] = []
    impedance = False
    calls = CALLS if path.stat().st_size < LARGE_BYTES else 1
    # The first round warms both sides up.
    for _ in range(ROUNDS + 1):
        print(json.dumps([str(path), str(scratch / "theirs.parquet"), calls]), file=server.stdin, flush=True)
        told = json.loads(server.stdout.readline())
        if "failed" in told:
            return None
        impedance = told["impedance"]
        rounds.append((min(seconds(lambda: _convert(path, scratch)) for _ in range(calls)), told["seconds"]))
        if told["seconds"] > LONG_SECONDS:
            break
    ours, theirs = (min(side) for side in zip(*(rounds[1:] or rounds), strict=True))
    return Pair(path, ours, theirs, impedance)
