from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from portal.sandbox.inside import kernel
from portal.sandbox.inside.syscalls import ABSENT, COMMON, MACHINES
from portal.sandbox.walls import ROOT

# Raises walls around itself, tries each of what is given, and tells what came of it.
SCRIPT = """
import ctypes, json, os, signal, socket, sys, threading
from portal.sandbox.inside import kernel

def read(path): return open(path).read()
def write(path): open(path, "r+").close()
def cut(path): os.truncate(path, 0)
def make(path): os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
def start_thread(_):
    started = []
    thread = threading.Thread(target=started.append, args=(1,)); thread.start(); thread.join()
    assert started

TRIES = {
    "socket": lambda _: socket.socket(),
    "pair": lambda _: socket.socketpair(),
    "fork": lambda _: os.fork() or os._exit(0),
    "exec": lambda _: os.execv("/usr/bin/true", ["true"]),
    "signal": lambda _: os.kill(os.getppid(), 0),
    "remove": os.unlink, "rename": lambda path: os.rename(path, path + "2"),
    "folder": lambda path: os.mkdir(path + "3"),
    "write": write, "cut": cut, "make": lambda path: make(path + "4"), "mode": lambda path: os.chmod(path, 0o777),
    "link": lambda path: os.symlink(path, path + "5"), "chroot": lambda _: os.chroot("/"),
    "read": read, "outside": lambda _: read("/etc/passwd"), "thread": start_thread,
}
folder, path, walls = sys.argv[1:]
kernel.give_up_privileges()
if "landlock" in walls: assert kernel.lock_files(folder)
if "seccomp" in walls: assert kernel.refuse_calls()
told = {}
for name, attempt in TRIES.items():
    try:
        attempt(path); told[name] = "done"
    except OSError as error:
        told[name] = error.strerror
print(json.dumps(told))
"""
REFUSED = "Operation not permitted"
NOT_ALLOWED = "Permission denied"


def attempt_all(tmp_path: Path, walls: str) -> dict[str, str]:
    """Return what comes of each attempt behind some walls."""
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "file").write_text("kept")
    command = [sys.executable, "-c", SCRIPT, str(folder), str(folder / "file"), walls]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert (folder / "file").read_text() == "kept"
    assert sorted(path.name for path in folder.iterdir()) == ["file"]
    told: dict[str, str] = json.loads(done.stdout)
    return told


@pytest.mark.skipif(platform.machine() not in MACHINES, reason="no numbers of this machine's calls are known")
def test_refused_calls(tmp_path: Path) -> None:
    """Behind the filter of calls nothing is started, reached or changed; reading and threads go on."""
    told = attempt_all(tmp_path, "seccomp")
    going_on = {"read", "outside", "thread"}
    assert {name: told[name] for name in going_on} == dict.fromkeys(going_on, "done")
    assert {what for name, what in told.items() if name not in going_on} == {REFUSED}


@pytest.mark.skipif(not kernel.landlock_version(), reason="this kernel has no Landlock")
@pytest.mark.skipif(platform.machine() not in MACHINES, reason="the filter of calls keeps the attempts from harm")
def test_locked_files(tmp_path: Path) -> None:
    """Behind Landlock files are read below one folder and nowhere else."""
    told = attempt_all(tmp_path, "landlock seccomp")
    assert told["read"] == "done"
    assert told["outside"] == NOT_ALLOWED


def test_numbers_are_those_of_the_system() -> None:
    """Where the kernel's headers are installed, the numbers of calls are theirs."""
    header = Path(f"/usr/include/{platform.machine()}-linux-gnu/asm/unistd_64.h")
    if platform.machine() != "x86_64" or not header.is_file():
        pytest.skip("no headers of this machine")
    lines = (line.split() for line in header.read_text().splitlines() if line.startswith("#define __NR_"))
    known = {name.removeprefix("__NR_"): int(number) for _, name, number in lines}
    _, denied, watched = MACHINES["x86_64"]
    ours = {**denied, **COMMON, **ABSENT, **watched}
    assert {name: number for name, number in ours.items() if known.get(name, number) != number} == {}


def test_every_instruction_is_reached() -> None:
    """The filter allows what is not named, and is short enough for the kernel."""
    for machine in MACHINES:
        program = kernel._write_filter(machine, 1)
        assert program is not None
        assert program[-1] == (kernel.RETURN, 0, 0, kernel.ALLOW)
        assert len(program) < 4096
    assert kernel._write_filter("vax", 1) is None
