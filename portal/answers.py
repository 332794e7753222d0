"""From a frame to an answer: JSON, CSV, Parquet or Arrow, a page of it at a time, and its ETag.

A strong ETag is made of the hash of what the answer was made of where there is one (tests, manifests, recipe), with who
may see it and how it was asked for; else of the answer's bytes.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import urlencode

import polars as pl
from starlette.responses import Response

from portal.problems import Problem

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

# JSON is for looking at; whoever wants millions of rows asks for Parquet or Arrow, which have no page by default.
JSON_LIMIT: Final = 1_000
PIECE_BYTES: Final = 1024 * 1024
# What Excel, LibreOffice or Google Sheets may take for the beginning of a formula or a command.
FORMULA: Final = r"^[=+\-@\t\r\x00]"
MEDIA: Final = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.stream",
}
ACCEPTED: Final = {
    "application/json": "json",
    "text/csv": "csv",
    "application/vnd.apache.parquet": "parquet",
    "application/vnd.apache.arrow.stream": "arrow",
    "application/*": "json",
    "*/*": "json",
    "text/*": "csv",
}
# Without it Excel on a Korean Windows reads its own code page.
BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Wish:
    """How an answer is wanted.

    Args:
        shape: json, csv, parquet or arrow.
        columns: which ones, in this order; all by default.
        limit: how many rows; None for all.
        offset: how many rows are left out before them.
    """

    shape: str
    columns: tuple[str, ...] = ()
    limit: int | None = None
    offset: int = 0


@dataclass(frozen=True)
class Page:
    """An answer's bytes, with how many rows there are in all."""

    body: bytes
    total: int


def make_wish(
    shape: str | None, accept: str, *, columns: str | None = None, limit: int | None = None, offset: int = 0
) -> Wish:
    """Return how an answer is wanted.

    Args:
        shape: json, csv, parquet or arrow; None for what the caller accepts.
        accept: the header Accept.
        columns: names of columns, separated by commas.
        limit: rows of a page.
        offset: rows before it.

    Raises:
        Problem: 406, for what there is not.
    """
    chosen = shape or _accepted(accept)
    names = tuple(name.strip() for name in (columns or "").split(",") if name.strip())
    return Wish(chosen, names, limit or (JSON_LIMIT if chosen == "json" else None), offset)


def make_page(frame: pl.DataFrame, wish: Wish, units: Mapping[str, str] | None = None) -> Page:
    """Return a page of a frame in the wanted shape.

    Raises:
        Problem: 422, for a column that it has not.
    """
    chosen = choose_columns(frame, wish.columns)
    rows = chosen.slice(wish.offset, wish.limit)
    return Page(encode(rows, wish.shape, units or {}), frame.height)


def choose_columns(frame: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """Return the wanted columns of a frame, all of them where none is named.

    Raises:
        Problem: 422, for a column that it has not.
    """
    unknown = [name for name in columns if name not in frame.columns]
    if unknown:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "columns names some that there are not", more=_told(frame))
    return frame.select(list(dict.fromkeys(columns))) if columns else frame


def encode(frame: pl.DataFrame, shape: str, units: Mapping[str, str]) -> bytes:
    """Return a frame's bytes in one of the shapes of ``MEDIA``."""
    return ENCODERS[shape](frame, units)


def encode_csv(frame: pl.DataFrame, _units: Mapping[str, str] | None = None) -> bytes:
    """Return a frame as CSV that a spreadsheet opens as it is: with a byte order mark, and no cell is a formula."""
    return BYTE_ORDER_MARK + neutralise(frame).write_csv().encode()


def neutralise(frame: pl.DataFrame) -> pl.DataFrame:
    """Put an apostrophe before each text that a spreadsheet would take for a formula."""
    texts = [name for name, dtype in frame.schema.items() if dtype in {pl.String, pl.Categorical} or dtype == pl.Enum]
    plain = [pl.col(name).cast(pl.String) for name in texts]
    return frame.with_columns(
        pl.when(text.str.contains(FORMULA)).then(pl.lit("'") + text).otherwise(text).alias(name)
        for name, text in zip(texts, plain, strict=True)
    )


@dataclass(frozen=True)
class Given:
    """How a page is given.

    Args:
        tag: its ETag.
        media: its media type.
        headers: further headers.
    """

    tag: str
    media: str
    headers: Mapping[str, str]

    def answer(self, page: Page) -> Response:
        """Return the answer that holds the page."""
        return PiecedResponse(page.body, media_type=self.media, headers={"ETag": self.tag, **self.headers})


class PiecedResponse(Response):
    """A response whose body leaves piece by piece: written at once, a large one would be copied for each who waits."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        if len(self.body) <= PIECE_BYTES:
            await super().__call__(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        for begin in range(0, len(self.body), PIECE_BYTES):
            end = begin + PIECE_BYTES
            piece = self.body[begin:end]
            await send({"type": "http.response.body", "body": piece, "more_body": end < len(self.body)})


def give_page(request: Request, wish: Wish, page: Page, tag: str) -> Given:
    """Return how a page is given: with its total, and links to the pages around it."""
    headers = {"X-Total-Count": str(page.total), "Vary": "Accept"}
    # Paths without a host: behind a proxy ours is not the one that the caller knows.
    links = list(_links(request, wish, page.total))
    if links:
        headers["Link"] = ", ".join(links)
    return Given(tag, MEDIA[wish.shape], headers)


def name_tag(*parts: object) -> str:
    """Return a strong ETag over everything that an answer depends on."""
    told = json.dumps(parts, ensure_ascii=False, default=str, separators=(",", ":"))
    return f'"{hashlib.sha256(told.encode()).hexdigest()[:32]}"'


def tag_bytes(body: bytes) -> str:
    """Return a strong ETag of an answer's bytes."""
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def is_known(request: Request, tag: str) -> bool:
    """Whether the caller has this very answer already."""
    known = request.headers.get("if-none-match", "")
    # Compared weakly, as RFC 9110 wants it for a GET: a proxy that compresses may have weakened it.
    return tag in {each.strip().removeprefix("W/") for each in known.split(",")}


def not_modified(tag: str) -> Response:
    """Return 304."""
    return Response(status_code=HTTPStatus.NOT_MODIFIED, headers={"ETag": tag, "Vary": "Accept"})


def _encode_json(frame: pl.DataFrame, _units: Mapping[str, str]) -> bytes:
    return frame.write_json().encode()


def _encode_parquet(frame: pl.DataFrame, units: Mapping[str, str]) -> bytes:
    sink = io.BytesIO()
    # Written once and sent once: time counts for more than the last tenth of bytes.
    frame.write_parquet(sink, compression="zstd", compression_level=1, metadata=_about(frame, units))
    return sink.getvalue()


def _encode_arrow(frame: pl.DataFrame, _units: Mapping[str, str]) -> bytes:
    sink = io.BytesIO()
    # A large answer is a fifth of its size when compressed; a small one is on its way before.
    compression: Literal["zstd", "uncompressed"] = "zstd" if frame.estimated_size() > PIECE_BYTES else "uncompressed"
    # Readers older than string views are still about.
    frame.write_ipc_stream(sink, compression=compression, compat_level=pl.CompatLevel.oldest())
    return sink.getvalue()


ENCODERS: Final[dict[str, Callable[[pl.DataFrame, Mapping[str, str]], bytes]]] = {
    "json": _encode_json,
    "csv": encode_csv,
    "parquet": _encode_parquet,
    "arrow": _encode_arrow,
}


def _about(frame: pl.DataFrame, units: Mapping[str, str]) -> dict[str, str]:
    known = {name: units[name] for name in frame.columns if units.get(name)}
    return {"cellar.units": json.dumps(known, ensure_ascii=False)}


def _accepted(header: str) -> str:
    for part in header.split(","):
        shape = ACCEPTED.get(part.partition(";")[0].strip().lower())
        if shape is not None:
            return shape
    raise Problem(HTTPStatus.NOT_ACCEPTABLE, f"the answers are {', '.join(MEDIA.values())}")


def _told(frame: pl.DataFrame) -> dict[str, list[str]]:
    return {"columns": frame.columns}


def _links(request: Request, wish: Wish, total: int) -> list[str]:
    if not wish.limit:
        return []
    places = {"first": 0}
    if wish.offset > 0:
        places["prev"] = max(wish.offset - wish.limit, 0)
    if wish.offset + wish.limit < total:
        places["next"] = wish.offset + wish.limit
        places["last"] = (total - 1) // wish.limit * wish.limit
    others = [(name, text) for name, text in request.query_params.multi_items() if name not in {"limit", "offset"}]
    return [
        f'<{request.url.path}?{urlencode([*others, ("limit", wish.limit), ("offset", offset)])}>; rel="{relation}"'
        for relation, offset in places.items()
    ]
