"""Kills captures of a file's next version at step after step; prints one JSON object a kill. Usage: FOLDER."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from crash_driver import count_steps, in_child
from disk_spy import files_below

from warehouse.archive import Archive, Known

SIZE: Final = 40_000
MOST_STEPS: Final = 60

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

    killed, _ = in_child(capture)
    damaged = len(list(archive.check([first.sha256])))
    seen = len(list(archive.contents()))
    again = archive.capture(source, "shown", [Known(first.sha256, first.size)])
    archive.remove_temporaries()
    with archive.materialise(again.sha256) as path:
        whole = path.read_bytes() == after and again.sha256 == hashlib.sha256(after).hexdigest()
    damaged += len(list(archive.check([first.sha256, again.sha256])))
    left = len(files_below(archive.folder)) - 2
    return {"step": last, "killed": killed, "damaged": damaged, "seen": seen, "whole": whole, "left": left}


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
