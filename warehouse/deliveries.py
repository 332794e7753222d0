"""Where alerts are delivered to beside the table: what ``[delivery]`` of ``settings.toml`` says.

::

    [delivery]
    smtp_host = "mail.example.org"
    sender = "cellar@example.org"

    [delivery.operator]
    mail = ["operator@example.org"]

    [delivery.firm.ACME]
    mail = ["cells@example.com"]
    webhook = "https://example.com/cellar"
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from warehouse.errors import UsageError

SECURITIES: Final = ("starttls", "tls", "none")
MOST_PORT: Final = 65_535
OF_SERVER: Final[Mapping[str, type]] = {
    "smtp_host": str,
    "smtp_port": int,
    "smtp_security": str,
    "smtp_user": str,
    "smtp_password_variable": str,
    "sender": str,
}
OF_RECIPIENT: Final = frozenset({"mail", "webhook"})


@dataclass(frozen=True)
class Recipient:
    """Who gets alerts: addresses of mail, and one of a webhook; either may be missing."""

    mail: tuple[str, ...] = ()
    webhook: str = ""


@dataclass(frozen=True)
class Delivery:
    """How alerts leave the platform.

    Args:
        smtp_host: mail server; empty for none.
        smtp_port: its port.
        smtp_security: ``starttls``, ``tls`` or ``none``.
        smtp_user: user name at the server; empty for none.
        smtp_password_variable: environment variable that holds the password; no file of the home does.
        sender: address that mails are from.
        operator: who gets what concerns the platform.
        firm: who gets what concerns a firm, by its code.
    """

    smtp_host: str = ""
    smtp_port: int = 587
    smtp_security: str = "starttls"
    smtp_user: str = ""
    smtp_password_variable: str = "CELLAR_SMTP_PASSWORD"  # noqa: S105 the name of a variable, no password
    sender: str = ""
    operator: Recipient = Recipient()
    firm: Mapping[str, Recipient] = field(default_factory=dict)

    def recipient_of(self, firm: str | None) -> Recipient:
        """Return who gets the alerts of a firm; None for the operators."""
        return self.operator if firm is None else self.firm.get(firm, Recipient())


def parse_delivery(given: Mapping[str, Any]) -> Delivery:
    """Return what the table ``delivery`` of a settings file says.

    Raises:
        UsageError: it names what is unknown, or a value that cannot be.
    """
    unknown = sorted(given.keys() - OF_SERVER.keys() - {"operator", "firm"})
    if unknown:
        raise UsageError(f"delivery has unknown settings {', '.join(unknown)}")
    for name, kind in OF_SERVER.items():
        if name in given and (not isinstance(given[name], kind) or isinstance(given[name], bool)):
            raise UsageError(f"delivery.{name} cannot be {given[name]!r}")
    server = {name: given[name] for name in OF_SERVER if name in given}
    firms = given.get("firm", {})
    if not isinstance(firms, Mapping):
        raise UsageError("delivery.firm must hold a table for each firm")
    found = Delivery(
        **server,
        operator=_parse_recipient("operator", given.get("operator", {})),
        firm={code: _parse_recipient(f"firm.{code}", told) for code, told in firms.items()},
    )
    _check_server(found)
    return found


def _check_server(found: Delivery) -> None:
    if found.smtp_security not in SECURITIES:
        raise UsageError(f"delivery.smtp_security is one of {', '.join(SECURITIES)}, not {found.smtp_security!r}")
    if not 0 < found.smtp_port <= MOST_PORT:
        raise UsageError(f"delivery.smtp_port cannot be {found.smtp_port}")
    mailed = [each for each in (found.operator, *found.firm.values()) if each.mail]
    if mailed and not (found.smtp_host and _is_address(found.sender)):
        raise UsageError("delivery names addresses of mail, and no smtp_host or no sender that is one")


def _parse_recipient(name: str, given: object) -> Recipient:
    if not isinstance(given, Mapping) or given.keys() - OF_RECIPIENT:
        raise UsageError(f"delivery.{name} is a table of {' and '.join(sorted(OF_RECIPIENT))}")
    mail, webhook = given.get("mail", []), given.get("webhook", "")
    if not isinstance(mail, list) or not all(map(_is_address, mail)):
        raise UsageError(f"delivery.{name}.mail is a list of addresses, not {mail!r}")
    if not isinstance(webhook, str) or (webhook and not webhook.startswith(("https://", "http://"))):
        raise UsageError(f"delivery.{name}.webhook is an address that begins with https://, not {webhook!r}")
    return Recipient(tuple(mail), webhook)


def _is_address(value: object) -> bool:
    """Whether a text may stand as an address in a mail's head."""
    if not isinstance(value, str) or value.count("@") != 1 or not value.isascii():
        return False
    return all(value.partition("@")[::2]) and not any(each.isspace() or each in ',;<>"' for each in value)
