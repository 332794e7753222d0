"""From what a user names to single sources: files, folders, and zip archives with several files inside.

A folder that is one source (:mod:`flows.folders`) is one drop, wherever it lies: its files are packed into one.

Links are not followed: an inbox may be open to people who may not read what they point to. A zip inside a zip is
opened, one inside that is set aside. All limits are counted while reading (:mod:`parsers._zips`).
"""

from __future__ import annotations

import io
import os
import stat
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

import parsers
from flows.folders import find_members, group_files, pack_folder
from flows.names import folders_of, is_system_file, label_members, printable
from parsers._zips import LARGEST_TOGETHER, MAGIC, Budget, find_overlapping, open_zip, unpack_entry
from warehouse.errors import QuarantineError, UsageError
from warehouse.foreign import Foreign, blame, open_foreign

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

__all__ = ["Drop", "drop_of", "list_files", "open_drops", "printable"]

# Workbooks and documents are zips too, and one file each to the people who drop them.
OFFICE_MEMBERS: Final = frozenset({"[Content_Types].xml", "mimetype"})
MOST_MEMBERS: Final = 10_000
# A zip in a dropped zip is opened, a zip in that is not.
DEEPEST: Final = 2
BUFFER: Final = 1 << 16
TOO_DEEP: Final = "an archive inside an archive inside an archive"


@dataclass(frozen=True)
class Drop:
    """One file that somebody dropped, or one folder that is one source.

    Args:
        path: where its bytes are.
        shown: its path as the user knows it.
        folders: the folders it lay in, outermost first, which may name firm and cell.
        container: whether it is an archive whose members are drops of their own.
        packed: whether it is a folder, whose files were packed into one of ours.
        refusal: why there are no bytes to take, if so.
        verdict: why its bytes are kept and not read, if so.
    """

    path: Path
    shown: str
    folders: tuple[str, ...]
    container: bool = False
    packed: bool = False
    refusal: QuarantineError | None = None
    verdict: QuarantineError | None = None

    @property
    def name(self) -> str:
        """The file's name, as a label."""
        return Path(self.shown.rpartition("!")[2]).name

    @property
    def is_system_file(self) -> bool:
        """Whether the operating system or a half-finished copy made it."""
        return is_system_file(self.name, self.folders)


def list_files(paths: Iterable[Path]) -> list[Path]:
    """Return the files that the paths name, in a fixed order; a folder that is one source stands for its files.

    A link that the user names stands for what it points to. Links found on the way, and folders that cannot be
    listed, are returned as they are, so that :func:`drop_of` says why nothing is taken from them.

    Raises:
        UsageError: a path does not exist.
    """
    files: list[Path] = []
    for path in paths:
        if not path.exists():
            raise UsageError(f"there is no file or folder {path}")
        named = path.resolve() if path.is_symlink() else path
        files.extend(group_files(_walk(named)) if named.is_dir() else [named])
    return files


def drop_of(path: Path, shown: str | None = None) -> Drop:
    """Return a file as a drop: it lay where it is shown to have lain, whose bytes may be elsewhere by now."""
    if shown is None:
        shown = printable(path)
        drop = Drop(path, shown, Path(printable(path.absolute())).parent.parts)
        return replace(drop, refusal=_refuse_path(path, shown))
    outside, _, inside = shown.partition("!")
    return Drop(path, shown, Path(outside).absolute().parent.parts + folders_of(inside))


@contextmanager
def open_drops(whole: Drop) -> Iterator[Iterator[Drop]]:
    """Open a drop as the drops it holds: itself, and the members if it is an archive of several files.

    Iterating raises SourceBusy when the archive goes away or its share does not answer.
    """
    with tempfile.TemporaryDirectory(prefix="cellar-") as folder:
        yield _Unfolding(Path(folder)).unfold(whole)


def _walk(folder: Path) -> list[Path]:
    """Return every entry below a folder that is no folder to go into."""
    found: list[Path] = []

    def note(error: OSError) -> None:
        found.append(Path(error.filename))

    for root, folders, names in os.walk(folder, onerror=note):
        found += [Path(root, name) for name in names]
        found += [Path(root, name) for name in folders if Path(root, name).is_symlink()]
    # The system lists in any order; receipts and tests want the same one each time.
    return sorted(found)


def _refuse_path(path: Path, shown: str) -> QuarantineError | None:
    """Return why a path is not even opened: opening a pipe would wait for ever."""
    try:
        mode = path.lstat().st_mode
    except OSError:
        # Whoever opens it says what is wrong.
        return None
    if stat.S_ISLNK(mode):
        return QuarantineError(shown, f"a link to {printable(path.readlink())}, not followed", code="symbolic_link")
    if stat.S_ISDIR(mode) and find_members(path):
        return None
    if stat.S_ISDIR(mode):
        return QuarantineError(shown, "a folder that cannot be listed", code="cannot_open")
    if not stat.S_ISREG(mode):
        return QuarantineError(shown, "cannot be opened: it is no regular file", code="cannot_open")
    return None


class _Unfolding:
    """Unfolds one drop, within limits that hold for all it holds together.

    Args:
        scratch: a folder for what is unpacked.
    """

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._budget = Budget(LARGEST_TOGETHER)
        self._taken = 0

    def unfold(self, drop: Drop, depth: int = 0) -> Iterator[Drop]:
        """Yield a drop and, if it is an archive, what it holds."""
        try:
            if drop.refusal is None and drop.path.is_dir():
                drop = self._pack(drop)
            is_zip = drop.refusal is None and not drop.is_system_file and _is_plain_zip(drop)
            if is_zip and depth == DEEPEST:
                yield replace(drop, verdict=QuarantineError(drop.shown, TOO_DEEP, code="nested_too_deep"))
            elif is_zip and self._holds_drops(drop):
                yield replace(drop, container=True)
                yield from self._unpack(drop, depth)
            else:
                yield drop
        except QuarantineError as refusal:
            yield replace(drop, refusal=refusal)

    def _pack(self, drop: Drop) -> Drop:
        """Return a folder that is one source with its bytes in one file."""
        packed = self._scratch / "folder"
        pack_folder(drop.path, drop.shown, packed)
        return replace(drop, path=packed, packed=True)

    def _holds_drops(self, drop: Drop) -> bool:
        """Say whether the files in a zip are drops of their own: one alone is read as that, unless it is a zip."""
        inside = self._scratch / "only"
        with _open_container(drop) as container:
            files = [entry for entry in container.infolist() if not entry.is_dir()]
            if len(files) != 1:
                return len(files) > 1
            try:
                with inside.open("wb") as writer:
                    # It is unpacked once more if it is opened, and only that counts.
                    for chunk in unpack_entry(container, files[0], drop.shown, replace(self._budget)):
                        if writer.tell() == 0 and not chunk.startswith(MAGIC):
                            return False
                        writer.write(chunk)
                return _is_plain_zip(replace(drop, path=inside))
            except QuarantineError:
                # Reading it says what is wrong with it.
                return False
            finally:
                inside.unlink(missing_ok=True)

    def _unpack(self, whole: Drop, depth: int) -> Iterator[Drop]:
        """Yield what the members of a zip are, one by one; a bad one does not stop the others."""
        with _open_container(whole) as container:
            entries = [entry for entry in container.infolist() if not entry.is_dir()]
            shared = find_overlapping(entries)
            labelled = dict(zip(label_members(entries), entries, strict=True))
            for root, labels in _folders_in(labelled):
                members = {label: labelled.pop(label) for label in labels if label in labelled}
                folder = self._pack_members(whole, container, root, members, shared)
                yield folder
                folder.path.unlink(missing_ok=True)
            for label, entry in labelled.items():
                if self._taken >= MOST_MEMBERS or self._budget.left < 0:
                    yield self._stop(whole, len(entries))
                    return
                self._taken += 1
                inside = self._scratch / str(self._taken)
                drop = Drop(inside, f"{whole.shown}!{label}", whole.folders + folders_of(label))
                refusal = self._unpack_one(container, entry, drop, overlaps=entry.header_offset in shared)
                yield from self.unfold(drop, depth + 1) if refusal is None else [replace(drop, refusal=refusal)]
                # At most one member of each level lies on the disk at a time.
                inside.unlink(missing_ok=True)

    def _pack_members(
        self,
        whole: Drop,
        container: zipfile.ZipFile,
        root: str,
        members: dict[str, zipfile.ZipInfo],
        shared: set[int],
    ) -> Drop:
        """Return a folder in a zip that is one source, its files packed into one; refused where one of them is bad."""
        self._taken += 1
        inside = self._scratch / f"folder-{self._taken}"
        drop = Drop(inside, f"{whole.shown}!{root}", whole.folders + folders_of(root), packed=True)
        if any(entry.header_offset in shared for entry in members.values()):
            return replace(drop, refusal=_overlap(drop.shown))

        def unpack(label: str) -> Iterator[bytes]:
            return unpack_entry(container, members[label], f"{whole.shown}!{label}", self._budget)

        try:
            parsers.pack_files(inside, root, members, unpack)
        except QuarantineError as refusal:
            return replace(drop, refusal=refusal)
        return drop

    def _unpack_one(
        self, container: zipfile.ZipFile, entry: zipfile.ZipInfo, drop: Drop, *, overlaps: bool
    ) -> QuarantineError | None:
        if overlaps:
            return _overlap(drop.shown)
        try:
            with drop.path.open("wb") as writer:
                for chunk in unpack_entry(container, entry, drop.shown, self._budget):
                    writer.write(chunk)
        except QuarantineError as refusal:
            return refusal
        return None

    def _stop(self, whole: Drop, count: int) -> Drop:
        """Return the drop that tells that not all files were taken."""
        if self._budget.left < 0:
            detail, code = f"more than {LARGEST_TOGETHER} bytes in {count} files", "too_large_together"
        else:
            detail, code = f"{count} files, of which not all were taken: at most {MOST_MEMBERS}", "too_many_files"
        return replace(whole, refusal=QuarantineError(whole.shown, detail, code=code))


def _overlap(shown: str) -> QuarantineError:
    return QuarantineError(shown, "it shares its place in the archive with another file", code="overlapping_files")


def _folders_in(labels: Iterable[str]) -> list[tuple[str, tuple[str, ...]]]:
    """Return the folders of a zip that are one source each, with the labels of their files."""
    wanted = [label for label in labels if not is_system_file(PurePosixPath(label).name, folders_of(label))]
    return list(parsers.gather_folders(wanted).items())


def _holds_more_than_a_folder(members: Iterable[str]) -> bool:
    """Say whether a zip holds a folder that is one source, and something else that reading it as one would lose."""
    files = [name for name in members if not name.endswith("/")]
    found = _folders_in(files)
    inside = {label for _, labels in found for label in labels}
    others = [
        name for name in files if name not in inside and not is_system_file(PurePosixPath(name).name, folders_of(name))
    ]
    return len(found) > 1 or bool(found and others)


def _is_plain_zip(drop: Drop) -> bool:
    """Say whether a drop is a zip that is no file of some format in itself, or that and more."""
    try:
        members = parsers.Peek(drop.path, drop.name).members
        if not members or OFFICE_MEMBERS & {*members}:
            return False
        if _holds_more_than_a_folder([name.replace("\\", "/") for name in members]):
            return True
        return not parsers.claims(parsers.Source(drop.path, drop.name))
    except OSError as error:
        raise blame(error, drop.shown) from error


@contextmanager
def _open_container(drop: Drop) -> Iterator[zipfile.ZipFile]:
    with (
        open_foreign(drop.path, drop.shown) as file,
        open_zip(io.BufferedReader(_ForeignReader(file), BUFFER), drop.shown) as container,
    ):
        yield container


class _ForeignReader(io.RawIOBase):
    """A file of others as :mod:`zipfile` wants it: what fails is told as the failure of its share.

    Args:
        file: the open file.
    """

    def __init__(self, file: Foreign) -> None:
        self._source = file
        self._place = 0

    def readable(self) -> bool:
        """It is made to be read."""
        return True

    def seekable(self) -> bool:
        """It can be read from any place on."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Go to a place; one before the beginning is a damaged directory's."""
        place = {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._source.size}[whence] + offset
        if place < 0:
            raise ValueError(f"there is no place {place}")
        self._place = place
        return place

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Read as much as the system gives at once."""
        view = memoryview(buffer)
        chunk = self._source.read(self._place, len(view))
        view[: len(chunk)] = chunk
        self._place += len(chunk)
        return len(chunk)
