"""The portal from Python: answers as Polars frames.

::

    from portal.client import Cellar

    cellar = Cellar("https://cells.example.com", token)
    cellar.fade(cell="L2603-W03-D+02+00")
    cellar.compare(["L2603-W03-D+02+00", "L2603-W03-D+03+00"])
    cellar.measurements("t-c76d9df674d0", columns=["test_time_second", "voltage_volt"], max_points=2000)
    cellar.sql("SELECT cell_id, end_of_life FROM summary WHERE NOT end_of_life_censored")
    cellar.save_report("L2603-W03", "reports", kind="bundle", language="ko")

Every question of ``cellar query --list`` is a method, too: ``cells``, ``tests``, ``cycles``, ``steps``, ``spectra``,
``wafer``, ``cohort``, ``alerts`` and the rest. Frames travel as Arrow: numbers arrive as they are stored.
What goes wrong is a :class:`portal.refusals.CellarRefused`, with the portal's own words.
"""

from __future__ import annotations

import hashlib
import io
import re
import time
import warnings
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal, Protocol, Self
from urllib.parse import quote, unquote

import httpx
import polars as pl

from portal.refusals import AnswerCut, CellarRefused, read_refusal

__all__ = ["AnswerCut", "Cellar", "CellarRefused"]

API: Final = "/api/v1"
ARROW: Final = "application/vnd.apache.arrow.stream"
TIMEOUT_SECONDS: Final = 60.0
PAUSE_SECONDS: Final = 1.0
PIECE_BYTES: Final = 8 * 1024 * 1024
FAILED: Final = 400
# As many as the API gives out at once; JSON comes in pages otherwise.
MOST_ROWS: Final = 1_000_000
FILE_KINDS: Final = ("csv", "parquet", "arrow", "json")
# What a firm calls a bundle is a zip to the API.
REPORT_FORMATS: Final = {"pdf": "pdf", "xlsx": "xlsx", "bundle": "zip"}
ReportKind = Literal["pdf", "xlsx", "bundle"]
Language = Literal["ko", "en"]


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

    # For editors, which cannot see what __getattr__ answers; every other question is a method just the same.
    alerts: Ask
    application: Ask
    cells: Ask
    cohort: Ask
    cycles: Ask
    fade: Ask
    spectra: Ask
    steps: Ask
    summary: Ask
    tests: Ask
    wafer: Ask
    wafer_yield: Ask

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

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *Cellar.__annotations__})

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
        asked = _narrow(cell, test, firm, columns) | {"max_points": max_points}
        return self._frame(f"/queries/{quote(name, safe='')}", asked)

    def compare(
        self, cells: Sequence[str], column: str = "capacity_retention", *, firm: str | None = None
    ) -> pl.DataFrame:
        """Return one column of the fade of several cells side by side: a row each cycle, a column each cell.

        Cycles that are no ageing are left out: at another current the capacity is another.

        Args:
            cells: the cells, in the order of the columns.
            column: one of the columns of ``fade``.
            firm: the firm that they are of; for technicians and operators, who see all.
        """
        wanted = ["cell_id", "cycle", "class", column]
        fade = self.query("fade", cell=cells, firm=firm, columns=list(dict.fromkeys(wanted)))
        ageing = fade.filter(pl.col("class") == "ageing")
        wide = ageing.pivot("cell_id", index="cycle", values=column).sort("cycle")
        # A cell without an ageing cycle yet keeps its column: who asked for five gets five.
        empty = [pl.lit(None, fade.schema[column]).alias(cell) for cell in cells if cell not in wide.columns]
        return wide.with_columns(empty).select("cycle", *cells)

    def sql(self, text: str, *, firm: str | None = None) -> pl.DataFrame:
        """Run one SELECT over the firm's data; the named questions stand as views under their names.

        An answer that is longer than the portal gives out is cut, and warned of with :class:`AnswerCut`.

        Args:
            text: the query, in DuckDB's SQL.
            firm: whose data; for technicians and operators, who see all.

        Raises:
            QueryFailed: it has no answer; ``code`` says why.
        """
        asked = {"firm": firm, "format": "arrow"}
        answer = self._send("POST", "/sql", params=_leave_out(asked), json={"sql": text})
        frame = pl.read_ipc_stream(io.BytesIO(answer.content))
        if cut := answer.headers.get("x-cut"):
            warnings.warn(f"only the first {frame.height} rows: the answer is cut by {cut}", AnswerCut, stacklevel=2)
        return frame

    def cell(self, name: str, *, firm: str | None = None) -> dict[str, Any]:
        """Return what is known of a cell."""
        path = f"/cells/{quote(name, safe='')}"
        found: dict[str, Any] = self._send("GET", path, params=_leave_out({"firm": firm})).json()
        return found

    def test(self, name: str) -> dict[str, Any]:
        """Return what is known of a test."""
        found: dict[str, Any] = self._send("GET", f"/tests/{quote(name, safe='')}").json()
        return found

    def wafers(self, *, firm: str | None = None) -> pl.DataFrame:
        """Return which wafers are known, each with its dies, cells and how many dies passed the sort."""
        return self._frame("/wafers", {"firm": firm})

    def dies(self, wafer: str, *, lot: str = "", firm: str | None = None) -> pl.DataFrame:
        """Return the dies of one wafer, a row each.

        Args:
            wafer: the wafer.
            lot: its lot; empty where the firm has none.
            firm: whose; for technicians and operators, who see all.
        """
        return self._frame("/wafers/dies", {"wafer": wafer, "lot": lot, "firm": firm})

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

    def save(
        self,
        name: str,
        path: Path | str,
        *,
        cell: str | Sequence[str] | None = None,
        test: str | None = None,
        firm: str | None = None,
        columns: Sequence[str] = (),
    ) -> Path:
        """Save the whole answer to a named question as a file, in the format that its ending names; returns it.

        Args:
            name: one of :meth:`questions`.
            path: ends in .csv (with BOM, for spreadsheets), .parquet, .arrow or .json.
            cell: only this cell, or these.
            test: only this test.
            firm: only this firm's; for technicians and operators, who see all.
            columns: only these columns.

        Raises:
            ValueError: the ending is of no format.
        """
        path = Path(path)
        kind = path.suffix.removeprefix(".")
        if kind not in FILE_KINDS:
            raise ValueError(f"{path}: expected an ending of {', '.join(FILE_KINDS)}")
        asked = _narrow(cell, test, firm, columns) | {"format": kind, "limit": MOST_ROWS}
        answer = self._send("GET", f"/queries/{quote(name, safe='')}", params=_leave_out(asked))
        path.write_bytes(answer.content)
        return path

    def report(
        self,
        subject: str,
        *,
        kind: ReportKind = "pdf",
        language: Language = "ko",
        revision: int | None = None,
        firm: str | None = None,
    ) -> bytes:
        """Return the test report of a cell, lot or wafer; the same data give the same bytes.

        Args:
            subject: a cell, a lot, or a wafer as LOT-WAFER.
            kind: pdf, xlsx, or bundle: a zip of both with records, metadata and hashes.
            language: Korean or English.
            revision: an earlier revision, as it was handed out then; the newest by default.
            firm: whose; for technicians and operators, who see all.

        Raises:
            CellarRefused: there is no such thing, or nothing was measured of it yet.
        """
        return self._fetch_report(subject, kind, language, revision, firm).content

    def save_report(
        self,
        subject: str,
        folder: Path | str,
        *,
        kind: ReportKind = "pdf",
        language: Language = "ko",
        revision: int | None = None,
        firm: str | None = None,
    ) -> Path:
        """Save a test report in a folder under the name that the portal gives it; see :meth:`report`."""
        answer = self._fetch_report(subject, kind, language, revision, firm)
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / _name_of(answer, f"report.{REPORT_FORMATS[kind]}")
        path.write_bytes(answer.content)
        return path

    def reports(self, *, firm: str | None = None) -> pl.DataFrame:
        """Return which reports were issued, with number, revision and hash."""
        return self._frame("/reports", {"firm": firm})

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

    def _fetch_report(
        self, subject: str, kind: ReportKind, language: Language, revision: int | None, firm: str | None
    ) -> httpx.Response:
        asked = {"format": REPORT_FORMATS[kind], "lang": language, "revision": revision, "firm": firm}
        return self._send("GET", f"/reports/{quote(subject, safe='')}", params=_leave_out(asked))

    def _frame(self, path: str, asked: Mapping[str, Any]) -> pl.DataFrame:
        answer = self._send("GET", path, params=_leave_out({**asked, "format": "arrow"}), headers={"accept": ARROW})
        return pl.read_ipc_stream(io.BytesIO(answer.content))

    def _send(self, method: str, path: str, **more: Any) -> httpx.Response:
        answer = self._http.request(method, f"{API}{path}", **more)
        if answer.status_code >= FAILED:
            raise read_refusal(answer)
        return answer


def _narrow(
    cell: str | Sequence[str] | None, test: str | None, firm: str | None, columns: Sequence[str]
) -> dict[str, Any]:
    """Return the parameters that narrow a question."""
    cells = [cell] if isinstance(cell, str) else list(cell or ())
    return {"cell": cells, "test": test, "firm": firm, "columns": ",".join(columns)}


def _leave_out(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters that are given: an empty one is a value to some proxies."""
    return {name: value for name, value in asked.items() if value not in (None, "", [])}


def _name_of(answer: httpx.Response, otherwise: str) -> str:
    """Return the name that the portal gives a file, without any folder."""
    found = re.search(r"filename\*=UTF-8''([^;]+)", answer.headers.get("content-disposition", ""))
    # The name is the portal's word; it must not lead out of the folder that it is saved in.
    return Path(unquote(found[1])).name if found else otherwise
