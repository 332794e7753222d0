#!/usr/bin/env python3
"""One entry for developers and newcomers; needs nothing but Python 3.11 or newer with venv.

python3 dev.py demo     set up, run the main job on a virtual lab, show fade curves
python3 dev.py test     set up, run linters, type check and the whole suite
python3 dev.py bench    set up, print throughput beside the bare readers
python3 dev.py prove    set up, run the long proofs and keep their figures in docs/reliability.md
python3 dev.py docs     regenerate the generated pages of docs/
python3 dev.py lock     resolve pyproject.toml into requirements.lock again (needs uv)
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
LOCK = ROOT / "requirements.lock"
STAMP = VENV / "installed-from"
OLDEST = (3, 11)


def main() -> int:
    """Set up when needed, run the named job, return its exit code."""
    jobs = {"demo": demo, "test": test, "bench": bench, "prove": prove, "docs": docs, "lock": lock}
    name, *arguments = sys.argv[1:] or [""]
    if name not in jobs:
        print(__doc__)
        return 2
    if sys.version_info < OLDEST:
        print(f"Cellar needs Python 3.11 or newer, this is {sys.version.split()[0]}", file=sys.stderr)
        return 2
    return jobs[name](arguments)


def demo(arguments: list[str]) -> int:
    """Build a demonstration home and run the main job on it."""
    set_up()
    return run([str(BIN / "cellar"), "demo", *arguments])


def test(arguments: list[str]) -> int:
    """Run what CI runs: format, lint, types, import contracts, suite."""
    set_up()
    checks = [
        [str(PYTHON), "-m", "ruff", "format", "--check", "--quiet", "."],
        [str(PYTHON), "-m", "ruff", "check", "--quiet", "."],
        [str(PYTHON), "-m", "mypy"],
        [str(BIN / "lint-imports"), "--no-cache"],
        # Each worker begins with a stretch of the suite, so a module with dear fixtures is rarely torn apart.
        [str(PYTHON), "-m", "pytest", "-n", "logical", "--dist", "worksteal", *arguments],
    ]
    # All checks run even when one fails, so that one run shows everything that is wrong.
    return max([run(check) for check in checks])


def bench(arguments: list[str]) -> int:
    """Print our throughput beside the bare readers."""
    set_up()
    return run([str(PYTHON), "-m", "bench", *arguments])


def prove(arguments: list[str]) -> int:
    """Run the long proofs; the suite runs a short form of each."""
    set_up()
    return run([str(PYTHON), str(ROOT / "tests" / "proofs.py"), *arguments])


def docs(arguments: list[str]) -> int:
    """Write the generated pages of docs/ again."""
    set_up()
    return run([str(PYTHON), "-m", "flows.docs", *arguments])


def lock(arguments: list[str]) -> int:
    """Resolve the dependencies again, without any host name in the result."""
    options = "--all-extras --universal --generate-hashes --no-emit-index-url --no-header --no-annotate --quiet"
    command = ["uv", "pip", "compile", *options.split(), "pyproject.toml", "-o", LOCK.name]
    return run([*command, *arguments])


def set_up() -> None:
    """Make .venv from the hashed lock, unless it was made from this very lock."""
    wanted = hashlib.sha256(LOCK.read_bytes() + (ROOT / "pyproject.toml").read_bytes()).hexdigest()
    if STAMP.is_file() and STAMP.read_text() == wanted:
        return
    print("Setting up .venv from requirements.lock (once; some minutes on a slow line) …", flush=True)
    if not PYTHON.exists():
        venv.create(VENV, with_pip=True)
    uv = shutil.which("uv")
    install = [uv, "pip", "install", "--python", str(PYTHON)] if uv else [str(PYTHON), "-m", "pip", "install"]
    quiet = ["--quiet"] if uv else ["--quiet", "--disable-pip-version-check"]
    # The lock is whole, so nothing is left to resolve; pip would refuse an extra that the lock pins without naming it.
    for what in (["--require-hashes", "-r", str(LOCK)], ["--no-build-isolation", "--editable", str(ROOT)]):
        code = run([*install, *quiet, "--no-deps", *what])
        if code:
            raise SystemExit(code)
    STAMP.write_text(wanted)


def run(command: list[str]) -> int:
    """Run a command in the project's folder; return its exit code."""
    return subprocess.run(command, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
