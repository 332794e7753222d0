"""Runs of damaged files through the readers, in processes that may be killed: mutations and cuts.

A worker reads one damaged file after the other, under a limit of memory and an alarm a file; where it has got to stands
in a shared file. When it dies, what it died of is a finding, and another goes on behind it.
"""

from __future__ import annotations

import json
import mmap
import os
import re
import resource
import signal
import struct
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Protocol

from corpus_files import cases, corpus_folder
from mutations import mutate
from seeds import Seed, find_seeds

import parsers
from parsers.contract import SITE_ZONE, Reading
from warehouse.errors import FormatUnknown, QuarantineError
from warehouse.schema import MEASUREMENTS, SPECTRA

SECONDS: Final = 5
MEMORY: Final = 1 << 30
# Whoever waits without computing is not seen by an alarm that counts computing.
HANGING_SECONDS: Final = 120
PLACE: Final = struct.Struct("<q")
CUT_BYTES: Final = 64 * 1024
LARGE_CUTS: Final = 1000
MOST_FINDINGS: Final = 20


class Inputs(Protocol):
    """A numbered set of damaged files."""

    def __len__(self) -> int:
        """How many there are."""

    def make(self, number: int) -> tuple[Seed, bytes]:
        """Return the file that was damaged, and the damaged bytes."""


class Mutations:
    """Every seed damaged in turn.

    Args:
        count: how many; without an end by default.
    """

    def __init__(self, count: int = 1 << 62) -> None:
        self._count = count
        self._seeds = find_seeds()
        self._others = [seed.content for seed in self._seeds]

    def __len__(self) -> int:
        """How many were asked for."""
        return self._count

    def make(self, number: int) -> tuple[Seed, bytes]:
        """Return the seed and its damage of one number."""
        seed = self._seeds[number % len(self._seeds)]
        return seed, mutate(seed.content, number, self._others)


class Cuts:
    """Every real file up to 64 KiB cut at every byte, larger ones at a thousand places.

    Args:
        stride: take one cut in so many.
    """

    def __init__(self, stride: int = 1) -> None:
        self._stride = stride
        folder = corpus_folder()
        self._files = [(case, folder / case.file) for case in cases() if case.format and (folder / case.file).is_file()]

    @cached_property
    def _places(self) -> list[tuple[int, int]]:
        found = []
        for index, (_, path) in enumerate(self._files):
            size = path.stat().st_size
            cuts = range(1, size) if size <= CUT_BYTES else (size * part // LARGE_CUTS for part in range(1, LARGE_CUTS))
            found += [(index, place) for place in cuts]
        return found[:: self._stride]

    def __len__(self) -> int:
        """How many cuts there are."""
        return len(self._places)

    def make(self, number: int) -> tuple[Seed, bytes]:
        """Return the file and its beginning."""
        index, place = self._places[number]
        case, path = self._files[index]
        with path.open("rb") as file:
            return Seed(case.file, case.format, b""), file.read(place)


@dataclass
class Told:
    """What a run found out."""

    readings: int = 0
    refusals: int = 0
    slowest: float = 0.0
    peak_mb: int = 0
    seconds: float = 0.0
    findings: list[str] = field(default_factory=list)

    @property
    def inputs(self) -> int:
        """How many damaged files were read."""
        return self.readings + self.refusals

    def add(self, record: dict[str, Any]) -> None:
        """Take in what a worker says of its share."""
        self.readings += record["readings"]
        self.refusals += record["refusals"]
        self.slowest = max(self.slowest, record["slowest"])
        self.peak_mb = max(self.peak_mb, record["peak_mb"])
        self.findings += record["findings"]

    def __str__(self) -> str:
        """Tell the figures in a line."""
        return (
            f"{self.inputs:,} damaged files: {self.readings:,} readings, {self.refusals:,} refusals, "
            f"{len(self.findings)} anything else; slowest {self.slowest:.2f} s, peak {self.peak_mb} MB, "
            f"{self.inputs / max(self.seconds, 1e-9):.0f} a second"
        )


def run(kind: str, start: int, stop: int, workers: int = 1, stride: int = 1) -> Told:
    """Read the damaged files of a range of numbers.

    Args:
        kind: ``mutations`` or ``cuts``.
        start: the first number.
        stop: behind the last.
        workers: processes at a time.
        stride: of cuts, see :class:`Cuts`.
    """
    told = Told()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        going = [
            _Worker(kind, range(start + place, stop, workers), stride, Path(folder) / str(place))
            for place in range(workers)
        ]
        for worker in going:
            worker.begin()
        while going:
            going = [worker for worker in going if not worker.has_ended(told)]
            time.sleep(0.05)
    told.seconds = time.monotonic() - began
    return told


class _Worker:
    """One process at a time that reads a share of the files."""

    def __init__(self, kind: str, share: range, stride: int, folder: Path) -> None:
        self._kind, self._share, self._stride, self._folder = kind, share, stride, folder
        self._moved = time.monotonic()
        folder.mkdir()

    def begin(self) -> None:
        """Start a process at the beginning of what is left."""
        self._place = self._folder / "place"
        self._place.write_bytes(PLACE.pack(-1))
        self._at = -1
        span = [str(value) for value in (self._share.start, self._share.stop, self._share.step)]
        command = [sys.executable, __file__, self._kind, str(self._stride), str(self._folder), *span]
        environment = {**os.environ, "POLARS_MAX_THREADS": "1"}
        self._errors = (self._folder / "stderr").open("w+")
        with (self._folder / "told").open("w") as told:
            self._process = subprocess.Popen(command, stdout=told, stderr=self._errors, env=environment)

    def has_ended(self, told: Told) -> bool:
        """Look after the process: whether all is read; what died or hangs is a finding, and is gone on behind."""
        code = self._process.poll()
        at = PLACE.unpack(self._place.read_bytes())[0]
        if at != self._at:
            self._at, self._moved = at, time.monotonic()
        if code is None:
            if time.monotonic() - self._moved > HANGING_SECONDS:
                self._process.kill()
            return False
        for line in (self._folder / "told").read_text().splitlines():
            told.add(json.loads(line))
        if code == 0:
            self._errors.close()
            return True
        self._errors.seek(0)
        said = self._errors.read()[-300:]
        self._errors.close()
        told.findings.append(f"number {at}: the process ended with {code}: {said}")
        self._share = range(at + self._share.step, self._share.stop, self._share.step)
        if at < 0 or not self._share or len(told.findings) >= MOST_FINDINGS:
            return True
        self.begin()
        return False


def work(inputs: Inputs, share: Sequence[int], folder: Path) -> Iterator[dict[str, Any]]:
    """Read the damaged files of some numbers; yields what was found, in portions."""
    path = folder / "damaged"
    place = _shared(folder / "place")
    _warm(inputs, share, path)
    _limit()
    record = _blank()
    for number in share:
        place[: PLACE.size] = PLACE.pack(number)
        seed, content = inputs.make(number)
        path.write_bytes(content)
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        began = time.process_time()
        outcome = judge(path, seed)
        record["slowest"] = max(record["slowest"], round(time.process_time() - began, 3))
        signal.setitimer(signal.ITIMER_PROF, 0)
        if outcome in {"readings", "refusals"}:
            record[outcome] += 1
        else:
            record["findings"].append(f"number {number}, {seed.label}: {outcome}")
        if (record["readings"] + record["refusals"]) % 100 == 0:
            yield record | {"peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}
            record = _blank()
    yield record | {"peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}


def judge(path: Path, seed: Seed) -> str:
    """Read a damaged file; returns ``readings``, ``refusals``, or what is wrong with what came out."""
    try:
        reading = _read(path, seed)
        return _find_fault(reading) or "readings"
    except QuarantineError as refusal:
        named = refusal.path.startswith(path.name) and refusal.code and refusal.detail
        return "refusals" if named else f"a refusal without its place: {refusal!r}"
    except Exception:  # noqa: BLE001 whatever else comes out is what is looked for
        return traceback.format_exc(limit=-6)


def _read(path: Path, seed: Seed) -> Reading:
    """Read as the pipeline does; what nobody claims any more, as a technician who insists on the format."""
    try:
        return parsers.read(path, profile=seed.profile, tables=seed.tables)
    except FormatUnknown:
        return parsers.read_as(path, seed.format, None, SITE_ZONE, seed.profile, tables=seed.tables)


def _find_fault(reading: Reading) -> str:
    for frame, table in ((reading.measurements, MEASUREMENTS), (reading.spectra, SPECTRA)):
        if any(frame[name].null_count() for name in table.required):
            return "a required column holds nulls"
        floats = [column for column in frame if column.dtype.is_float()]
        if not all(column.drop_nulls().is_finite().all() for column in floats):
            return "NaN or infinity"
        rising = ("test_time_second", "step_count") if table is MEASUREMENTS else ("spectrum_index",)
        for name in rising:
            if name in frame.columns and (frame[name].drop_nulls().diff() < 0).any():
                return f"{name} goes back"
    return ""


def _warm(inputs: Inputs, share: Sequence[int], path: Path) -> None:
    """Load what readers load when first used, so that the limit counts what files take."""
    for seed in find_seeds() if isinstance(inputs, Mutations) else []:
        path.write_bytes(seed.content)
        judge(path, seed)
    for number in share[:20]:
        seed, content = inputs.make(number)
        path.write_bytes(content[:0])
        judge(path, seed)


def _limit() -> None:
    taken = re.search(r"VmSize:\s+(\d+) kB", Path("/proc/self/status").read_text())
    limit = (int(taken[1]) * 1024 if taken else 0) + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _blank() -> dict[str, Any]:
    return {"readings": 0, "refusals": 0, "slowest": 0.0, "findings": []}


def _shared(path: Path) -> mmap.mmap:
    with path.open("r+b") as file:
        return mmap.mmap(file.fileno(), PLACE.size)


def main(arguments: list[str]) -> None:
    """Do a worker's share."""
    kind, stride, folder, *span = arguments
    inputs: Inputs = Mutations() if kind == "mutations" else Cuts(int(stride))
    for record in work(inputs, range(*map(int, span)), Path(folder)):
        sys.stdout.write(json.dumps(record) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
