"""``cellar token, portal, up``: keys to the portal, the portal, and the whole platform of a small lab."""

from __future__ import annotations

import time
from typing import Annotated, Any, Final

import typer

from flows.accounts import format_time
from flows.console import FirmOption, HomeOption, JsonOption, out, print_json, print_rows
from warehouse.access.tokens import LONGEST_DAYS, create_token, list_tokens, revoke_token, rotate_token
from warehouse.home import open_home
from warehouse.registry import Row

HOST: Final = "127.0.0.1"
PORT: Final = 8640
TIMES: Final = ("created_unix_second", "expires_unix_second", "revoked_unix_second", "last_used_unix_second")
TokenArgument = Annotated[str, typer.Argument(help="The token's id, as 'cellar token list' shows it.")]
DaysOption = Annotated[float, typer.Option("--days", help="How long it is valid, at most 90 days.")]
HostOption = Annotated[str, typer.Option("--host", help="Address to listen on; 0.0.0.0 for all.")]
PortOption = Annotated[int, typer.Option("--port", help="Port to listen on.", min=0, max=65_535)]
SecureOption = Annotated[
    bool, typer.Option("--https", help="Reached by https alone, through a proxy: cookies go nowhere else.")
]
OriginOption = Annotated[
    list[str] | None, typer.Option("--origin", help="Address of a proxy, as https://cells.example.com.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    token = typer.Typer(help="Keys to the portal.", no_args_is_help=True)
    token.command("create")(create)
    token.command("rotate")(rotate)
    token.command("revoke")(revoke)
    token.command("list")(list_all)
    app.add_typer(token, name="token")
    app.command()(portal)
    app.command()(up)


def create(
    home: HomeOption = None,
    *,
    firm: FirmOption = None,
    role: Annotated[str, typer.Option(help="firm, technician or operator.")] = "firm",
    days: DaysOption = LONGEST_DAYS,
    label: Annotated[str, typer.Option(help="What it is for.")] = "",
    json: JsonOption = False,
) -> None:
    """Give out a token; it is shown once and never again."""
    text, row = create_token(open_home(home), role, firm, days=days, label=label)
    _show_new(text, row, json=json)


def rotate(
    token_id: TokenArgument, home: HomeOption = None, *, days: DaysOption = 90.0, json: JsonOption = False
) -> None:
    """Give out a token in place of another, which stays valid for a week more."""
    text, row = rotate_token(open_home(home), token_id, days=days)
    _show_new(text, row, json=json)


def revoke(token_id: TokenArgument, home: HomeOption = None, *, json: JsonOption = False) -> None:
    """Revoke a token, and end the sessions that were opened with it."""
    row = _describe(revoke_token(open_home(home), token_id))
    if json:
        print_json(row)
        return
    out.print(f"Token {token_id} opens nothing any more.")


def list_all(home: HomeOption = None, *, firm: FirmOption = None, json: JsonOption = False) -> None:
    """List tokens, without their secrets, which nobody knows."""
    rows = [_describe(row) for row in list_tokens(open_home(home), firm)]
    if json:
        print_json(rows)
        return
    print_rows(rows, ("token_id", "role", "firm", "label", "state", "created", "expires", "last_used"))


def portal(
    home: HomeOption = None,
    *,
    host: HostOption = HOST,
    port: PortOption = PORT,
    https: SecureOption = False,
    origin: OriginOption = None,
) -> None:
    """Serve the web portal until stopped."""
    # The portal's libraries take a second to import, which no other command should pay.
    from portal.serving import serve_portal  # noqa: PLC0415 see above

    serve_portal(open_home(home), host, port, secure=https, origins=tuple(origin or ()))


def up(
    home: HomeOption = None,
    *,
    host: HostOption = HOST,
    port: PortOption = PORT,
    https: SecureOption = False,
    origin: OriginOption = None,
) -> None:
    """Run the whole platform: watch the inboxes, run the night at 02:00, and serve the portal, until stopped."""
    from flows.together import run_together  # noqa: PLC0415 it imports what only this command needs

    run_together(open_home(home), host, port, secure=https, origins=tuple(origin or ()))


def _show_new(text: str, row: Row, *, json: bool) -> None:
    if json:
        print_json({"token": text, **_describe(row)})
        return
    whose = f"firm {row['firm']}" if row["firm"] else row["role"]
    # On a line of its own, for whoever copies it.
    out.print(text, markup=False, highlight=False)
    out.print(f"Token {row['token_id']} for {whose}, until {_describe(row)['expires']}. It is not shown again.")


def _describe(row: Row) -> dict[str, Any]:
    """Return a token's row for people and programs: times in ISO 8601, no hash."""
    told: dict[str, Any] = {name: row[name] for name in ("token_id", "role", "firm", "label", "replaces")}
    ended = "revoked" if row["revoked_unix_second"] is not None else "expired"
    valid = row["revoked_unix_second"] is None and row["expires_unix_second"] > time.time()
    told["state"] = "valid" if valid else ended
    return told | {name.removesuffix("_unix_second"): format_time(row[name]) for name in TIMES}
