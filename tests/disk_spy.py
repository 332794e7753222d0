"""What reaches the disk, in which order: a spy on the calls that make a file durable."""

from __future__ import annotations

import errno
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest


class DiskSpy:
    """Writes down each fsync (by inode) and each rename."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.calls: list[tuple[str, int]] = []
        fsync, replace = os.fsync, os.replace

        def spy_fsync(descriptor: int) -> None:
            fsync(descriptor)
            self.calls.append(("fsync", os.fstat(descriptor).st_ino))

        def spy_replace(source: Any, target: Any) -> None:
            self.calls.append(("rename", Path(source).stat().st_ino))
            replace(source, target)

        patch.setattr(os, "fsync", spy_fsync)
        patch.setattr(os, "replace", spy_replace)

    def around(self, published: Path) -> list[str]:
        """Return the calls that concern a published file and its folder, in order."""
        names = {published.stat().st_ino: "file", published.parent.stat().st_ino: "folder"}
        found = [f"{call} {names[inode]}" for call, inode in self.calls if inode in names]
        # The folder may have been made, and synced as an entry of its parent, long before.
        return found[next(index for index, call in enumerate(found) if call == "fsync file") :]


def fail_fsync(patch: pytest.MonkeyPatch) -> None:
    """Make every fsync fail as on a broken disk."""

    def broken(_descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    patch.setattr(os, "fsync", broken)


@contextmanager
def full_disk(size: int) -> Iterator[None]:
    """Let no file grow beyond ``size`` bytes: the kernel refuses the write, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def files_below(folder: Path) -> list[Path]:
    """Return every file below a folder."""
    return sorted(path for path in folder.rglob("*") if path.is_file())
