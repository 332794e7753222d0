"""Uploads for technicians: begin, send pieces, look how far it has come, cancel."""

from __future__ import annotations

from dataclasses import asdict
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Path
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from portal.api.shared import PROBLEM, TechnicianHere
from portal.problems import Problem
from portal.uploads import LARGEST, TOO_LARGE, Upload, Uploads

router: Final = APIRouter(prefix="/uploads", tags=["uploads"])

LARGEST_PIECE: Final = 32 * 1024 * 1024
UploadPath = Annotated[str, Path(description="The upload.")]
OffsetHeader = Annotated[int, Header(alias="Upload-Offset", ge=0, le=LARGEST, description="Where the bytes begin.")]


class Begin(BaseModel):
    """A file that is to be sent."""

    name: str = Field(max_length=400, description="Name of the file.")
    size: int = Field(ge=0, le=LARGEST, description="Its bytes.")
    sha256: str = Field(pattern="^[0-9a-f]{64}$", description="Their SHA-256, as hex.")
    firm: str | None = Field(None, max_length=100, description="Code of the firm that it is for.")
    cell: str | None = Field(None, max_length=400, description="The cell, with its firm.")


@router.post(
    "", status_code=HTTPStatus.CREATED, summary="Begin an upload", responses={422: PROBLEM, 507: PROBLEM, 404: PROBLEM}
)
def begin_upload(request: Request, caller: TechnicianHere, begin: Begin) -> Response:
    """Announce a file; its bytes follow in pieces of up to 32 MiB."""
    uploads: Uploads = request.app.state.uploads
    wish = Upload("", begin.name, begin.size, begin.sha256, begin.firm, begin.cell, caller.name, 0.0)
    upload = uploads.begin(wish)
    subject = f"{upload.name} {upload.upload_id}"
    request.app.state.trail.write(caller, "upload.begin", subject, begin.firm, {"bytes": begin.size})
    headers = {"Location": f"{request.url.path}/{upload.upload_id}", "Upload-Offset": str(upload.offset)}
    return JSONResponse(asdict(upload), HTTPStatus.CREATED, headers)


@router.get("/{upload_id}", summary="How far an upload has come", responses={404: PROBLEM})
def show_upload(request: Request, caller: TechnicianHere, upload_id: UploadPath) -> dict[str, Any]:
    """Return an upload; ``offset`` is where to go on from."""
    _ = caller
    return asdict(request.app.state.uploads.find(upload_id))


@router.patch(
    "/{upload_id}",
    summary="Send bytes of an upload",
    responses={404: PROBLEM, 409: PROBLEM, 413: PROBLEM, 422: PROBLEM},
    openapi_extra={"requestBody": {"content": {"application/octet-stream": {"schema": {"type": "string"}}}}},
)
async def add_piece(request: Request, caller: TechnicianHere, upload_id: UploadPath, offset: OffsetHeader) -> Response:
    """Send the next bytes; with the last ones the file goes into the inbox, if its hash is the one announced."""
    piece = await _read_body(request)
    upload: Upload = await run_in_threadpool(request.app.state.uploads.add, upload_id, offset, piece)
    if upload.state == "received":
        detail = {"path": upload.path, "sha256": upload.sha256}
        subject = f"{upload.name} {upload.upload_id}"
        await run_in_threadpool(request.app.state.trail.write, caller, "upload.end", subject, upload.firm, detail)
    return JSONResponse(asdict(upload), headers={"Upload-Offset": str(upload.offset)})


@router.delete("/{upload_id}", summary="Cancel an upload", responses={404: PROBLEM, 409: PROBLEM})
def cancel_upload(request: Request, caller: TechnicianHere, upload_id: UploadPath) -> dict[str, Any]:
    """Drop what has come of an upload."""
    upload: Upload = request.app.state.uploads.cancel(upload_id)
    request.app.state.trail.write(caller, "upload.cancel", f"{upload.name} {upload_id}", upload.firm)
    return asdict(upload)


async def _read_body(request: Request) -> bytes:
    """Return the body, and stop reading one that is too large."""
    # Counted on the way: the header that tells the length may be missing, or wrong.
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_PIECE:
            raise Problem(TOO_LARGE, f"A piece has at most {LARGEST_PIECE} bytes.")
    return bytes(body)
