"""A home whose stored bytes rot: one bit is flipped at a time, and the check is asked whether it saw it."""

from __future__ import annotations

import random
from contextlib import closing
from pathlib import Path

from made_cells import cycle, measure, write_bdf

from flows.ingest import ingest_paths
from flows.nightly import run_night
from warehouse.home import Home
from warehouse.identity import add_firm
from warehouse.publish import Owner
from warehouse.verify import check_home


def make_home(folder: Path) -> Home:
    """Return a home with sources kept whole and in pieces, a test in two parts, and a night's marts and answers."""
    home = Home(folder / "home")
    add_firm(home, "A")
    long = write_bdf(folder / "in" / "long.csv", measure(cycle([1e-3, 0.9e-3] * 20)))
    content = long.read_bytes()
    for part in (content[: len(content) * 9 // 10], content):
        long.write_bytes(part)
        list(ingest_paths(home, [long], Owner("A", None, "option")))
    short = write_bdf(folder / "in" / "short.csv", measure(cycle([1.1e-3])))
    list(ingest_paths(home, [short], Owner("A", None, "option")))
    run_night(home)
    return home


def stored_files(home: Home) -> list[Path]:
    """Return every file of archive and store whose bytes are promised."""
    archived = (path for path in home.archive.folder.rglob("*") if path.suffix != ".jsonl")
    return sorted(path for path in (*archived, *home.store.folder.rglob("*.parquet")) if path.is_file())


def find_missed(home: Home, flips: int, seed: int) -> list[str]:
    """Flip bits one by one, each set right again; returns those that the check did not see."""
    chosen = random.Random(seed)  # noqa: S311 a repeatable choice and no secret
    files = stored_files(home)
    missed = []
    for _ in range(flips):
        path = chosen.choice(files)
        raw = path.read_bytes()
        bit = chosen.randrange(8 * len(raw))
        rotten = bytearray(raw)
        rotten[bit // 8] ^= 1 << bit % 8
        path.write_bytes(rotten)
        if not any(finding.serious for finding in check_home(home)):
            missed.append(f"{path.name}: bit {bit}")
        path.write_bytes(raw)
    return missed


def prove_bitrot(folder: Path, flips: int, seed: int = 1) -> dict[str, int]:
    """Return how many bits were flipped, over how many files, and how many of them were missed."""
    with closing(make_home(folder)) as home:
        files = len(stored_files(home))
        return {"flips": flips, "files": files, "missed": len(find_missed(home, flips, seed))}
