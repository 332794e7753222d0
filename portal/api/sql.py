"""SQL over a firm's own data: one query is run in a process of its own, see :mod:`portal.sandbox`."""

from __future__ import annotations

import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any, Final

import anyio
from anyio.to_thread import run_sync
from fastapi import APIRouter, Path
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from portal.answers import MEDIA, make_page
from portal.api.shared import ANSWERS, PROBLEM, CallerHere, FirmHere, WishHere
from portal.problems import Problem, not_found
from portal.sandbox.errors import SqlBusy, SqlCancelled, SqlError
from warehouse.errors import UsageError

if TYPE_CHECKING:
    from portal.sandbox.process import Answer
    from portal.sandbox.serving import PortalSandbox

router: Final = APIRouter(prefix="/sql", tags=["sql"])

LONGEST: Final = 20_000
NAME: Final = "^[A-Za-z0-9_-]{1,64}$"
SHOWN: Final = 500
RETRY: Final = {"Retry-After": "5"}
# Queries hold a thread while they run; the pages must not wait for these.
THREADS: Final = 16
THREADS_NAME: Final = "sql_threads"
SQL_ANSWERS: Final = {status: told for status, told in ANSWERS.items() if status != HTTPStatus.NOT_MODIFIED} | {
    409: PROBLEM,
    503: PROBLEM,
}
QueryPath = Annotated[str, Path(pattern=NAME, description="The name that the query was given.")]


class Asked(BaseModel):
    """A query."""

    sql: str = Field(min_length=1, max_length=LONGEST, description="One SELECT over the relations of /queries.")
    id: str | None = Field(None, pattern=NAME, description="A name of your choice, to cancel the query by.")


@router.post("", summary="Run a query", responses=SQL_ANSWERS, response_class=Response)
async def run_sql(request: Request, caller: CallerHere, firm: FirmHere, wish: WishHere, asked: Asked) -> Response:
    """Run one SELECT over the data of the caller's firm; named questions stand as views under their names.

    An answer that is too long is cut, and ``X-Cut`` says by what: ``rows`` or ``size``. A query that takes too long or
    too much is ended: 422 with its ``code``. Who hangs up cancels.
    """
    if firm is None:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "Name the firm with ?firm=.")
    request.app.state.trail.note(caller, "sql", _show(asked.sql), firm)
    name = asked.id or uuid.uuid4().hex
    found = await _ask_while_wanted(request, firm, asked.sql, name)
    if isinstance(found, SqlError):
        raise _problem(found)
    if isinstance(found, UsageError):
        raise found
    page = await run_sync(make_page, found.frame, wish)
    headers = {"X-Total-Count": str(page.total), "X-Seconds": f"{found.seconds:.3f}", "X-Query": name}
    headers |= {"X-Cut": found.cut} if found.cut else {}
    return Response(page.body, media_type=MEDIA[wish.shape], headers=headers)


@router.delete(
    "/{query}", status_code=HTTPStatus.NO_CONTENT, summary="Cancel a query", responses={404: PROBLEM, 422: PROBLEM}
)
def cancel_sql(request: Request, caller: CallerHere, firm: FirmHere, query: QueryPath) -> None:
    """End a running query of the caller's firm."""
    _ = caller
    sandbox: PortalSandbox = request.app.state.sandbox
    if firm is None or not sandbox.cancel(firm, query):
        raise not_found()


async def _ask_while_wanted(request: Request, firm: str, sql: str, name: str) -> Answer | UsageError:
    """Have a query answered; cancelled when the one who asked hangs up."""
    sandbox: PortalSandbox = request.app.state.sandbox
    found: list[Answer | UsageError] = []

    def ask() -> None:
        try:
            found.append(sandbox.get().ask(firm, sql, query=name))
        except UsageError as error:
            found.append(error)

    async def watch() -> None:
        # The body is read; what is still to come is the end of the connection.
        while (await request.receive())["type"] != "http.disconnect":
            pass
        await run_sync(sandbox.cancel, firm, name)

    async with anyio.create_task_group() as both:
        both.start_soon(watch)
        await run_sync(ask, limiter=_threads(request))
        both.cancel_scope.cancel()
    return found[0]


def _show(sql: str) -> str:
    """Return the beginning of a query as any database keeps it."""
    return sql[:SHOWN].replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def _threads(request: Request) -> anyio.CapacityLimiter:
    """Return the threads that queries may hold, of this application and its event loop."""
    state: Any = request.app.state
    if not hasattr(state, THREADS_NAME):
        setattr(state, THREADS_NAME, anyio.CapacityLimiter(THREADS))
    limiter: anyio.CapacityLimiter = getattr(state, THREADS_NAME)
    return limiter


def _problem(error: SqlError) -> Problem:
    if isinstance(error, SqlBusy):
        return Problem(HTTPStatus.SERVICE_UNAVAILABLE, str(error), headers=RETRY, more={"code": error.code})
    status = HTTPStatus.CONFLICT if isinstance(error, SqlCancelled) else HTTPStatus.UNPROCESSABLE_ENTITY
    return Problem(status, str(error), more={"code": error.code})
