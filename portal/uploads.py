"""Uploads: files that come in pieces over a line that breaks, and lie in the inbox whole or not at all.

An upload grows in ``uploads/`` of the home, which nobody watches. Its size is how far it has come, so whatever breaks
it can go on from there. Whole, and with the hash that was announced, it is linked into the inbox in one step under a
name that nothing has there; an older version of a file is never written over, for it may not have been taken in yet.
"""

from __future__ import annotations

import errno
import json
import os
import re
import secrets
import shutil
import threading
import time
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from http import HTTPStatus
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final

from flows.names import is_system_file
from portal.problems import Problem, not_found
from warehouse.files import hash_file, make_folder, publish_file, sync_file, sync_folder, temporary_beside
from warehouse.registry import CELL, FIRM

if TYPE_CHECKING:
    from warehouse.home import Home

FOLDER: Final = "uploads"
TOO_LARGE: Final = 413
LARGEST: Final = 64 * 1024**3
# What must stay free on the disk for everything else.
SPARE_BYTES: Final = 1024**3
LONGEST_NAME_BYTES: Final = 200
KEPT_SECONDS: Final = 7 * 86_400.0
ID: Final = re.compile(r"[0-9a-f]{32}")
# Another disk, and what file systems without hard links say.
NO_LINKS: Final = frozenset({errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})
UNFIT: Final = re.compile(r'[<>:"/\\|?*]')


@dataclass(frozen=True)
class Upload:
    """An upload on its way, or done.

    Args:
        upload_id: its name.
        name: the file's name.
        size: bytes in all.
        sha256: their hash.
        firm: the firm that it is for, if that was said.
        cell: the cell likewise.
        by: who began it.
        begun_unix_second: when.
        offset: bytes that are here.
        state: receiving, or received: it lies in the inbox.
        path: where it lies there, below the home.
    """

    upload_id: str
    name: str
    size: int
    sha256: str
    firm: str | None
    cell: str | None
    by: str
    begun_unix_second: float
    offset: int = 0
    state: str = "receiving"
    path: str | None = None


class Uploads:
    """The uploads of a home.

    Args:
        home: the platform.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._folder = home.folder / FOLDER
        self._busy: set[str] = set()
        self._lock = threading.Lock()

    def begin(self, upload: Upload) -> Upload:
        """Begin an upload; its id and time are given here.

        Raises:
            Problem: its name, owner or size cannot be.
        """
        name = unicodedata.normalize("NFC", upload.name)
        _check_name(name)
        self._check_owner(upload.firm, upload.cell)
        make_folder(self._folder)
        self._forget_old()
        if upload.size > shutil.disk_usage(self._folder).free - SPARE_BYTES:
            raise Problem(HTTPStatus.INSUFFICIENT_STORAGE, "There is not enough room on the disk for this file.")
        begun = replace(upload, upload_id=secrets.token_hex(16), name=name, begun_unix_second=time.time())
        # The bytes before the note: an upload that is known has a file, however small.
        self._part(begun.upload_id).touch()
        self._keep(begun)
        return self._finish(begun) if begun.size == 0 else begun

    def find(self, upload_id: str) -> Upload:
        """Return an upload with how far it has come.

        Raises:
            Problem: 404, there is none.
        """
        if not ID.fullmatch(upload_id):
            raise not_found()
        try:
            upload = Upload(**json.loads(self._note(upload_id).read_bytes()))
            here = self._part(upload_id).stat().st_size if upload.state == "receiving" else upload.size
        except (FileNotFoundError, ValueError, TypeError) as error:
            raise not_found() from error
        return replace(upload, offset=here)

    def add(self, upload_id: str, offset: int, piece: bytes) -> Upload:
        """Add bytes behind those that are here; with the last ones the file goes into the inbox.

        Raises:
            Problem: 409, they begin elsewhere; 413, they are more than announced; 422, the whole has another hash,
                and is dropped.
        """
        with self._only(upload_id):
            upload = self.find(upload_id)
            if upload.state == "received" or offset != upload.offset:
                detail = f"{upload.offset} bytes are here; go on from there."
                raise Problem(HTTPStatus.CONFLICT, detail, more={"offset": upload.offset, "state": upload.state})
            if upload.offset + len(piece) > upload.size:
                raise Problem(TOO_LARGE, "These are more bytes than the file was said to have.")
            with self._part(upload_id).open("ab") as file:
                file.write(piece)
            upload = replace(upload, offset=upload.offset + len(piece))
            return self._finish(upload) if upload.offset == upload.size else upload

    def cancel(self, upload_id: str) -> Upload:
        """Drop what has come of an upload.

        Raises:
            Problem: 404, there is none; 409, it is in the inbox.
        """
        with self._only(upload_id):
            upload = self.find(upload_id)
            if upload.state == "received":
                raise Problem(HTTPStatus.CONFLICT, "The file is in the inbox; nothing is taken back from there.")
            self._drop(upload_id)
            return upload

    def _finish(self, upload: Upload) -> Upload:
        part = self._part(upload.upload_id)
        # The whole file is read back from the disk, not summed up on the way.
        if hash_file(part) != upload.sha256:
            self._drop(upload.upload_id)
            detail = "The bytes have another hash than announced; they were dropped. Send the file again."
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail)
        inbox = self._home.folder / self._home.settings.inboxes[0]
        folder = inbox.joinpath(*(name for name in (upload.firm, upload.cell) if name))
        make_folder(folder)
        _refuse_links(inbox, folder)
        final = _put_into(part, folder, upload.name)
        # Noted before the part goes, so that a client which lost our answer learns that all is well.
        done = replace(upload, state="received", path=os.path.relpath(final, self._home.folder))
        self._keep(done)
        part.unlink()
        return done

    def _check_owner(self, firm: str | None, cell: str | None) -> None:
        registry = self._home.registry
        if firm is None and cell is not None:
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "A cell is named with its firm.")
        if firm is not None and registry.row(FIRM, code=firm) is None:
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "There is no such firm.")
        if cell is not None and (registry.row(CELL, firm=firm, cell_id=cell) is None or not _is_folder_name(cell)):
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "The firm has no such cell whose name can be a folder's.")

    def _forget_old(self) -> None:
        for note in self._folder.glob("*.json"):
            # Another request may forget the same one.
            with suppress(FileNotFoundError):
                newest = max(path.stat().st_mtime for path in (note, self._part(note.stem)) if path.exists())
                if newest < time.time() - KEPT_SECONDS:
                    self._drop(note.stem)

    def _drop(self, upload_id: str) -> None:
        self._part(upload_id).unlink(missing_ok=True)
        self._note(upload_id).unlink(missing_ok=True)

    def _keep(self, upload: Upload) -> None:
        note = self._note(upload.upload_id)
        temporary = temporary_beside(note, self._home.owner)
        temporary.write_text(json.dumps(asdict(upload), ensure_ascii=False), encoding="utf-8")
        publish_file(temporary, note)

    @contextmanager
    def _only(self, upload_id: str) -> Iterator[None]:
        """Let one request at a time work on an upload."""
        with self._lock:
            if upload_id in self._busy:
                raise Problem(HTTPStatus.CONFLICT, "Another request is sending bytes of this file at the moment.")
            self._busy.add(upload_id)
        try:
            yield
        finally:
            with self._lock:
                self._busy.discard(upload_id)

    def _part(self, upload_id: str) -> Path:
        return self._folder / f"{upload_id}.part"

    def _note(self, upload_id: str) -> Path:
        return self._folder / f"{upload_id}.json"


def _check_name(name: str) -> None:
    hidden = name.startswith(".") or is_system_file(name, ())
    if hidden or UNFIT.search(name) or not name.isprintable() or name != name.strip():
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "This cannot be the name of a file.")
    if not name or len(name.encode()) > LONGEST_NAME_BYTES:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"A name has 1 to {LONGEST_NAME_BYTES} bytes.")


def _is_folder_name(name: str) -> bool:
    return not UNFIT.search(name) and not name.startswith(".") and name.isprintable() and name == name.strip(" .")


def _refuse_links(inbox: Path, folder: Path) -> None:
    """Refuse a folder of the inbox that is a link: whoever may write into a share must not lead us elsewhere."""
    if folder.resolve() != inbox.resolve() / folder.relative_to(inbox):
        raise Problem(HTTPStatus.CONFLICT, "The folder in the inbox is a link to another one.")


def _put_into(part: Path, folder: Path, name: str) -> Path:
    """Put a whole file into a folder under a name that nothing has there, durably."""
    sync_file(part)
    for number in count(1):
        final = folder / (name if number == 1 else _number(name, number))
        try:
            _link(part, final)
        except FileExistsError:
            continue
        sync_folder(folder)
        break
    return final


def _link(part: Path, final: Path) -> None:
    try:
        os.link(part, final)
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        # The inbox is on another disk, or on one that knows no links; the watcher passes over unfinished copies.
        copy = final.with_name(f".{part.name}")
        shutil.copyfile(part, copy)
        final.open("x").close()
        publish_file(copy, final)


def _number(name: str, number: int) -> str:
    stem, dot, ending = name.rpartition(".")
    return f"{stem} ({number}).{ending}" if dot and stem else f"{name} ({number})"
