"""A firm's own sets of requirements, kept in the registry version by version."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

import sqlalchemy as sa

from warehouse.errors import UsageError
from warehouse.home import Home
from warehouse.marts import invalidate_answers
from warehouse.registry import FIRM, REQUIREMENT_SET, Row
from warehouse.requirements.profiles import Profile, parse_profile, shipped_profiles

# Everything but the text itself.
LISTED = tuple(column for column in REQUIREMENT_SET.columns if column.name != "document")


def import_profile(home: Home, path: Path, firm: str) -> tuple[Profile, bool]:
    """Keep a set of requirements as its firm's next version.

    Args:
        home: the platform.
        path: a set in TOML.
        firm: whose set it is.

    Returns:
        The set with its version, and whether it is new; the text that counts already is taken once.

    Raises:
        UsageError: there is no such firm or file, or the text is not understood.
    """
    try:
        document = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from error
    profile = parse_profile(document, str(path))
    if profile.example:
        raise UsageError(f"{path}: example is kept for the sets that come with this software")
    if home.registry.row(FIRM, code=firm) is None:
        raise UsageError(f"there is no firm {firm!r}; 'cellar firm add' makes one")
    # The latest version and its successor in one transaction: two imports never share a number.
    sha256 = hashlib.sha256(document.encode()).hexdigest()
    with home.registry.write() as connection:
        latest = _find_latest(home, connection, firm, profile.name)
        if latest is not None and latest["sha256"] == sha256:
            return parse_profile(document, str(path), latest["version"]), False
        version = (latest["version"] if latest else 0) + 1
        row = _describe(profile, version, firm, path) | {"document": document, "sha256": sha256}
        home.registry.put(connection, REQUIREMENT_SET, row)
        # Score sheets that were made against another version are outdated.
        invalidate_answers(connection, firm)
    return parse_profile(document, str(path), version), True


def list_profiles(home: Home, firm: str | None = None) -> list[Row]:
    """Return the shipped sets and the firms' own, every version of these.

    Args:
        home: the platform.
        firm: only this firm's beside the shipped ones; all by default.
    """
    shipped = [
        {
            "firm": None,
            "profile": one.name,
            "version": one.version,
            "title_en": one.title["en"],
            "title_ko": one.title["ko"],
            "requirements": len(one.requirements),
        }
        for one in shipped_profiles()
    ]
    mine = [REQUIREMENT_SET.c.firm == firm] if firm is not None else []
    order = (REQUIREMENT_SET.c.firm, REQUIREMENT_SET.c.profile, REQUIREMENT_SET.c.version)
    return [*shipped, *home.registry.rows(sa.select(*LISTED).where(*mine).order_by(*order))]


def find_profile(home: Home, name: str, firm: str | None = None, version: int | None = None) -> Profile:
    """Return a set by its name: the firm's own before the shipped one, the latest version by default.

    Raises:
        UsageError: there is no such set.
    """
    own = sa.select(REQUIREMENT_SET).where(REQUIREMENT_SET.c.firm == firm, REQUIREMENT_SET.c.profile == name)
    rows = home.registry.rows(own.order_by(REQUIREMENT_SET.c.version.desc())) if firm is not None else []
    for row in rows:
        if version in (None, row["version"]):
            return parse_profile(row["document"], f"{name} {row['version']}", row["version"])
    for profile in shipped_profiles():
        if profile.name == name and version in (None, profile.version) and not rows:
            return profile
    raise UsageError(f"there is no set of requirements {name!r}; 'cellar profiles list' shows them")


def _find_latest(home: Home, connection: sa.Connection, firm: str, name: str) -> Row | None:
    mine = sa.select(REQUIREMENT_SET).where(REQUIREMENT_SET.c.firm == firm, REQUIREMENT_SET.c.profile == name)
    rows = home.registry.rows(mine.order_by(REQUIREMENT_SET.c.version.desc()).limit(1), connection)
    return rows[0] if rows else None


def _describe(profile: Profile, version: int, firm: str, path: Path) -> Row:
    return {
        "firm": firm,
        "profile": profile.name,
        "version": version,
        "title_en": profile.title["en"],
        "title_ko": profile.title["ko"],
        "requirements": len(profile.requirements),
        "path": str(path),
        "imported_unix_second": time.time(),
    }
