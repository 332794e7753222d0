"""What went wrong, told as RFC 9457 problem documents to programs and as a page to people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from portal.headers import HEADERS
from portal.templating import render
from warehouse.errors import DamageError, StoreBusy, UsageError

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.requests import Request

API: Final = "/api/"
PROBLEM: Final = "application/problem+json"
NOT_FOUND: Final = "There is no such thing, or it is not yours."


class Problem(Exception):  # noqa: N818 the name that RFC 9457 gives it
    """A request that is answered with a problem document.

    Args:
        status: the HTTP status.
        detail: what is wrong with this request, in English; nothing of another firm may stand in it.
        headers: headers of the answer.
        more: further members of the document.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})
        self.more = dict(more or {})
        super().__init__(detail)


def not_found() -> Problem:
    """Return the one answer to all that is not there or not the caller's: the two must look the same."""
    return Problem(HTTPStatus.NOT_FOUND, NOT_FOUND)


class LoginNeeded(Problem):
    """Nobody is known to ask: a program gets 401, a person the page to log in."""

    def __init__(self) -> None:
        headers = {"WWW-Authenticate": 'Bearer realm="cellar"'}
        super().__init__(HTTPStatus.UNAUTHORIZED, "A valid token or session is needed.", headers=headers)


def answer_problem(request: Request, problem: Problem) -> Response:
    """Return a problem as a document or a page."""
    if request.url.path.startswith(API):
        return problem_document(problem)
    if isinstance(problem, LoginNeeded):
        # Back to where the person wanted to go, parameters and all.
        path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"/login?next={quote(path, safe='')}", HTTPStatus.SEE_OTHER)
    return render(request, "problem.html", status=problem.status, detail=problem.detail, code=problem.status)


def problem_document(problem: Problem) -> Response:
    """Return a problem document."""
    document = {"type": "about:blank", "title": HTTPStatus(problem.status).phrase, "status": problem.status}
    document |= {"detail": problem.detail, **problem.more}
    content = json.dumps(document, ensure_ascii=False)
    return Response(content, problem.status, media_type=PROBLEM, headers=problem.headers)


def answer_errors(app: FastAPI) -> None:
    """Make an application answer every error with a problem."""
    app.add_exception_handler(Problem, _answer)
    app.add_exception_handler(HTTPException, _answer_http)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    app.add_exception_handler(UsageError, _answer_usage)
    app.add_exception_handler(DamageError, _answer_damage)
    app.add_exception_handler(StoreBusy, _answer_busy)
    app.add_exception_handler(Exception, _answer_unforeseen)


def _answer(request: Request, error: Exception) -> Response:
    return answer_problem(request, error if isinstance(error, Problem) else _unforeseen())


def _answer_http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        return answer_problem(request, _unforeseen())
    if error.status_code == HTTPStatus.NOT_FOUND:
        return answer_problem(request, not_found())
    return answer_problem(request, Problem(error.status_code, str(error.detail), headers=error.headers))


def _answer_invalid(request: Request, error: Exception) -> Response:
    found = error.errors() if isinstance(error, RequestValidationError) else []
    # What was sent is not sent back: it may be large, or somebody else's.
    told = [{"where": ".".join(map(str, each["loc"])), "what": each["msg"]} for each in found]
    problem = Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "The request is not as described.", more={"errors": told})
    return answer_problem(request, problem)


def _answer_usage(request: Request, _error: Exception) -> Response:
    # The message may name what exists elsewhere; a caller of the portal gets the one answer for all of it.
    return answer_problem(request, not_found())


def _answer_damage(request: Request, _error: Exception) -> Response:
    detail = "A stored file is damaged; the operators have to repair it."
    return answer_problem(request, Problem(HTTPStatus.INTERNAL_SERVER_ERROR, detail))


def _answer_busy(request: Request, _error: Exception) -> Response:
    detail = "The platform is busy with the same thing; try again."
    return answer_problem(request, Problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers={"Retry-After": "5"}))


def _answer_unforeseen(request: Request, _error: Exception) -> Response:
    # Made outside of the guard, which dresses all other answers.
    answer = answer_problem(request, _unforeseen())
    answer.headers.update(HEADERS)
    return answer


def _unforeseen() -> Problem:
    return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong on our side; it is in the log.")
