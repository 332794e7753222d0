"""Kills captures of a file's next version at step after step; prints one JSON object a kill. Usage: FOLDER."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from disk_spy import files_below

from warehouse.archive import Archive, Known

SIZE: Final = 40_000
MOST_STEPS: Final = 60
EVENTS: Final = frozenset({"os.rename", "os.remove", "os.mkdir", "os.truncate"})
WRITING: Final = os.O_WRONLY | os.O_RDWR

ALTERATIONS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "grown": lambda raw: raw + b"more" * 100,
    "rewritten": lambda raw: b"other" + raw[5:] + b"more" * 100,
    "doubled": lambda raw: raw + os.urandom(2 * SIZE),
}


def kill_at(place: Path, alter: Callable[[bytes], bytes], last: int) -> dict[str, Any]:
    """Kill the capture of an altered file at its ``last``-th step, look at the archive, and capture again."""
    place.mkdir(parents=True)
    archive, source = Archive(place / "archive"), place / "x"
    before = os.urandom(SIZE)
    source.write_bytes(before)
    first = archive.capture(source, "shown")
    after = alter(before)
    source.write_bytes(after)

    def capture() -> None:
        count_steps(place, last)
        archive.capture(source, "shown", [Known(first.sha256, first.size)])

    killed = run_in_child(capture)
    damaged = len(list(archive.check([first.sha256])))
    seen = len(list(archive.contents()))
    again = archive.capture(source, "shown", [Known(first.sha256, first.size)])
    archive.remove_temporaries()
    with archive.materialise(again.sha256) as path:
        whole = path.read_bytes() == after and again.sha256 == hashlib.sha256(after).hexdigest()
    damaged += len(list(archive.check([first.sha256, again.sha256])))
    left = len(files_below(archive.folder)) - 2
    return {"step": last, "killed": killed, "damaged": damaged, "seen": seen, "whole": whole, "left": left}


def count_steps(place: Path, last: int) -> None:
    """Kill this process at the ``last``-th thing that it does to the disk."""
    done = 0

    def step() -> None:
        nonlocal done
        done += 1
        if done == last:
            os.kill(os.getpid(), signal.SIGKILL)

    def hear(event: str, arguments: tuple[Any, ...]) -> None:
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITING
        if (writes or event in EVENTS) and str(arguments[0]).startswith(str(place)):
            step()

    fsync = os.fsync

    def stepping_fsync(descriptor: Any) -> None:
        step()
        fsync(descriptor)

    os.fsync = stepping_fsync
    sys.addaudithook(hear)


def run_in_child(work: Callable[[], None]) -> int:
    """Run something in a forked process; returns the signal that ended it, 0 if none."""
    child = os.fork()
    if child == 0:
        work()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise SystemExit(f"a child failed with {os.WEXITSTATUS(status)}")
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0


def main(folder: Path) -> None:
    """Kill at each step of each capture until it has no further one."""
    for name, alter in ALTERATIONS.items():
        for last in range(1, MOST_STEPS):
            found = kill_at(folder / name / str(last), alter, last)
            sys.stdout.write(json.dumps({"alteration": name, **found}) + "\n")
            if not found["killed"]:
                break


if __name__ == "__main__":
    main(Path(sys.argv[1]))
