"""Whether the portal answers, for whoever watches over it; and what the API offers, as a page of our own."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from portal.templating import render
from warehouse.identity import list_firms

router: Final = APIRouter()

METHODS: Final = ("get", "post", "put", "patch", "delete")


@router.api_route("/healthz", methods=["GET", "HEAD"])
def tell_health(request: Request) -> Response:
    """Answer whether the registry answers."""
    # The cheapest question that needs the registry: a process that only runs is not healthy.
    try:
        list_firms(request.app.state.asking.home)
    except SQLAlchemyError:
        return JSONResponse({"status": "registry does not answer"}, 503)
    return JSONResponse({"status": "ok"})


@router.get("/api/v1/docs")
def show_docs(request: Request) -> Response:
    """Show what the API offers, made of its own description and of nothing from elsewhere."""
    # Out of the description that programs read, so that the page cannot tell anything else.
    described = request.app.openapi()
    return render(request, "docs.html", title=described["info"]["title"], groups=group_operations(described))


def group_operations(described: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Return the operations of an OpenAPI description by their first tag."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, item in described["paths"].items():
        for method in METHODS:
            if method in item:
                operation = item[method]
                told = {"path": path, "method": method.upper(), **_tell(operation)}
                groups.setdefault((operation.get("tags") or ["more"])[0], []).append(told)
    return groups


def _tell(operation: dict[str, Any]) -> dict[str, Any]:
    body = operation.get("requestBody", {}).get("content", {})
    return {
        "summary": operation.get("summary", ""),
        "description": operation.get("description", ""),
        "parameters": [
            {
                "name": one["name"],
                "where": one["in"],
                "required": one.get("required", False),
                "description": one.get("description", ""),
            }
            for one in operation.get("parameters", [])
        ],
        "body": ", ".join(body),
        "answers": {
            code: ", ".join(answer.get("content", {})) or answer.get("description", "")
            for code, answer in operation["responses"].items()
        },
    }
