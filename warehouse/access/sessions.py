"""Sessions of the portal's pages: what the browser keeps is random and says nothing; who it is stands here."""

from __future__ import annotations

import hashlib
import secrets
import time
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from warehouse.access.tokens import Grant
from warehouse.registry import ACCESS_SESSION, ACCESS_TOKEN, Row

if TYPE_CHECKING:
    from warehouse.home import Home

SESSION_SECONDS: Final = 12 * 3600.0
SECRET_BYTES: Final = 32


def open_session(home: Home, grant: Grant, token_id: str | None = None) -> str:
    """Open a session; returns what the browser is to keep.

    Args:
        home: the platform.
        grant: who it is; the session ends no later than it does.
        token_id: the token that was logged in with; it takes its sessions along when it is revoked.
    """
    key = secrets.token_urlsafe(SECRET_BYTES)
    now = time.time()
    row: Row = {"session_sha256": _hash_key(key), "name": grant.name, "role": grant.role, "firm": grant.firm}
    row |= {"token_id": token_id, "created_unix_second": now}
    row["expires_unix_second"] = min(grant.expires_unix_second, now + SESSION_SECONDS)
    with home.registry.write() as connection:
        # The table holds who is logged in now; who was is in the audit log.
        connection.execute(sa.delete(ACCESS_SESSION).where(ACCESS_SESSION.c.expires_unix_second <= now))
        connection.execute(sa.insert(ACCESS_SESSION).values(row))
    return key


def check_session(home: Home, key: str) -> Grant | None:
    """Return who a session is of, or None: there is none, it has ended, or its token is not valid any more."""
    row = home.registry.row(ACCESS_SESSION, session_sha256=_hash_key(key))
    now = time.time()
    if row is None or row["expires_unix_second"] <= now:
        return None
    if row["token_id"] is not None:
        token = home.registry.row(ACCESS_TOKEN, token_id=row["token_id"])
        # A token that was replaced may end earlier than it was to when the session began.
        if token is None or token["revoked_unix_second"] is not None or token["expires_unix_second"] <= now:
            return None
    return Grant(row["name"], row["role"], row["firm"], row["expires_unix_second"])


def close_session(home: Home, key: str) -> None:
    """End a session."""
    with home.registry.write() as connection:
        connection.execute(sa.delete(ACCESS_SESSION).where(ACCESS_SESSION.c.session_sha256 == _hash_key(key)))


def _hash_key(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()
