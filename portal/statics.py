"""Files that pages need besides themselves: ours, and plotly's bundled JavaScript out of its package."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

if TYPE_CHECKING:
    from starlette.types import Scope

PLOTLY: Final = "plotly.min.js"
FOREVER: Final = "public, max-age=31536000, immutable"
A_WHILE: Final = "public, max-age=300"


class Statics(StaticFiles):
    """Serves files of ``static/``; one that is asked for by its hash never changes."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return a file."""
        response = await super().get_response(path, scope)
        response.headers["cache-control"] = FOREVER if b"v=" in scope["query_string"] else A_WHILE
        return response

    def lookup_path(self, path: str) -> tuple[str, Any]:
        """Find a file; plotly's lies in its own package."""
        if path == PLOTLY:
            file = plotly_file()
            return str(file), file.stat()
        return super().lookup_path(path)


def static_files() -> Statics:
    """Return the application that serves them."""
    with resources.as_file(resources.files("portal") / "static") as folder:
        return Statics(directory=folder)


def plotly_file() -> Path:
    """Return plotly's bundled JavaScript.

    Raises:
        HTTPException: plotly is not installed whole.
    """
    with resources.as_file(resources.files("plotly") / "package_data" / PLOTLY) as file:
        if not file.is_file():
            raise HTTPException(404)
        return file
