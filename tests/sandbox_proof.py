"""The sandbox's long proof: every attempt on every kind of wall, and every torture at a firm's own limits."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from portal_site import build_home
from sandbox_attack import Result, attack, open_sandbox, plant_canaries, torture
from sql_tortures import TORTURES

from portal.sandbox.inside import kernel
from portal.sandbox.limits import Limits
from portal.sandbox.walls import Walls, find_walls
from warehouse.home import Home

ATTACKED: Final = Limits(seconds=1.0)
TORTURED: Final = Limits(seconds=3.0)


def prove_all(folder: Path) -> str:
    """Attack and torture a home of two firms; returns the figures."""
    places = plant_canaries(build_home(folder / "home"), folder / "out")
    told = []
    with closing(Home(places.home)) as home:
        for name, walls in list_walls():
            for rules in (True, False):
                with open_sandbox(home, ATTACKED, walls, rules=rules) as sandbox:
                    result = attack(sandbox, places)
                told.append(_tell(f"{name}{'' if rules else ' alone'}", result))
        for rules in (True, False):
            with open_sandbox(home, TORTURED, find_walls(), rules=rules) as sandbox:
                result = torture(sandbox, TORTURES)
            late = result.slowest - TORTURED.seconds
            name = f"{len(TORTURES)} tortures{'' if rules else ' on the walls alone'}"
            told.append(_tell(name, result, f"at most {late:+.2f} s from the limit, {result.resident >> 20} MiB"))
    return "; ".join(told)


def list_walls() -> Iterator[tuple[str, Walls]]:
    """Yield what may hide other firms' files on this machine."""
    best = find_walls()
    if best.bwrap:
        yield "bwrap", best
    if kernel.landlock_version():
        yield "Landlock", find_walls(bwrap=False)
    if os.geteuid() == 0:
        yield "changed root", find_walls(bwrap=False, landlock=False)


def _tell(name: str, result: Result, more: str = "") -> str:
    for finding in result.findings:
        sys.stderr.write(f"{name}: {finding}\n")
    count = result.answered + result.refused
    return f"{name}: {count} runs, {len(result.findings)} findings{', ' + more if more else ''}"
