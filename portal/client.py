"""The portal from Python: answers as Polars frames.

::

    from portal.client import Cellar

    cellar = Cellar("https://cells.example.com", token)
    cellar.fade(cell="L2603-W03-D+02+00")
    cellar.query("summary")
    cellar.measurements("t-c76d9df674d0", columns=["test_time_second", "voltage_volt"], max_points=2000)

Every question of ``cellar query --list`` is a method, too. Frames travel as Arrow: numbers arrive as they are stored.
"""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Protocol, Self
from urllib.parse import quote

import httpx
import polars as pl

API: Final = "/api/v1"
ARROW: Final = "application/vnd.apache.arrow.stream"
TIMEOUT_SECONDS: Final = 60.0
PAUSE_SECONDS: Final = 1.0
PIECE_BYTES: Final = 8 * 1024 * 1024
FAILED: Final = 400


class CellarRefused(Exception):  # noqa: N818 named for what happened
    """The portal answered with a problem.

    Args:
        status: the HTTP status.
        detail: what the portal says is wrong.
        document: the whole problem document.
    """

    def __init__(self, status: int, detail: str, document: Mapping[str, Any]) -> None:
        self.status = status
        self.detail = detail
        self.document = document
        super().__init__(f"{status}: {detail}")


class Ask(Protocol):
    """A named question as a method of the client."""

    def __call__(
        self,
        *,
        cell: str | Sequence[str] | None = None,
        test: str | None = None,
        firm: str | None = None,
        columns: Sequence[str] = (),
        max_points: int | None = None,
    ) -> pl.DataFrame:
        """Ask the question; see :meth:`Cellar.query`."""


class Cellar:
    """A portal, and a token for it.

    Args:
        url: address of the portal, as ``https://cells.example.com``.
        token: what ``cellar token create`` gave out.
        transport: how requests are sent; over the network by default.
    """

    def __init__(self, url: str, token: str, *, transport: httpx.BaseTransport | None = None) -> None:
        headers = {"authorization": f"Bearer {token}"}
        self._http = httpx.Client(base_url=url, headers=headers, timeout=TIMEOUT_SECONDS, transport=transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __getattr__(self, name: str) -> Ask:
        """Return a named question as a method: ``cellar.fade(cell=…)``."""
        if name.startswith("_"):
            raise AttributeError(name)
        return partial(self.query, name)

    def query(
        self,
        name: str,
        *,
        cell: str | Sequence[str] | None = None,
        test: str | None = None,
        firm: str | None = None,
        columns: Sequence[str] = (),
        max_points: int | None = None,
    ) -> pl.DataFrame:
        """Answer a named question.

        Args:
            name: one of :meth:`questions`.
            cell: only this cell, or these.
            test: only this test.
            firm: only this firm's; for technicians and operators, who see all.
            columns: only these columns.
            max_points: at most so many rows of each cell or test, with the extremes.

        Raises:
            CellarRefused: there is no such question, cell or test, or it is not the caller's.
        """
        cells = [cell] if isinstance(cell, str) else list(cell or ())
        asked = {"cell": cells, "test": test, "firm": firm, "columns": ",".join(columns), "max_points": max_points}
        return self._frame(f"/queries/{quote(name, safe='')}", asked)

    def measurements(
        self,
        test: str,
        *,
        columns: Sequence[str] = (),
        begin: float | None = None,
        end: float | None = None,
        max_points: int | None = None,
    ) -> pl.DataFrame:
        """Return the samples of a test.

        Args:
            test: the test.
            columns: only these columns; time, voltage and current by default.
            begin: test time of the first row, s.
            end: test time of the last row, s.
            max_points: at most so many rows, with the extremes.
        """
        asked = {"columns": ",".join(columns), "from": begin, "to": end, "max_points": max_points}
        return self._frame(f"/tests/{quote(test, safe='')}/measurements", asked)

    def questions(self) -> list[dict[str, Any]]:
        """Return every named question with its columns, units and notes."""
        found: list[dict[str, Any]] = self._send("GET", "/queries").json()
        return found

    def receipts(self, limit: int = 100) -> list[dict[str, Any]]:
        """Return what became of drops, newest first."""
        found: list[dict[str, Any]] = self._send("GET", "/receipts", params={"limit": limit}).json()
        return found

    def upload(self, path: Path, *, firm: str | None = None, cell: str | None = None) -> dict[str, Any]:
        """Send a file into the inbox, for technicians; returns where it lies there.

        Args:
            path: the file.
            firm: code of the firm that it is for.
            cell: the cell, with its firm.
        """
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        begin = {"name": path.name, "size": path.stat().st_size, "sha256": sha256, "firm": firm, "cell": cell}
        upload: dict[str, Any] = self._send("POST", "/uploads", json=begin).json()
        while upload["state"] == "receiving":
            upload = self._send_piece(path, upload)
        return upload

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def _send_piece(self, path: Path, upload: dict[str, Any]) -> dict[str, Any]:
        """Send the next piece; where the line breaks, ask how far it has come."""
        with path.open("rb") as file:
            file.seek(upload["offset"])
            piece = file.read(PIECE_BYTES)
        address = f"/uploads/{upload['upload_id']}"
        headers = {"upload-offset": str(upload["offset"])}
        try:
            sent: dict[str, Any] = self._send("PATCH", address, content=piece, headers=headers).json()
        except httpx.TransportError:
            # The bytes may have arrived all the same; a line that stays dead fails here.
            time.sleep(PAUSE_SECONDS)
            sent = self._send("GET", address).json()
        return sent

    def _frame(self, path: str, asked: Mapping[str, Any]) -> pl.DataFrame:
        # Left out, and not sent empty: an empty parameter is a value to some proxies.
        given = {name: value for name, value in asked.items() if value not in (None, "", [])}
        answer = self._send("GET", path, params={**given, "format": "arrow"}, headers={"accept": ARROW})
        return pl.read_ipc_stream(io.BytesIO(answer.content))

    def _send(self, method: str, path: str, **more: Any) -> httpx.Response:
        answer = self._http.request(method, f"{API}{path}", **more)
        if answer.status_code >= FAILED:
            # A proxy in between answers with pages of its own.
            is_problem = "json" in answer.headers.get("content-type", "")
            document = answer.json() if is_problem else {"detail": answer.reason_phrase}
            raise CellarRefused(answer.status_code, str(document.get("detail", "")), document)
        return answer
