"""Firms and tokens: who takes part, and who holds a key to what."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Form, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from portal.pages.operator_view import OperatorHere
from portal.pages.technician_view import go_to, home_of, trail_of
from portal.templating import render
from warehouse.access.tokens import LONGEST_DAYS, create_token, list_tokens, revoke_token
from warehouse.errors import UsageError
from warehouse.identity import add_firm, list_firms
from warehouse.schema import ROLES

router: Final = APIRouter()

PAGE: Final = "/operations/access"
SaidHere = Annotated[str, Query(max_length=20)]


@router.get(PAGE)
def show_access(
    request: Request, caller: OperatorHere, said: SaidHere = "", of: Annotated[str, Query(max_length=100)] = ""
) -> Response:
    """Show firms and tokens."""
    _ = caller
    return _show(request, said=said, of=of)


@router.post(f"{PAGE}/firms")
def put_firm(
    request: Request,
    caller: OperatorHere,
    code: Annotated[str, Form(max_length=40)],
    name: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Add a firm, or give a known one another name."""
    try:
        new = add_firm(home_of(request), code.strip(), name.strip() or None)
    except UsageError:
        return go_to(PAGE, said="no-code", of=code)
    trail_of(request).write(caller, "firm.add" if new else "firm.rename", code.strip(), code.strip(), {"name": name})
    return go_to(PAGE, said="firm-new" if new else "firm-known", of=code.strip())


@router.post(f"{PAGE}/tokens")
def put_token(
    request: Request,
    caller: OperatorHere,
    *,
    role: Annotated[str, Form(max_length=20)],
    firm: Annotated[str, Form(max_length=100)] = "",
    days: Annotated[float, Form()] = LONGEST_DAYS,
    label: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Give out a token; the answer is the only place where it stands."""
    # The form sends a firm whatever role is chosen.
    owner = firm if role == "firm" else None
    try:
        token, row = create_token(home_of(request), role, owner or None, days=days, label=label.strip(), by=caller.name)
    except UsageError:
        return go_to(PAGE, said="no-token")
    answer = _show(request, said="token-new", of=row["token_id"], token=token)
    # No browser and no proxy keeps a page with a secret.
    answer.headers["cache-control"] = "no-store"
    return answer


@router.post(f"{PAGE}/tokens/{{token_id}}/revoke")
def revoke(request: Request, caller: OperatorHere, token_id: Annotated[str, Path(max_length=100)]) -> Response:
    """Revoke a token, and end the sessions that were opened with it."""
    try:
        revoke_token(home_of(request), token_id, by=caller.name)
    except UsageError:
        return go_to(PAGE, said="no-token-id")
    # The portal remembers for a moment who may come in; a key that leaked must not open until then.
    request.app.state.door.forget()
    return go_to(PAGE, said="revoked", of=token_id)


def _show(request: Request, **values: Any) -> Response:
    home = home_of(request)
    tokens = list_tokens(home)
    valid = [token for token in tokens if token["state"] == "valid"]
    firms = [{**firm, "tokens": sum(token["firm"] == firm["code"] for token in valid)} for firm in list_firms(home)]
    shared = {"firms": firms, "tokens": tokens[::-1], "roles": ROLES, "most_days": int(LONGEST_DAYS), "token": ""}
    return render(request, "operator/access.html", **shared | values)
