"""Runs attempts to break out of the sandbox, and queries that torture it, and judges what came of each."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import duckdb
import polars as pl
from sql_escapes import CANARY, SYSTEM_CANARY, VARIABLE, Places, write_attempts

from portal.sandbox.limits import Limits
from portal.sandbox.pool import Sandbox
from portal.sandbox.walls import Walls
from warehouse.errors import UsageError
from warehouse.home import Home
from warehouse.shares import FOLDER

ATTACKER: Final = "FIRM-A"
VICTIM: Final = "FIRM-B"
# What a limit may be exceeded by; machines that run tests are busy with other things, too.
SPARE_SECOND: Final = 0.5
AT_A_TIME: Final = 2
SHOWN: Final = 1000


@dataclass
class Result:
    """What came of some attempts: how many were answered and refused, and what must not have happened."""

    answered: int = 0
    refused: int = 0
    slowest: float = 0.0
    resident: int = 0
    findings: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """Say it in words."""
        count = self.answered + self.refused
        return f"{count} attempts ({self.answered} answered without harm), {len(self.findings)} findings"


def plant_canaries(home: Path, out: Path) -> Places:
    """Put what nobody else may read into the victim's folder, in files of every kind."""
    folder = home / "tables" / f"firm={VICTIM}" / "canary"
    folder.mkdir(exist_ok=True)
    frame = pl.DataFrame({"a": [CANARY], "b": [1]})
    frame.write_csv(folder / "canary.csv")
    frame.write_parquet(folder / "canary.parquet")
    frame.write_ndjson(folder / "canary.json")
    (folder / "canary.txt").write_text(CANARY)
    (folder / "canary.duckdb").unlink(missing_ok=True)
    with duckdb.connect(str(folder / "canary.duckdb")) as made:
        made.execute("CREATE TABLE canary AS SELECT $text AS a", {"text": CANARY})
    os.environ[VARIABLE] = CANARY
    out.mkdir(exist_ok=True)
    # Whoever could write would be let.
    out.chmod(0o777)
    return Places(home, folder, "", out)


@contextmanager
def open_sandbox(home: Home, limits: Limits, walls: Walls, *, rules: bool = True) -> Iterator[Sandbox]:
    """Open a sandbox; without rules, and DuckDB's locks, the system's walls stand alone."""
    with closing(Sandbox(home, limits, walls, locks=rules, rules=rules)) as sandbox:
        yield sandbox


def attack(sandbox: Sandbox, places: Places, choose: Callable[[list[str]], Sequence[str]] = list) -> Result:
    """Make attempts, and judge each by its answer and by what is on the disk afterwards.

    Args:
        sandbox: what is attacked.
        places: where things lie.
        choose: takes some of the attempts; all by default.
    """
    share = sandbox.share_of(ATTACKER)
    for kind in ("csv", "parquet", "json", "txt", "duckdb"):
        link = share / f"link.{kind}"
        if not link.is_symlink():
            link.symlink_to(places.other / f"canary.{kind}")
    seen = Places(places.home, places.other, sandbox.walls.place(share), places.out)
    attempts = choose(write_attempts(seen))
    before, result = _photograph(places), Result()
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        for told in pool.map(lambda sql: _attempt(sandbox, sql), attempts):
            _judge(told, result, sandbox.limits)
    result.findings += [f"on the disk: {change}" for change in sorted(before ^ _photograph(places))]
    return result


def torture(sandbox: Sandbox, queries: dict[str, str]) -> Result:
    """Run queries that take too much; each has to end in time, and the next one to be answered."""
    result = Result()
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        for name, told in zip(queries, pool.map(lambda sql: _attempt(sandbox, sql), queries.values()), strict=True):
            told.sql = name
            _judge(told, result, sandbox.limits)
    if result.resident > sandbox.limits.address_space:
        result.findings.append(f"a query took {result.resident >> 20} MiB")
    after = _attempt(sandbox, "SELECT count(*) AS n FROM fade")
    if not after.answer:
        result.findings.append(f"afterwards nothing is answered: {after.error}")
    return result


@dataclass
class _Told:
    sql: str
    answer: str
    error: str
    seconds: float
    resident: int = 0


def _attempt(sandbox: Sandbox, sql: str) -> _Told:
    """Make an attempt; again where it was late, for a machine that runs tests may stand still for a moment."""
    told = _attempt_once(sandbox, sql)
    return _attempt_once(sandbox, sql) if _is_late(told, sandbox.limits) else told


def _is_late(told: _Told, limits: Limits) -> bool:
    return told.seconds > limits.seconds + SPARE_SECOND


def _attempt_once(sandbox: Sandbox, sql: str) -> _Told:
    # Starting a process is no part of the query.
    sandbox.prepare(ATTACKER)
    began = time.monotonic()
    try:
        answer = sandbox.ask(ATTACKER, sql)
    except UsageError as error:
        return _Told(sql, "", str(error), time.monotonic() - began, sandbox.resident)
    shown = answer.frame.head(SHOWN)
    text = " ".join((*shown.columns, *(str(value) for row in shown.iter_rows() for value in row)))
    return _Told(sql, f"answer: {text}", "", time.monotonic() - began, sandbox.resident)


def _judge(told: _Told, result: Result, limits: Limits) -> None:
    result.answered += bool(told.answer)
    result.refused += not told.answer
    result.slowest = max(result.slowest, told.seconds)
    result.resident = max(result.resident, told.resident)
    said = told.answer + told.error
    # Saying again what was asked is no secret, so the attempts do not contain what they look for.
    for secret in (CANARY, SYSTEM_CANARY):
        if secret in said:
            result.findings.append(f"read: {told.sql[:200]}")
    if any(name in told.answer for name in ("canary.csv", "canary.txt", "canary.parquet")) and "glob" in told.sql:
        result.findings.append(f"listed: {told.sql[:200]}")
    if _is_late(told, limits):
        result.findings.append(f"{told.seconds:.2f} s: {told.sql[:200]}")


def _photograph(places: Places) -> set[str]:
    """Return what is on the disk where an attempt might write: names, sizes and, of the canaries, contents."""
    told = set()
    roots = (places.home, places.out, Path("/tmp"))  # noqa: S108 this is where an attempt tries to write
    for root in roots:
        for path in root.glob("escaped*" if root == roots[-1] else "**/*"):
            if FOLDER in path.parts or path.name.startswith("registry.sqlite"):
                continue
            size = path.stat().st_size if path.is_file() else 0
            content = hashlib.sha256(path.read_bytes()).hexdigest() if path.parent == places.other else ""
            told.add(f"{path} {size} {content}")
    return told
