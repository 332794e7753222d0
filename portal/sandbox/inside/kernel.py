"""The system's walls as a process can raise them around itself, without anyone's permission; Linux only.

All of them hold for the thread that raises them and those that it starts: they come before DuckDB is opened.

* Limits: memory, computing, size of written files (none), open files.
* Capabilities: all dropped, which matters where the portal runs as root.
* Landlock (Linux 5.13, ABI 1): files can be read below one folder and nowhere else, nothing can be written; from
  ABI 4 no TCP, from ABI 6 no signal to others.
* Seccomp: calls that make processes, sockets, files, mounts, or that look into other processes, are refused.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import resource
import signal
import struct
from contextlib import suppress
from typing import Final

from portal.sandbox.inside.syscalls import ABSENT, COMMON, MACHINES, SECOND_SET

LIBC: Final = ctypes.CDLL(None, use_errno=True)

SET_NO_NEW_PRIVILEGES: Final = 38
SET_DUMPABLE: Final = 4
DROP_BOUNDING: Final = 24
END_WITH_PARENT: Final = 1
SET_SECCOMP: Final = 22
SECCOMP_FILTER: Final = 2
CAPABILITY_VERSION: Final = 0x20080522
CAPABILITIES: Final = 64
NOBODY: Final = 65534

LANDLOCK_CREATE: Final = 444
LANDLOCK_ADD: Final = 445
LANDLOCK_RESTRICT: Final = 446
LANDLOCK_VERSION: Final = 1
PATH_BENEATH: Final = 1
READ_FILE: Final = 1 << 2
READ_FOLDER: Final = 1 << 3
# Rights that each version of Landlock added: files, network, whom signals and abstract sockets reach.
FILE_RIGHTS: Final = {1: 13, 2: 14, 3: 15, 5: 16}
NETWORK_RIGHTS: Final = {4: 0b11}
SCOPES: Final = {6: 0b11}

LOAD: Final = 0x20
EQUAL: Final = 0x15
AT_LEAST: Final = 0x35
ANY_BIT: Final = 0x45
RETURN: Final = 0x06
ALLOW: Final = 0x7FFF0000
KILL: Final = 0x80000000
REFUSE: Final = 0x00050000
NUMBER: Final = 0
MACHINE: Final = 4
ARGUMENTS: Final = 16
NEW_THREAD: Final = 0x00010000
WRITING: Final = os.O_ACCMODE | os.O_CREAT | os.O_TRUNC | os.O_APPEND
# Position of the argument that tells whether a file is opened for writing.
FLAGS_OF: Final = {"open": 1, "openat": 2}

Instruction = tuple[int, int, int, int]


def set_limits(memory: int, files: int) -> None:
    """Limit for good what this process may take up: address space, written bytes (none), open files, core files."""
    for kind, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, files),
        (resource.RLIMIT_CORE, 0),
    ):
        _lower(kind, most)


def limit_computing(seconds: int) -> None:
    """Limit for good how long this process may compute from its start on."""
    _lower(resource.RLIMIT_CPU, seconds)


def give_up_privileges() -> None:
    """Drop every capability, and the way to get one back."""
    LIBC.prctl(SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    # Nobody looks into this process, whoever else runs as the same user.
    LIBC.prctl(SET_DUMPABLE, 0, 0, 0, 0)
    for number in range(CAPABILITIES):
        LIBC.prctl(DROP_BOUNDING, number, 0, 0, 0)
    header = struct.pack("=Ii", CAPABILITY_VERSION, 0)
    LIBC.capset(header, bytes(24))


def end_with_parent() -> None:
    """Have the kernel end this process with the thread that started it; forgotten whenever the user changes."""
    LIBC.prctl(END_WITH_PARENT, signal.SIGKILL, 0, 0, 0)


def change_root(folder: str) -> None:
    """Make a folder the root of all paths and become nobody.

    Raises:
        PermissionError: who runs this is not root.
    """
    os.chroot(folder)
    os.chdir("/")
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)


def landlock_version() -> int:
    """Return which Landlock the kernel has; 0 for none."""
    return max(int(LIBC.syscall(LANDLOCK_CREATE, None, 0, LANDLOCK_VERSION)), 0)


def lock_files(folder: str) -> bool:
    """Let this process read below a folder, write nowhere, and reach nobody; says whether the kernel can do it."""
    version = landlock_version()
    if not version:
        return False
    files = (1 << max(count for since, count in FILE_RIGHTS.items() if since <= version)) - 1
    network, scopes = (
        next((bits for since, bits in rights.items() if since <= version), 0) for rights in (NETWORK_RIGHTS, SCOPES)
    )
    rules = struct.pack("=QQQ", files, network, scopes)
    # Older kernels know a shorter record.
    size = 8 if not network else 16 if not scopes else 24
    ruleset = LIBC.syscall(LANDLOCK_CREATE, rules[:size], size, 0)
    if ruleset < 0:
        return False
    with suppress(OSError):
        place = os.open(folder, os.O_PATH | os.O_CLOEXEC)
        allowed = struct.pack("=Qi", READ_FILE | READ_FOLDER, place)
        LIBC.syscall(LANDLOCK_ADD, ruleset, PATH_BENEATH, allowed, 0)
        os.close(place)
    restricted = LIBC.syscall(LANDLOCK_RESTRICT, ruleset, 0)
    os.close(ruleset)
    return bool(restricted == 0)


def refuse_calls() -> bool:
    """Have the kernel refuse what no query needs; says whether it will."""
    program = _write_filter(platform.machine(), os.getpid())
    if program is None:
        return False
    code = b"".join(struct.pack("=HBBI", *instruction) for instruction in program)
    held = ctypes.create_string_buffer(code, len(code))
    # As the compiler would lay it out: a count, padding, and where the instructions are.
    header = struct.pack("@HP", len(program), ctypes.addressof(held))
    return bool(LIBC.prctl(SET_SECCOMP, SECCOMP_FILTER, header, 0, 0) == 0)


def _lower(kind: int, most: int) -> None:
    ceiling = resource.getrlimit(kind)[1]
    value = most if ceiling == resource.RLIM_INFINITY else min(most, ceiling)
    resource.setrlimit(kind, (value, value))


def _write_filter(machine: str, process: int) -> list[Instruction] | None:
    """Return the program that the kernel runs at each call; None for a machine that we have no numbers of."""
    if machine not in MACHINES:
        return None
    audit, denied, watched = MACHINES[machine]
    program = [(LOAD, 0, 0, MACHINE), (EQUAL, 1, 0, audit), _end(KILL), (LOAD, 0, 0, NUMBER)]
    program += [(AT_LEAST, 0, 1, SECOND_SET), _refuse(errno.ENOSYS)]
    for number in ABSENT.values():
        program += [(EQUAL, 0, 1, number), _refuse(errno.ENOSYS)]
    for number in (denied | COMMON).values():
        program += [(EQUAL, 0, 1, number), _refuse(errno.EPERM)]
    for name, position in FLAGS_OF.items():
        if name in watched:
            program += _watch(watched[name], position, (ANY_BIT, 1, 0, WRITING))
    # A thread is part of this process, anything else would be another one.
    program += _watch(watched["clone"], 0, (ANY_BIT, 0, 1, NEW_THREAD))
    # Ending oneself is how a defect is told.
    program += _watch(watched["tgkill"], 0, (EQUAL, 0, 1, process))
    return [*program, _end(ALLOW)]


def _watch(number: int, argument: int, test: Instruction) -> list[Instruction]:
    """Return what allows a call by one of its arguments: the test jumps past one instruction to refuse it."""
    place = ARGUMENTS + 8 * argument
    return [(EQUAL, 0, 4, number), (LOAD, 0, 0, place), test, _end(ALLOW), _refuse(errno.EPERM)]


def _end(action: int) -> Instruction:
    return (RETURN, 0, 0, action)


def _refuse(number: int) -> Instruction:
    return _end(REFUSE | number)
