"""Alerts on their way: to a mail server and a webhook of this machine, and what happens when these refuse."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
from made_servers import Kept, mail_server, webhook

from flows import delivery
from flows.delivery import Delivered, deliver_alerts
from warehouse.deliveries import Delivery, Recipient, parse_delivery
from warehouse.errors import UsageError
from warehouse.home import Home
from warehouse.registry import ALERT, Row
from warehouse.settings import read_settings

ALERT_ROW: Final[Row] = {
    "kind": "capacity_step",
    "subject": "C1 at cycle 21",
    "cell_id": "C1",
    "evidence": "{}",
    "sentence_en": "The capacity of cell C1 steps.",
    "sentence_ko": "셀 C1의 용량이 급변했습니다.",
    "state": "open",
    "first_seen_date": "2026-03-20",
    "times": 1,
}


@pytest.fixture
def mails() -> Iterator[Kept]:
    """A mail server."""
    with mail_server() as kept:
        yield kept


@pytest.fixture
def hook() -> Iterator[Kept]:
    """A webhook."""
    with webhook() as kept:
        yield kept


def set_delivery(home: Home, **told: Any) -> None:
    home.settings = replace(home.settings, delivery=told)


def by_mail(kept: Kept) -> dict[str, Any]:
    server = {"smtp_host": "127.0.0.1", "smtp_port": kept.port, "smtp_security": "none", "sender": "cellar@example.org"}
    return {**server, "operator": {"mail": ["op@example.org"]}, "firm": {"A": {"mail": ["a@example.com"]}}}


def put_alerts(home: Home, *firms: str | None, state: str = "open") -> None:
    rows = [{**ALERT_ROW, "alert_id": f"id-{number}", "firm": firm} for number, firm in enumerate(firms)]
    with home.registry.write() as connection:
        home.registry.put(connection, ALERT, [{**row, "state": state} for row in rows])


def alerts_of(home: Home) -> list[Row]:
    return home.registry.rows(ALERT.select().order_by(ALERT.c.alert_id))


def test_nothing_is_sent_without_settings(local_home: Home) -> None:
    """Without a delivery section alerts stay in the table."""
    put_alerts(local_home, "A", None)
    assert deliver_alerts(local_home) == Delivered(0, 0, 0)
    assert [row["delivery_error"] for row in alerts_of(local_home)] == [None, None]


def test_each_recipient_gets_one_mail_about_its_own(local_home: Home, mails: Kept) -> None:
    """The firm gets one mail about its two alerts in both languages, the operators theirs, who has no address none."""
    put_alerts(local_home, "A", "A", None, "B")
    set_delivery(local_home, **by_mail(mails))
    assert deliver_alerts(local_home) == Delivered(3, 0, 0)
    by_address = {mail["To"]: mail for mail in mails.mails}
    assert set(by_address) == {"a@example.com", "op@example.org"}
    text = by_address["a@example.com"].get_content()
    assert text.count(ALERT_ROW["sentence_en"]) == text.count(ALERT_ROW["sentence_ko"]) == 2
    assert (text.count("id-0"), text.count("id-2")) == (1, 0)
    assert by_address["a@example.com"]["Subject"] == "[Cellar] Capacity step · 용량 급변 (+1)"


def test_alert_is_sent_once(local_home: Home, mails: Kept) -> None:
    """A second night sends nothing again; closed alerts are not sent at all."""
    put_alerts(local_home, "A")
    set_delivery(local_home, **by_mail(mails))
    deliver_alerts(local_home)
    before = alerts_of(local_home)
    assert deliver_alerts(local_home) == Delivered(0, 0, 0)
    assert alerts_of(local_home) == before
    put_alerts(local_home, "A", state="closed")
    with local_home.registry.write() as connection:
        connection.execute(ALERT.update().values(mailed_unix_second=None))
    assert deliver_alerts(local_home) == Delivered(0, 0, 0)
    assert len(mails.mails) == 1


def test_webhook_gets_one_document(local_home: Home, hook: Kept) -> None:
    """A webhook gets its alerts as JSON, with names by which the same one is known again."""
    put_alerts(local_home, "A", "A")
    set_delivery(local_home, firm={"A": {"webhook": f"http://127.0.0.1:{hook.port}/cellar"}})
    assert deliver_alerts(local_home) == Delivered(0, 2, 0)
    (document,) = hook.documents
    assert [one["alert_id"] for one in document["alerts"]] == ["id-0", "id-1"]
    assert document["alerts"][0]["ko"] == ALERT_ROW["sentence_ko"]


def test_refused_delivery_is_tried_again(local_home: Home, mails: Kept, hook: Kept) -> None:
    """What a server refuses is noted and waits; the way that worked is not gone a second time."""
    put_alerts(local_home, "A")
    address = f"http://127.0.0.1:{hook.port}/"
    set_delivery(local_home, **{**by_mail(mails), "firm": {"A": {"mail": ["a@example.com"], "webhook": address}}})
    mails.refuses = True
    assert deliver_alerts(local_home) == Delivered(0, 1, 1)
    assert deliver_alerts(local_home) == Delivered(0, 0, 1)
    (row,) = alerts_of(local_home)
    assert "not now" in row["delivery_error"]
    mails.refuses = False
    assert deliver_alerts(local_home) == Delivered(1, 0, 0)
    (row,) = alerts_of(local_home)
    assert (row["delivery_error"], len(mails.mails), len(hook.documents)) == (None, 1, 1)


def test_webhook_that_answers_with_an_error_has_not_got_it(local_home: Home, hook: Kept) -> None:
    """An answer of 500 is a failure, and nothing is raised."""
    put_alerts(local_home, "A")
    set_delivery(local_home, firm={"A": {"webhook": f"http://127.0.0.1:{hook.port}/"}})
    hook.refuses = True
    assert deliver_alerts(local_home) == Delivered(0, 0, 1)
    assert "500" in alerts_of(local_home)[0]["delivery_error"]


def test_server_that_is_away_costs_one_attempt(local_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no mail server answers, one connection is tried in a night, however many wait; nothing is raised."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        away = Kept(port=closed.getsockname()[1])
    attempts: list[Delivery] = []
    connect = delivery._connect
    monkeypatch.setattr(delivery, "_connect", lambda told: attempts.append(told) or connect(told))
    put_alerts(local_home, "A", None)
    set_delivery(local_home, **by_mail(away))
    assert deliver_alerts(local_home) == Delivered(0, 0, 2)
    assert len(attempts) == 1


def test_server_without_encryption_is_not_trusted_by_default(local_home: Home, mails: Kept) -> None:
    """By default a mail server must speak TLS: one that does not gets no mail."""
    put_alerts(local_home, "A")
    set_delivery(local_home, **{**by_mail(mails), "smtp_security": "starttls"})
    assert deliver_alerts(local_home).failed == 1
    assert mails.mails == []


def test_settings_say_where_to(tmp_path: Path) -> None:
    """The section names a server, the operators and each firm."""
    (tmp_path / "settings.toml").write_text(
        '[delivery]\nsmtp_host = "mail"\nsender = "c@example.org"\n[delivery.operator]\nmail = ["op@example.org"]\n'
        '[delivery.firm.ACME]\nwebhook = "https://example.com/x"\n'
    )
    found = parse_delivery(read_settings(tmp_path).delivery)
    assert (found.smtp_host, found.smtp_port, found.smtp_security) == ("mail", 587, "starttls")
    assert found.recipient_of("ACME") == Recipient((), "https://example.com/x")
    assert found.recipient_of(None).mail == ("op@example.org",)
    assert found.recipient_of("OTHER") == Recipient()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("delivery = 1", "delivery cannot be 1"),
        ("[delivery]\nhost = 'x'", "unknown settings host"),
        ("[delivery]\nsmtp_port = '25'", "smtp_port cannot be '25'"),
        ("[delivery]\nsmtp_port = 70000", "smtp_port cannot be 70000"),
        ("[delivery]\nsmtp_security = 'some'", "smtp_security is one of"),
        ("[delivery.operator]\nmail = ['op@example.org']", "no smtp_host"),
        ("[delivery.operator]\nmail = 'op@example.org'", "is a list of addresses"),
        ('[delivery.operator]\nmail = ["op@example.org\\nBcc: x@y"]', "is a list of addresses"),
        ("[delivery.operator]\npager = 'x'", "is a table of mail and webhook"),
        ("[delivery.firm.A]\nwebhook = 'file:///etc/passwd'", "begins with https://"),
        ("[delivery]\nfirm = 'A'", "a table for each firm"),
    ],
)
def test_settings_that_cannot_be_are_refused(tmp_path: Path, text: str, reason: str) -> None:
    """A delivery that is unknown or cannot be is told when the settings are read, not in the night."""
    (tmp_path / "settings.toml").write_text(text)
    with pytest.raises(UsageError, match=reason):
        read_settings(tmp_path)
