"""The site's own log-in: an OpenID Connect provider, and which of its groups is which role or firm here.

::

    [portal.oidc]
    issuer = "https://login.example.org/realms/lab"
    client_id = "cellar"
    claim = "groups"
    [portal.oidc.roles]
    cellar-operators = "operator"
    cellar-technicians = "technician"
    acme-cells = "firm:ACME"
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from warehouse.errors import UsageError
from warehouse.schema import ROLES

OF_PORTAL: Final = frozenset({"oidc"})
DEFAULTS: Final = {"scope": "openid profile email", "claim": "groups", "name_claim": "preferred_username"}
NEEDED: Final = frozenset({"issuer", "client_id", "roles"})
FIRM: Final = "firm:"
# Who is of both groups has the rights of the first.
STRONGEST: Final = ("operator", "technician")


@dataclass(frozen=True)
class Provider:
    """A provider of log-ins.

    Args:
        issuer: its address, as its tokens name it.
        client_id: what it knows this portal by.
        scope: what is asked of it.
        claim: the claim of its tokens that tells groups.
        name_claim: the claim that names the person, for the audit log.
        roles: ``operator``, ``technician`` or ``firm:CODE`` by group.
    """

    issuer: str
    client_id: str
    scope: str
    claim: str
    name_claim: str
    roles: Mapping[str, str]

    def grant(self, claims: Mapping[str, Any]) -> tuple[str, str | None] | None:
        """Return the role and firm of a person; None for somebody of no known group, or of several firms."""
        told = claims.get(self.claim)
        groups = [told] if isinstance(told, str) else told if isinstance(told, list) else []
        given = {self.roles[group] for group in groups if isinstance(group, str) and group in self.roles}
        for role in STRONGEST:
            if role in given:
                return role, None
        return ("firm", given.pop().removeprefix(FIRM)) if len(given) == 1 else None


def parse_provider(given: Mapping[str, Any]) -> Provider | None:
    """Return the provider that the table ``[portal]`` of the settings names; None where it names none.

    Raises:
        UsageError: a name is unknown, or a value cannot be.
    """
    if unknown := sorted(given.keys() - OF_PORTAL):
        raise UsageError(f"[portal] has no {', '.join(unknown)}; it has {', '.join(OF_PORTAL)}")
    told = given.get("oidc")
    if told is None:
        return None
    if not isinstance(told, Mapping):
        raise UsageError("[portal.oidc] must be a table")
    wrong = sorted(told.keys() - NEEDED - DEFAULTS.keys()) + sorted(NEEDED - told.keys())
    if wrong:
        raise UsageError(f"[portal.oidc] has unknown or missing values: {', '.join(wrong)}")
    values = {**DEFAULTS, **told}
    roles = values.pop("roles")
    if not all(isinstance(value, str) and value for value in values.values()):
        raise UsageError("[portal.oidc] holds texts, and the table roles")
    if not values["issuer"].startswith("https://") and not values["issuer"].startswith("http://127.0.0.1"):
        raise UsageError("the issuer of [portal.oidc] is reached by https")
    _check_roles(roles)
    return Provider(**values, roles=dict(roles))


def _check_roles(roles: object) -> None:
    others = set(ROLES) - {"firm"}
    if not isinstance(roles, Mapping) or not all(
        isinstance(role, str) and (role in others or (len(role) > len(FIRM) and role.startswith(FIRM)))
        for role in roles.values()
    ):
        raise UsageError(f"[portal.oidc.roles] gives each group one of {', '.join(sorted(others))} or firm:CODE")
