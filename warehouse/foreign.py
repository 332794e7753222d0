"""Files that belong to others: opened once, never followed elsewhere, never written to.

Whose a failure is decides what becomes of the file. A share that does not answer is waited for: its files are not
deleted files. A file that may not be read is set aside. What we lack ourselves, memory or descriptors, is our failure.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from warehouse.errors import CellarError, QuarantineError, SourceBusy
from warehouse.files import CHUNK

SHARE_GONE: Final = frozenset(
    getattr(errno, name)
    for name in (
        "EIO",
        "ENODEV",
        "ENXIO",
        "ESTALE",
        "EREMOTEIO",
        "ENOTCONN",
        "ECONNABORTED",
        "ECONNREFUSED",
        "ECONNRESET",
        "EHOSTDOWN",
        "EHOSTUNREACH",
        "ENETDOWN",
        "ENETUNREACH",
        "ETIMEDOUT",
    )
    if hasattr(errno, name)
)
OUR_LACK: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM})
# A pipe with nobody at its other end would keep us waiting for ever. Windows has neither flag.
CAREFUL: Final = sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY", "O_CLOEXEC"))


class Foreign:
    """A file of others, open for reading.

    Args:
        descriptor: the open file's.
        shown: its path as the user knows it.

    Raises:
        QuarantineError: it is no file but a folder, a pipe or a device.
    """

    def __init__(self, descriptor: int, shown: str) -> None:
        self.shown = shown
        self._descriptor = descriptor
        self._before = self._status()
        if not stat.S_ISREG(self._before.st_mode):
            raise QuarantineError(shown, "cannot be opened: it is no regular file", code="cannot_open")

    @property
    def size(self) -> int:
        """How many bytes it had when it was opened."""
        return self._before.st_size

    def read(self, begin: int, size: int) -> bytes:
        """Return up to ``size`` bytes from ``begin`` on; none at its end."""
        try:
            os.lseek(self._descriptor, begin, os.SEEK_SET)
            return os.read(self._descriptor, size)
        except OSError as error:
            raise blame(error, self.shown) from error

    def chunks(self, begin: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Yield the bytes from ``begin`` to ``end``, at most to where it ended when it was opened."""
        # A writer may be faster than we are: without an end of our own we would follow it for ever.
        end = self.size if end is None else min(end, self.size)
        while begin < end and (chunk := self.read(begin, min(CHUNK, end - begin))):
            yield chunk
            begin += len(chunk)

    def check_unchanged(self, size: int) -> None:
        """Make sure that it did not change since it was opened, and that all its bytes were read.

        Raises:
            SourceBusy: it did; its writer is not done.
        """
        now = self._status()
        before = (self._before.st_size, self._before.st_mtime_ns)
        if before != (now.st_size, now.st_mtime_ns) or size != now.st_size:
            raise SourceBusy(f"{self.shown} changed while it was copied; it is taken again when it is quiet")

    def _status(self) -> os.stat_result:
        try:
            return os.fstat(self._descriptor)
        except OSError as error:
            raise blame(error, self.shown) from error


@contextmanager
def open_foreign(path: Path, shown: str) -> Iterator[Foreign]:
    """Open a file of others.

    Raises:
        SourceBusy: it is gone, or its share does not answer.
        QuarantineError: it may not be opened, or is no file but a link, a folder or a pipe.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | CAREFUL)
    except OSError as error:
        raise blame(error, shown) from error
    try:
        yield Foreign(descriptor, shown)
    finally:
        os.close(descriptor)


def blame(error: OSError, shown: str) -> CellarError:
    """Return what a failure of somebody else's file means, to be raised; what we lack ourselves is raised as it is."""
    if error.errno in OUR_LACK:
        raise error
    # Listed a moment ago: the next look sees whether it is gone, moved or back.
    if error.errno == errno.ENOENT:
        return SourceBusy(f"{shown} went away before it was taken")
    if error.errno in SHARE_GONE:
        return SourceBusy(f"{shown} cannot be read at the moment: {error.strerror}; its share is waited for")
    if error.errno == errno.ELOOP:
        return QuarantineError(shown, "a link, which is not followed", code="symbolic_link")
    return QuarantineError(shown, f"cannot be opened: {error.strerror}", code="cannot_open")
