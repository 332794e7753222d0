"""The process in which files are read for another: jobs come in on standard input, answers go out on standard output.

A native library that dies, a file that unpacks to more memory than there is, a defect of a reader or a loop without an
end then cost this process and not the one that keeps the registry. A job is a pickle, since it comes from our own
starter; an answer is a line of JSON, since what made it has read a stranger's file. Tables are handed over as Arrow
files. What is no error of ours ends the process, and its last words tell why.
"""

from __future__ import annotations

import json
import os
import pickle
import re
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import parsers
from parsers.contract import Source
from warehouse.errors import CellarError, QuarantineError, UsageError

STATUS: Final = Path("/proc/self/status")
VIRTUAL: Final = re.compile(r"VmSize:\s+(\d+) kB")
RESIDENT: Final = re.compile(r"VmRSS:\s+(\d+) kB")
TABLES: Final = ("measurements", "spectra")


@dataclass(frozen=True)
class Job:
    """Something to read.

    Args:
        what: ``read``, ``detect``, or ``part``: an excerpt, by its format's reader alone.
        source: the file.
        target: where the tables go: this name and an ending for each.
        format_name: the format to read it with; by its content without one.
        tables: that the site describes.
        memory: bytes that reading may take, where the system can limit that.
        seconds: of computing that reading may take, likewise.
    """

    what: str
    source: Source
    target: Path
    format_name: str | None
    tables: tuple[parsers.Description, ...]
    memory: int
    seconds: int


def main() -> None:
    """Answer jobs until there are no more."""
    # Whatever prints must not get between the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    # Who is stopped at a terminal finishes the file at hand, for which this process is needed.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Loaded while the first file is still being captured.
    parsers.formats()
    serve(sys.stdin.buffer, answers)


def serve(jobs: BinaryIO, answers: Any) -> None:
    """Answer each job with one line."""
    while True:
        try:
            job: Job = pickle.load(jobs)  # noqa: S301 our own starter wrote it
        except EOFError:
            return
        answers.write(json.dumps(_answer(job)) + "\n")
        answers.flush()


def _answer(job: Job) -> dict[str, Any]:
    limit(job.memory, job.seconds)
    try:
        return {**_do(job), "resident": _measure(RESIDENT)}
    except MemoryError as error:
        return {"failed": "memory", "detail": str(error) or "out of memory"}
    except OSError as error:
        return {"failed": "system", "errno": error.errno, "detail": str(error)}
    except (QuarantineError, UsageError) as error:
        return {"failed": type(error).__name__, **_places(error)}


def _do(job: Job) -> dict[str, Any]:
    source = job.source
    if job.what == "detect":
        return {"claimed": [one.name for one in parsers.detect(source.path, source.name, tables=job.tables)]}
    reading = _read(job)
    for name in TABLES:
        table = getattr(reading, name)
        if table.height:
            # In one piece, since nothing works on many as fast.
            table.write_ipc(f"{job.target}.{name}", record_batch_size=table.height)
    return {
        "about": dict(reading.about),
        "warnings": reading.warnings,
        "incomplete": reading.incomplete,
        "format": reading.format,
        "kind": reading.kind,
    }


def _read(job: Job) -> parsers.Reading:
    source = job.source
    if job.what == "part":
        return parsers.formats(job.tables)[str(job.format_name)].read(source)
    if job.format_name is not None:
        return parsers.read_as(
            source.path, job.format_name, source.name, source.zone, source.profile, tables=job.tables
        )
    return parsers.read(source.path, source.name, source.zone, source.profile, tables=job.tables)


def _places(error: CellarError) -> Mapping[str, Any]:
    if isinstance(error, QuarantineError):
        return {name: getattr(error, name) for name in ("path", "detail", "code", "byte", "line", "column")}
    return {"detail": str(error)}


def limit(memory: int, seconds: int) -> None:
    """Limit what is taken from here on, beside what is taken already; nothing where the system cannot."""
    try:
        import resource  # noqa: PLC0415 Windows has no such module
    except ImportError:
        return
    taken = _measure(VIRTUAL)
    if taken:
        _lower(resource.RLIMIT_AS, taken + memory)
    used = resource.getrusage(resource.RUSAGE_SELF)
    _lower(resource.RLIMIT_CPU, round(used.ru_utime + used.ru_stime) + seconds)
    _lower(resource.RLIMIT_CORE, 0)


def _lower(kind: int, value: int) -> None:
    """Set the limit that counts, not the one above it, so that the next job may have another."""
    import resource  # noqa: PLC0415 see above

    most = resource.getrlimit(kind)[1]
    resource.setrlimit(kind, (value if most == resource.RLIM_INFINITY else min(value, most), most))


def _measure(pattern: re.Pattern[str]) -> int:
    """Return what the system says that this process takes, in bytes; 0 where it does not say."""
    try:
        found = pattern.search(STATUS.read_text(encoding="ascii"))
    except OSError:
        return 0
    return int(found[1]) * 1024 if found else 0


if __name__ == "__main__":
    main()
