"""The archive: the raw bytes of everything ever dropped, named by their SHA-256, never deleted.

A content is a file ``<first two digits>/<sha256>``, or ``<sha256>.pieces`` in the same place: what is new in it, and
which earlier content has the rest (:mod:`warehouse.pieces`). The archive alone rebuilds every content.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Final

from warehouse.capture import HEAD_BYTES, Capture, Known, capture_file, heal
from warehouse.errors import DamageError
from warehouse.files import (
    CHUNK,
    hash_file,
    make_folder,
    make_token,
    publish_file,
    remove_temporaries,
    sync_folder,
    temporary_beside,
)
from warehouse.foreign import open_foreign
from warehouse.joined import Segment, open_joined
from warehouse.pieces import Pieces, check_pieces, read_pieces
from warehouse.ranges import intersect

__all__ = ["HEAD_BYTES", "Archive", "Capture", "Damage", "Known"]

FANOUT: Final = 2
INCOMING: Final = "incoming"
PIECES: Final = ".pieces"
DIGITS: Final = 64


@dataclass(frozen=True)
class Damage:
    """A content that cannot be had any more.

    Args:
        sha256: the content.
        path: the file that is to blame, its own or one that it is told by.
        kind: ``missing`` or ``damaged``.
    """

    sha256: str
    path: Path
    kind: str


class Archive:
    """A folder of raw contents.

    Args:
        folder: where they are kept.

    Attributes:
        owner: token of the process that writes, in the names of its temporaries.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.owner = make_token()

    def path_of(self, sha256: str) -> Path:
        """Return where the bytes with this hash are, or would be, when they are kept whole."""
        return self.folder / f"{sha256[:FANOUT]}/{sha256}"

    def pieces_of(self, sha256: str) -> Path:
        """Return where the content with this hash is, or would be, when it is kept in pieces."""
        return self.folder / f"{sha256[:FANOUT]}/{sha256}{PIECES}"

    def capture(self, source: Path, shown: str, bases: Sequence[Known] = ()) -> Capture:
        """Take a file into the archive; the file itself is never touched.

        Args:
            source: the dropped file.
            shown: its path as the user knows it.
            bases: contents that it may be a later version of, the one at its path before first. Only what is new
                against the longest that it begins with is written, or against the first if it was rewritten.

        Raises:
            SourceBusy: the file changed while it was copied, went away, or its share does not answer.
            QuarantineError: the file cannot be read.
            OSError: the archive's disk is full or failed; nothing was kept.
        """
        with open_foreign(source, shown) as file:
            return capture_file(self, file, bases)

    def open(self, sha256: str) -> BufferedReader:
        """Open a content to read and to seek in, whole or in pieces.

        Raises:
            DamageError: a file that it needs is missing or damaged, as far as that can be told without reading it all.
        """
        try:
            return self.path_of(sha256).open("rb")
        except FileNotFoundError:
            return open_joined(self._locate(sha256))

    @contextmanager
    def materialise(self, sha256: str) -> Iterator[Path]:
        """Yield a file with the bytes of a content, all of them checked; it is gone, or not to be used, afterwards.

        Raises:
            DamageError: the content is missing or damaged.
        """
        whole = self.path_of(sha256)
        # Bits rot between two looks of `verify`; nobody reads bytes that were not looked at just now.
        if whole.exists():
            _check_hash(hash_file(whole), sha256, whole)
            yield whole
            return
        with self.temporary() as copy:
            digest = hashlib.sha256()
            with self.open(sha256) as reader, copy.open("wb") as writer:
                while chunk := reader.read(CHUNK):
                    digest.update(chunk)
                    writer.write(chunk)
            _check_hash(digest.hexdigest(), sha256, self.pieces_of(sha256))
            yield copy

    def hash_prefix(self, sha256: str, size: int) -> str:
        """Return the hash of the first ``size`` bytes of a content.

        Raises:
            DamageError: the content is missing or damaged.
        """
        digest = hashlib.sha256()
        with self.open(sha256) as file:
            while size > 0 and (chunk := file.read(min(size, CHUNK))):
                digest.update(chunk)
                size -= len(chunk)
        return digest.hexdigest()

    def has(self, sha256: str) -> bool:
        """Say whether there is a file for a content; what is in it is another matter."""
        return self.path_of(sha256).exists() or self.pieces_of(sha256).exists()

    def is_sound(self, sha256: str) -> bool:
        """Say whether a content is there, every byte of it, and durable."""
        try:
            with self.open(sha256) as file:
                sound = hashlib.file_digest(file, "sha256").hexdigest() == sha256
        except (DamageError, OSError):
            return False
        # Another process may have given it its name a moment ago, and not have synced that yet.
        sync_folder(self.path_of(sha256).parent)
        return sound

    def has_sound_file(self, sha256: str) -> bool:
        """Say whether a content's own file is as it was written, whatever those that it is told by are."""
        return self._judge_file(sha256)[0] is None

    def contents(self) -> Iterator[str]:
        """Yield the hashes of all contents, in order."""
        for folder in sorted(self.folder.glob("?" * FANOUT)):
            names = {path.name.removesuffix(PIECES) for path in folder.iterdir()}
            yield from sorted(name for name in names if len(name) == DIGITS and name.startswith(folder.name))

    def check(self, expected: Iterable[str] = ()) -> Iterator[Damage]:
        """Yield every content that is damaged or missing; each file is read once, however many contents need it.

        Args:
            expected: contents that should be there.
        """
        judged: dict[str, tuple[str, Path] | None] = {}
        for sha256 in sorted({*self.contents(), *expected}):
            fault = self._judge(sha256, judged)
            if fault is not None:
                yield Damage(sha256, fault[1], fault[0])

    def heal(self, source: Path, shown: str, damaged: Iterable[Known]) -> list[str]:
        """Write damaged contents anew from a file that begins with their bytes. Returns which ones.

        Raises:
            SourceBusy: the file changed meanwhile, went away, or its share does not answer.
            QuarantineError: the file cannot be read.
        """
        with open_foreign(source, shown) as file:
            return heal(self, file, damaged)

    def remove_temporaries(self, spare: Collection[str] = ()) -> int:
        """Remove what killed processes left, and nothing of those whose tokens are given. Returns how many files."""
        return remove_temporaries(self.folder / INCOMING, spare)

    def describe(self, sha256: str) -> Pieces | None:
        """Return what a content is told by; None when it is kept whole.

        Raises:
            DamageError: neither is there.
        """
        return None if self.path_of(sha256).exists() else read_pieces(self.pieces_of(sha256))

    def walk(self, sha256: str) -> Iterator[Pieces]:
        """Yield what a content is told by, then what that is told by, and so on to the one that is kept whole."""
        while (pieces := self.describe(sha256)) is not None:
            yield pieces
            sha256 = pieces.base

    def lineage(self, known: Known) -> list[Known]:
        """Return a content and those that it is told by, as far as that can be read."""
        line = [known]
        try:
            line += [Known(pieces.base, pieces.base_size) for pieces in self.walk(known.sha256)]
        except DamageError:
            # What is beyond cannot be told.
            return line
        return line

    @contextmanager
    def temporary(self) -> Iterator[Path]:
        """Yield an unused name on the archive's disk; what is there afterwards is removed."""
        path = temporary_beside(self.folder / INCOMING / "source", self.owner)
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)

    def publish_whole(self, temporary: Path, sha256: str) -> None:
        """Give a whole content its name, durably."""
        self._publish(temporary, self.path_of(sha256))
        # It comes first wherever both are there, and so the other would never be looked at again.
        self.pieces_of(sha256).unlink(missing_ok=True)

    def publish_pieces(self, temporary: Path, sha256: str) -> None:
        """Give a content in pieces its name, durably."""
        self._publish(temporary, self.pieces_of(sha256))

    def _publish(self, temporary: Path, final: Path) -> None:
        make_folder(final.parent)
        publish_file(temporary, final)

    def _locate(self, sha256: str) -> Iterator[Segment]:
        """Yield where the bytes of a content in pieces are: what is wanted is handed down, so that no level nests."""
        pieces = self.describe(sha256)
        wanted = [(0, pieces.size)] if pieces is not None else []
        while pieces is not None and wanted:
            path = self.pieces_of(sha256)
            yield from (Segment(begin, end, path, start) for begin, end, start in pieces.place(wanted))
            wanted, sha256 = intersect(wanted, pieces.same), pieces.base
            pieces = self.describe(sha256) if wanted else None
        yield from (Segment(begin, end, self.path_of(sha256), begin) for begin, end in wanted)

    def _judge(self, sha256: str, judged: dict[str, tuple[str, Path] | None]) -> tuple[str, Path] | None:
        # Down to the first one that is judged already, then back up: a fault is that of all above it.
        line: list[str] = []
        base: str | None = sha256
        while base is not None and base not in judged:
            line.append(base)
            judged[base], base = self._judge_file(base)
        fault = judged[base] if base is not None else None
        for each in reversed(line):
            fault = judged[each] = judged[each] or fault
        return judged[sha256]

    def _judge_file(self, sha256: str) -> tuple[tuple[str, Path] | None, str | None]:
        """Return what is wrong with a content's own file, and which content it is told by."""
        whole, pieces = self.path_of(sha256), self.pieces_of(sha256)
        try:
            if whole.exists():
                return (None if hash_file(whole) == sha256 else ("damaged", whole)), None
            return None, check_pieces(pieces).base
        except OSError:
            # A sector that cannot be read is damage like any other.
            return ("damaged", whole), None
        except DamageError:
            return (("damaged", pieces) if pieces.exists() else ("missing", whole)), None


def _check_hash(found: str, wanted: str, path: Path) -> None:
    if found != wanted:
        raise DamageError(f"{path}: its bytes have the hash {found}")
