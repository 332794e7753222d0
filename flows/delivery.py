"""Alerts on their way: one mail and one webhook call a night for whoever has new ones, if the settings say where to.

What fails is noted beside its alerts and tried again the next night; nothing waits for it. An alert that was sent, but
not noted as sent because the machine died in between, is sent once more: its ``alert_id`` says that it is the same.
"""

from __future__ import annotations

import logging
import os
import smtplib
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import TYPE_CHECKING, Final

import httpx
import sqlalchemy as sa

from warehouse.alerts.words import KINDS
from warehouse.deliveries import Delivery, Recipient, parse_delivery
from warehouse.recipe import hash_values
from warehouse.registry import ALERT, Row

if TYPE_CHECKING:
    from warehouse.home import Home

log: Final = logging.getLogger("cellar.delivery")

TIMEOUT_SECONDS: Final = 15.0
MOST_ERROR: Final = 200
MOST_IN_MAIL: Final = 100
SENT: Final = ("alert_id", "firm", "kind", "subject", "cell_id", "test_id", "first_seen_date", "times", "evidence")
# What a server may answer or fail to; ValueError for what no mail's head can carry.
FAILURES: Final = (OSError, smtplib.SMTPException, httpx.HTTPError, httpx.InvalidURL, ValueError)


@dataclass(frozen=True)
class Delivered:
    """How many alerts were mailed and posted, and how many messages failed."""

    mailed: int
    posted: int
    failed: int


def deliver_alerts(home: Home) -> Delivered:
    """Send every open alert that was not sent yet to those who get it.

    Args:
        home: the platform; its settings say where to.
    """
    delivery = parse_delivery(home.settings.delivery)
    with closing(_Mailer(delivery)) as mailer:
        mailed = _deliver(home, delivery, _Way("mailed_unix_second", lambda who: bool(who.mail), mailer.send))
    posted = _deliver(home, delivery, _Way("posted_unix_second", lambda who: bool(who.webhook), post_alerts))
    return Delivered(mailed.sent, posted.sent, mailed.failed + posted.failed)


def write_mail(delivery: Delivery, who: Recipient, rows: Sequence[Row]) -> EmailMessage:
    """Return the mail about some alerts, each in both languages."""
    first = KINDS[rows[0]["kind"]]
    more = f" (+{len(rows) - 1})" if len(rows) > 1 else ""
    message = EmailMessage()
    message["Subject"] = f"[Cellar] {first.en} · {first.ko}{more}"
    message["From"], message["To"] = delivery.sender, ", ".join(who.mail)
    message["Message-ID"] = f"<{hash_values([row['alert_id'] for row in rows])[:32]}@cellar.invalid>"
    told = [
        f"{row['sentence_en']}\n{row['sentence_ko']}\n({row['first_seen_date']}, {row['alert_id']})\n" for row in rows
    ]
    rest = [f"... {len(told) - MOST_IN_MAIL} more: cellar alerts\n"] if len(told) > MOST_IN_MAIL else []
    message.set_content("\n".join([*told[:MOST_IN_MAIL], *rest]))
    return message


def post_alerts(who: Recipient, rows: Sequence[Row]) -> None:
    """Post alerts to a webhook as one JSON document.

    Raises:
        httpx.HTTPError: the server does not answer, or not with success.
    """
    alerts = [
        {**{name: row[name] for name in SENT}, "en": row["sentence_en"], "ko": row["sentence_ko"]} for row in rows
    ]
    httpx.post(who.webhook, json={"alerts": alerts}, timeout=TIMEOUT_SECONDS).raise_for_status()


@dataclass
class _Mailer:
    """One connection to the mail server for all mails of a night, made for the first of them."""

    delivery: Delivery
    _server: smtplib.SMTP | None = None
    _refused: list[OSError] = field(default_factory=list)

    def send(self, who: Recipient, rows: Sequence[Row]) -> None:
        """Send one mail.

        Raises:
            OSError: the server does not answer, or refuses.
        """
        if self._refused:
            # A server that is away is away for everybody; its time is up once.
            raise self._refused[0]
        if self._server is None:
            try:
                self._server = _connect(self.delivery)
            except OSError as error:
                self._refused.append(error)
                raise
        self._server.send_message(write_mail(self.delivery, who, rows))

    def close(self) -> None:
        """Take leave of the server."""
        if self._server is not None:
            self._server.close()


def _connect(delivery: Delivery) -> smtplib.SMTP:
    host, port, safely = delivery.smtp_host, delivery.smtp_port, ssl.create_default_context()
    if delivery.smtp_security == "tls":
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=TIMEOUT_SECONDS, context=safely)
    else:
        server = smtplib.SMTP(host, port, timeout=TIMEOUT_SECONDS)
    try:
        if delivery.smtp_security == "starttls":
            server.starttls(context=safely)
        if delivery.smtp_user:
            server.login(delivery.smtp_user, os.environ.get(delivery.smtp_password_variable, ""))
    except OSError:
        server.close()
        raise
    return server


def _list_waiting(home: Home, delivery: Delivery, column: str) -> Iterator[tuple[Recipient, list[Row]]]:
    """Yield who has alerts that were not sent on one way, with these, firm by firm: no message is about two firms."""
    waiting = sa.select(ALERT).where(ALERT.c.state == "open", ALERT.c[column].is_(None))
    by_firm: dict[str | None, list[Row]] = {}
    for row in home.registry.rows(waiting.order_by(ALERT.c.first_seen_date.desc(), ALERT.c.kind, ALERT.c.alert_id)):
        by_firm.setdefault(row["firm"], []).append(row)
    for firm, rows in by_firm.items():
        yield delivery.recipient_of(firm), rows


@dataclass(frozen=True)
class _Way:
    """A way to send: the alert's column that says when, whom it reaches, and how."""

    column: str
    reaches: Callable[[Recipient], bool]
    send: Callable[[Recipient, Sequence[Row]], None]


@dataclass
class _Outcome:
    sent: int = 0
    failed: int = 0


def _deliver(home: Home, delivery: Delivery, way: _Way) -> _Outcome:
    """Send what waits on one way, a message to each recipient, and note what became of it."""
    outcome = _Outcome()
    for who, rows in _list_waiting(home, delivery, way.column):
        if not way.reaches(who):
            continue
        try:
            way.send(who, rows)
        except FAILURES as error:
            log.warning("alerts were not delivered and wait for the next night: %s", error)
            outcome.failed += 1
            _note(home, rows, {"delivery_error": f"{type(error).__name__}: {error}"[:MOST_ERROR]})
        else:
            outcome.sent += len(rows)
            _note(home, rows, {way.column: time.time(), "delivery_error": None})
    return outcome


def _note(home: Home, rows: Sequence[Row], values: Row) -> None:
    if all(row[name] == value for row in rows for name, value in values.items()):
        return
    names = [row["alert_id"] for row in rows]
    with home.registry.write() as connection:
        connection.execute(sa.update(ALERT).where(ALERT.c.alert_id.in_(names)).values(**values))
