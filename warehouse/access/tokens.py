"""Tokens: ``cel_`` + id + secret + checksum, of whose secret only a SHA-256 is kept.

The id may be told: logs and lists name it. The checksum tells a mistyped token from a wrong one without a look into
the registry, and lets scanners for secrets recognise one that leaked.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
import zlib
from base64 import b32encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from warehouse.access.audit import Event, record
from warehouse.errors import UsageError
from warehouse.registry import ACCESS_SESSION, ACCESS_TOKEN, FIRM, Row
from warehouse.schema import ROLES

if TYPE_CHECKING:
    from warehouse.home import Home

PREFIX: Final = "cel_"
ID_LENGTH: Final = 8
SECRET_LENGTH: Final = 52
CHECK_LENGTH: Final = 7
LONGEST_DAYS: Final = 90.0
OVERLAP_DAYS: Final = 7.0
DAY: Final = 86_400.0
# Written down at most this often: each time would be a transaction for every request.
USE_SECONDS: Final = 300.0
COMMAND: Final = "command"
OPERATOR: Final = "operator"


@dataclass(frozen=True)
class Grant:
    """What a valid token opens: whose it is, for which role and firm, and until when."""

    name: str
    role: str
    firm: str | None
    expires_unix_second: float


def create_token(
    home: Home,
    role: str,
    firm: str | None = None,
    *,
    days: float = LONGEST_DAYS,
    label: str = "",
    by: str = COMMAND,
    replaces: str | None = None,
) -> tuple[str, Row]:
    """Give out a token.

    Args:
        home: the platform.
        role: one of ``schema.ROLES``.
        firm: code of the firm, for the role firm and no other.
        days: how long it is valid, at most 90.
        label: what it is for.
        by: who gives it out, for the log.
        replaces: id of the token in whose place it is given out.

    Returns:
        The token, which is not kept and cannot be told again, and its row.

    Raises:
        UsageError: the role, firm or time cannot be.
    """
    _check_wish(home, role, firm, days)
    now = time.time()
    identity, secret = _random_text(ID_LENGTH), _random_text(SECRET_LENGTH)
    row: Row = {"token_id": identity, "secret_sha256": _hash_secret(secret), "role": role, "firm": firm}
    row |= {"label": label, "replaces": replaces, "created_unix_second": now, "expires_unix_second": now + days * DAY}
    row |= {"revoked_unix_second": None, "last_used_unix_second": None}
    with home.registry.write() as connection:
        connection.execute(sa.insert(ACCESS_TOKEN).values(row))
        detail = {"role": role, "days": days, "replaces": replaces}
        record(connection, Event(by, OPERATOR, "token.create", identity, firm, detail))
    return f"{PREFIX}{identity}{secret}{_check(identity + secret)}", row


def rotate_token(home: Home, token_id: str, *, days: float = LONGEST_DAYS, by: str = COMMAND) -> tuple[str, Row]:
    """Give out a token in place of another one, which stays valid for a week more at most.

    Raises:
        UsageError: there is no such token, or it is not valid any more.
    """
    old = _find(home, token_id)
    now = time.time()
    if old["revoked_unix_second"] is not None or old["expires_unix_second"] <= now:
        raise UsageError(f"token {token_id} is not valid any more; create another one")
    made = create_token(home, old["role"], old["firm"], days=days, label=old["label"], by=by, replaces=token_id)
    # The new one first: dying in between, one has two tokens and not none.
    ends = min(old["expires_unix_second"], now + OVERLAP_DAYS * DAY)
    _change(home, token_id, expires_unix_second=ends)
    return made


def revoke_token(home: Home, token_id: str, *, by: str = COMMAND) -> Row:
    """Revoke a token and end the sessions that were opened with it; returns its row.

    Raises:
        UsageError: there is no such token.
    """
    row = _find(home, token_id)
    if row["revoked_unix_second"] is None:
        row["revoked_unix_second"] = time.time()
        # The row stays: who came with it last year is told by it.
        with home.registry.write() as connection:
            mine = ACCESS_TOKEN.c.token_id == token_id
            connection.execute(
                sa.update(ACCESS_TOKEN).where(mine).values(revoked_unix_second=row["revoked_unix_second"])
            )
            connection.execute(sa.delete(ACCESS_SESSION).where(ACCESS_SESSION.c.token_id == token_id))
            record(connection, Event(by, OPERATOR, "token.revoke", token_id, row["firm"], {"role": row["role"]}))
    return row


def list_tokens(home: Home, firm: str | None = None) -> list[dict[str, Any]]:
    """Return all tokens, or a firm's, oldest first, without the hashes of their secrets."""
    query = sa.select(*(column for column in ACCESS_TOKEN.columns if column.name != "secret_sha256"))
    if firm is not None:
        query = query.where(ACCESS_TOKEN.c.firm == firm)
    now = time.time()
    rows = home.registry.rows(query.order_by(ACCESS_TOKEN.c.created_unix_second))
    return [{**row, "state": _state(row, now)} for row in rows]


def check_token(home: Home, text: str) -> Grant | None:
    """Return what a token opens, or None: it is mistyped, unknown, expired or revoked."""
    parts = _split(text)
    if parts is None:
        return None
    row = home.registry.row(ACCESS_TOKEN, token_id=parts[0])
    # The comparison takes as long for a token that is not there as for a wrong one.
    stored = row["secret_sha256"] if row else "0" * 64
    if not hmac.compare_digest(stored, _hash_secret(parts[1])) or row is None:
        return None
    if _state(row, time.time()) != "valid":
        return None
    return Grant(row["token_id"], row["role"], row["firm"], row["expires_unix_second"])


def note_use(home: Home, token_id: str) -> None:
    """Write down that a token was used now, unless that was done a moment ago."""
    row = home.registry.row(ACCESS_TOKEN, token_id=token_id)
    now = time.time()
    if row is not None and (row["last_used_unix_second"] or 0.0) < now - USE_SECONDS:
        _change(home, token_id, last_used_unix_second=now)


def is_token(text: str) -> bool:
    """Whether a text is a whole token by its form and checksum, valid or not."""
    return _split(text) is not None


def _check_wish(home: Home, role: str, firm: str | None, days: float) -> None:
    if role not in ROLES:
        raise UsageError(f"there is no role {role!r}; there are {', '.join(ROLES)}")
    if (role == "firm") != (firm is not None):
        raise UsageError("a token of the role firm names its firm, and no other does: they see all firms")
    if firm is not None and home.registry.row(FIRM, code=firm) is None:
        raise UsageError(f"there is no firm {firm!r}; 'cellar firm add' adds one")
    if not 0 < days <= LONGEST_DAYS:
        raise UsageError(f"a token is valid for more than 0 and at most {LONGEST_DAYS:.0f} days, not {days:g}")


def _find(home: Home, token_id: str) -> Row:
    row = home.registry.row(ACCESS_TOKEN, token_id=token_id)
    if row is None:
        raise UsageError(f"there is no token {token_id!r}; 'cellar token list' shows them")
    return row


def _change(home: Home, token_id: str, **values: object) -> None:
    with home.registry.write() as connection:
        connection.execute(sa.update(ACCESS_TOKEN).where(ACCESS_TOKEN.c.token_id == token_id).values(**values))


def _state(row: Row, now: float) -> str:
    if row["revoked_unix_second"] is not None:
        return "revoked"
    return "valid" if now < row["expires_unix_second"] else "expired"


def _split(text: str) -> tuple[str, str] | None:
    body = text.removeprefix(PREFIX)
    if len(body) != ID_LENGTH + SECRET_LENGTH + CHECK_LENGTH or body == text or not body.isascii():
        return None
    inner, check = body[:-CHECK_LENGTH], body[-CHECK_LENGTH:]
    return (inner[:ID_LENGTH], inner[ID_LENGTH:]) if _check(inner) == check else None


def _random_text(length: int) -> str:
    return b32encode(secrets.token_bytes(length)).decode().lower()[:length]


def _hash_secret(secret: str) -> str:
    # The secret is 260 random bits, which no table of guesses reaches: a slow hash would only slow each request.
    return hashlib.sha256(secret.encode()).hexdigest()


def _check(inner: str) -> str:
    return b32encode(zlib.crc32(inner.encode()).to_bytes(4, "big")).decode().lower().rstrip("=")
