"""Which of the system's walls this machine has, and how a process is started behind them.

``bwrap`` makes the strongest: other files, processes and networks do not exist in there. Where it is absent or cannot
run, the kernel's Landlock hides files; where that is absent too and we are root, a changed root does. What a process
raises around itself (limits, seccomp, no capabilities) stands everywhere. See ``docs/decisions/0014-sandbox.md``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import portal.sandbox
from portal.sandbox.inside import kernel

SHARE: Final = "/share"
PACKAGE: Final = Path(portal.sandbox.__file__).parent
ROOT: Final = PACKAGE.parents[1]
# All of Cellar that is seen from inside.
OURS: Final = (ROOT / "portal" / "__init__.py", PACKAGE / "__init__.py", PACKAGE / "inside")
SYSTEM: Final = ("/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache")
NOBODY: Final = str(kernel.NOBODY)
TRY_SECOND: Final = 10
INSIDE: Final = "portal.sandbox.inside"
ENVIRONMENT: Final = {
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONPATH": str(ROOT),
    "LANG": "C.UTF-8",
    # Every arena reserves address space, which is limited; so does every pool of threads.
    "MALLOC_ARENA_MAX": "2",
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
}


@dataclass(frozen=True)
class Walls:
    """What hides other firms' files from a query's process.

    Args:
        bwrap: the program, where it works.
        landlock: whether the kernel has Landlock.
        root: whether the root of all paths is changed.
        warnings: what this machine lacks, for the log.
    """

    bwrap: str | None
    landlock: bool
    root: bool
    warnings: tuple[str, ...] = ()

    def place(self, folder: Path) -> str:
        """Return where a share is for the process that reads it."""
        if self.bwrap:
            return SHARE
        return "" if self.root else str(folder)

    def command(self, share: Path, home: Path, settings: str) -> list[str]:
        """Return what starts the process behind the walls.

        Args:
            share: all that it may see of the home.
            home: the home, which is hidden where something else that is shown would show it.
            settings: its argument.
        """
        python = [sys.executable, "-s", "-m", INSIDE, settings]
        return [*_bwrap(self.bwrap, share, home), *python] if self.bwrap else python


def find_walls(*, bwrap: bool = True, landlock: bool = True, root: bool = True) -> Walls:
    """Find out what this machine has; each can be left out, for tests and for machines where one misbehaves."""
    program, why = _try_bwrap() if bwrap else (None, "bwrap is switched off")
    has_landlock = landlock and kernel.landlock_version() > 0
    changes_root = root and program is None and not has_landlock and os.geteuid() == 0
    warnings = [] if program else [f"{why}: queries run without a namespace of their own"]
    if program is None and not has_landlock:
        stands_in = "a changed root hides" if changes_root else "nothing but DuckDB's own locks and the rules hides"
        warnings.append(f"the kernel has no Landlock: {stands_in} other firms' files")
    return Walls(program, has_landlock, changes_root, tuple(warnings))


@cache
def _try_bwrap() -> tuple[str | None, str]:
    """Return the program, or why it does not work here."""
    program = shutil.which("bwrap")
    if program is None:
        return None, "bwrap is not installed"
    try:
        command = [*_bwrap(program, Path("/usr"), Path("/nonexistent")), "/usr/bin/true"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=TRY_SECOND, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return None, f"bwrap does not run here ({error})"
    said = done.stderr.strip() or f"it ends with {done.returncode}"
    return (None, f"bwrap does not run here ({said})") if done.returncode else (program, "")


def _bwrap(program: str, share: Path, home: Path) -> list[str]:
    shown = [*SYSTEM, sys.base_prefix, sys.prefix, *map(str, OURS)]
    binds = [word for path in dict.fromkeys(shown) for word in ("--ro-bind-try", path, path)]
    # A home below one of these would be shown with it.
    hidden = ["--tmpfs", str(home)] if any(home.is_relative_to(path) for path in shown) else []
    options = ["--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL", "--chdir", "/"]
    user = ["--uid", NOBODY, "--gid", NOBODY]
    return [program, *options, *user, *binds, *hidden, "--ro-bind", str(share), SHARE, "--remount-ro", "/", "--"]
