"""A run of the pipeline that watches what it makes durable, and when: every fsync, rename, folder and commit.

Run as a script it prints what was out of order, as JSON. ``tests/test_durability.py`` runs it on the software as it is,
and on copies of it that lack one of the calls.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from made_cells import cycle, measure, write_bdf

from flows.ingest import ingest_paths
from flows.nightly import run_night
from warehouse.home import Home
from warehouse.identity import add_firm
from warehouse.publish import Owner

Event = tuple[str, str]
CHANGE = re.compile(r"(?:INSERT INTO|UPDATE|DELETE FROM) (\w+)")


class Watch:
    """Writes down, by path: fsyncs, renames, new folders, and commits of the registry that change it."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        fsync, replace, mkdir = os.fsync, os.replace, os.mkdir

        def watch_fsync(descriptor: int) -> None:
            fsync(descriptor)
            self.events.append(("fsync", str(Path(f"/proc/self/fd/{descriptor}").readlink())))

        def watch_replace(source: Any, target: Any) -> None:
            replace(source, target)
            self.events.extend([("from", str(source)), ("rename", str(target))])

        def watch_mkdir(path: Any, *arguments: Any, **options: Any) -> None:
            mkdir(path, *arguments, **options)
            self.events.append(("mkdir", str(path)))

        os.fsync, os.replace, os.mkdir = watch_fsync, watch_replace, watch_mkdir  # type: ignore[assignment] # spies with the same arguments

    def listen(self, home: Home) -> None:
        """Write down commits of a home's registry that follow a change."""
        engine = home.registry.engine
        changed = False

        @sa.event.listens_for(engine, "before_cursor_execute")
        def note_change(_connection: object, _cursor: object, sql: str, *_rest: object) -> None:
            nonlocal changed
            # Who works on what at the moment is not journaled, nor is the journal's own count.
            table = CHANGE.match(sql)
            changed |= table is not None and table[1] not in {"worker", "lease", "journal"}

        @sa.event.listens_for(engine, "commit")
        def note_commit(_connection: object) -> None:
            nonlocal changed
            if changed:
                self.events.append(("commit", ""))
            changed = False


def run_scenario(folder: Path, watch: Watch) -> None:
    """Take in a file, its continuation, and a night."""
    with closing(Home(folder / "home")) as home:
        watch.listen(home)
        add_firm(home, "A")
        path = write_bdf(folder / "in" / "a.csv", measure(cycle([1e-3, 0.9e-3] * 20)))
        whole = path.read_bytes()
        for part in (whole[: len(whole) * 9 // 10], whole):
            path.write_bytes(part)
            list(ingest_paths(home, [path], Owner("A", None, "option")))
        run_night(home)


def find_violations(events: list[Event], below: str) -> list[str]:
    """Return what was out of order below a folder.

    A file is fsynced before it gets its name, its folder afterwards; a new folder's parent likewise; both before the
    next commit of the registry, which comes after the fsync of its line in the journal.
    """
    found = []
    for place, (call, path) in enumerate(events):
        end = next((later for later in range(place, len(events)) if events[later][0] == "commit"), len(events))
        before, after = events[:place], events[place:end]
        parent = str(Path(path).parent)
        if call == "from" and path.startswith(below) and ("fsync", path) not in before:
            found.append(f"{Path(path).name} was renamed before it was synced")
        if call in {"rename", "mkdir"} and path.startswith(below) and ("fsync", parent) not in after:
            found.append(f"the folder of {path} was not synced before the commit")
        if call == "commit":
            since = [index for index in range(place) if events[index][0] == "commit"]
            own = events[since[-1] if since else 0 : place]
            if not any(what == "fsync" and "/journal/" in where for what, where in own):
                found.append("a commit without a line in the journal")
    journal = [path for call, path in events if call == "fsync" and path.endswith(".jsonl")]
    if journal and ("fsync", str(Path(journal[0]).parent)) not in events:
        found.append("the journal's folder was not synced")
    return found


def main() -> None:
    """Print what was out of order."""
    with tempfile.TemporaryDirectory() as folder:
        watch = Watch()
        run_scenario(Path(folder), watch)
        renames = sum(call == "rename" for call, _ in watch.events)
        commits = sum(call == "commit" for call, _ in watch.events)
        found = find_violations(watch.events, str(Path(folder) / "home" / ""))
        sys.stdout.write(json.dumps({"renames": renames, "commits": commits, "found": sorted(set(found))}) + "\n")


if __name__ == "__main__":
    main()
