from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from portal_site import ADDRESS, FIRM_A, FIRM_B, Site

from portal.app import build_app
from portal.callers import Caller
from portal.guard import Buckets
from portal.options import PortalOptions
from warehouse.access import tokens
from warehouse.access.audit import Event, list_audit, record, verify_audit
from warehouse.access.sessions import check_session, close_session, open_session
from warehouse.access.tokens import (
    Grant,
    check_token,
    create_token,
    is_token,
    list_tokens,
    note_use,
    revoke_token,
    rotate_token,
)
from warehouse.errors import UsageError
from warehouse.home import Home
from warehouse.identity import add_firm
from warehouse.registry import ACCESS_SESSION, ACCESS_TOKEN, AUDIT
from warehouse.verify import check_home


@pytest.fixture
def acme(home: Home) -> Home:
    add_firm(home, "ACME")
    return home


def test_token_opens_its_firm(acme: Home) -> None:
    """A token opens the role and firm that it was made for, until it expires."""
    text, row = create_token(acme, "firm", "ACME", days=30)
    grant = check_token(acme, text)
    assert grant == Grant(row["token_id"], "firm", "ACME", row["expires_unix_second"])
    assert 29 < (grant.expires_unix_second - time.time()) / 86_400 < 31


def test_secret_is_kept_nowhere(acme: Home) -> None:
    """Neither the registry nor its journal holds a token's secret."""
    text, row = create_token(acme, "firm", "ACME")
    secret = text.removeprefix("cel_" + row["token_id"])[:40]
    stored = str(acme.registry.rows(sa.select(ACCESS_TOKEN))) + str(list_audit(acme)) + str(list_tokens(acme))
    journal = "".join(path.read_text("utf-8") for path in acme.journal.folder.glob("*.jsonl"))
    assert row["token_id"] in stored
    assert secret not in stored
    assert secret not in journal


@pytest.mark.parametrize("change", [lambda text: text[:-1] + "7", lambda text: text[:20] + "a" + text[21:], str.upper])
def test_mistyped_token_shows_without_the_registry(acme: Home, change: object) -> None:
    """A token with a wrong letter is recognised by its checksum, and opens nothing."""
    text, _ = create_token(acme, "technician")
    wrong = change(text) if callable(change) else text
    if wrong == text:
        wrong = text[:-1] + "3"
    assert is_token(text)
    assert not is_token(wrong)
    assert check_token(acme, wrong) is None


def test_another_secret_with_a_good_checksum_opens_nothing(acme: Home) -> None:
    """Knowing a token's id and the way its checksum is made is not enough."""
    _, row = create_token(acme, "operator")
    inner = row["token_id"] + "a" * tokens.SECRET_LENGTH
    forged = f"cel_{inner}{tokens._check(inner)}"
    assert is_token(forged)
    assert check_token(acme, forged) is None


@pytest.mark.parametrize(
    ("role", "firm", "days"),
    [("firm", None, 1), ("technician", "ACME", 1), ("firm", "NONE", 1), ("king", None, 1), ("firm", "ACME", 91)],
)
def test_token_that_cannot_be(acme: Home, role: str, firm: str | None, days: float) -> None:
    """A firm's token names a known firm, no other does, and none is valid for more than 90 days."""
    with pytest.raises(UsageError):
        create_token(acme, role, firm, days=days)


def test_revoked_token_opens_nothing(acme: Home) -> None:
    """A revoked token opens nothing, and takes along the sessions that were opened with it."""
    text, row = create_token(acme, "firm", "ACME")
    key = open_session(acme, Grant(row["token_id"], "firm", "ACME", row["expires_unix_second"]), row["token_id"])
    assert check_session(acme, key) is not None
    revoke_token(acme, row["token_id"])
    assert check_token(acme, text) is None
    assert check_session(acme, key) is None


def test_expired_token_opens_nothing(acme: Home) -> None:
    """A token opens nothing from its last moment on."""
    text, _ = create_token(acme, "firm", "ACME", days=1e-9)
    time.sleep(0.001)
    assert check_token(acme, text) is None
    assert [row["state"] for row in list_tokens(acme)] == ["expired"]


def test_rotation_overlaps(acme: Home) -> None:
    """A token that is replaced stays valid for a week more, so that nothing stops on the way."""
    old, row = create_token(acme, "firm", "ACME")
    new, made = rotate_token(acme, row["token_id"])
    assert made["replaces"] == row["token_id"]
    grants = check_token(acme, old), check_token(acme, new)
    assert all(grants)
    assert grants[0] is not None
    assert grants[0].expires_unix_second < time.time() + 7.1 * 86_400


def test_use_is_noted(acme: Home) -> None:
    """When a token was used last is told, and written down once in five minutes at most."""
    _, row = create_token(acme, "firm", "ACME")
    note_use(acme, row["token_id"])
    first = list_tokens(acme)[0]["last_used_unix_second"]
    note_use(acme, row["token_id"])
    assert first is not None
    assert list_tokens(acme)[0]["last_used_unix_second"] == first


def test_session_ends(acme: Home) -> None:
    """A session that was closed is none, and what the browser keeps is not in the registry."""
    key = open_session(acme, Grant("someone", "operator", None, time.time() + 60))
    assert key not in str(acme.registry.rows(sa.select(ACCESS_SESSION)))
    close_session(acme, key)
    assert check_session(acme, key) is None


def test_tokens_and_audit_survive_the_registry(local_home: Home) -> None:
    """Replayed from the journal, the registry has its tokens and its audit log again, and no session."""
    add_firm(local_home, "ACME")
    text, _ = create_token(local_home, "firm", "ACME")
    open_session(local_home, Grant("someone", "operator", None, time.time() + 60))
    before = verify_audit(local_home)
    local_home.close()
    for path in local_home.folder.glob("registry.sqlite*"):
        path.unlink()
    with closing(Home(local_home.folder)) as again:
        again.rebuild_registry()
        assert check_token(again, text) is not None
        assert verify_audit(again) == before
        assert again.registry.rows(sa.select(ACCESS_SESSION)) == []


def test_audit_is_a_chain(acme: Home) -> None:
    """Each row of the audit log holds the hash of the one before it, numbers have no gap, and the check says so."""
    with acme.registry.write() as connection:
        record(
            connection, Event("a", "firm", "x", "y", "ACME"), Event("b", "operator", "x", "\x00\ud800", None, {"k": 1})
        )
    rows = list_audit(acme)
    assert [row["number"] for row in rows] == [2, 1]
    assert rows[0]["previous_sha256"] == rows[1]["sha256"]
    assert verify_audit(acme).broken_at is None
    assert verify_audit(acme).rows == 2


@pytest.mark.parametrize("harm", ["change", "remove", "swap"])
def test_harm_to_the_audit_shows(acme: Home, harm: str) -> None:
    """A row that was changed, removed or put elsewhere breaks the chain where it was."""
    with acme.registry.write() as connection:
        record(connection, *(Event("a", "firm", f"act {number}", "y", "ACME") for number in range(5)))
    with acme.registry.write() as connection:
        third = AUDIT.c.number == 3
        if harm == "change":
            connection.execute(sa.update(AUDIT).where(third).values(firm="OTHER"))
        elif harm == "remove":
            connection.execute(sa.delete(AUDIT).where(third))
        else:
            connection.execute(sa.update(AUDIT).where(third).values(number=9))
    assert verify_audit(acme).broken_at == 3
    assert ("registry", "row 3 of the audit log", True) in {
        (found.place, found.path, found.serious) for found in check_home(acme)
    }


def test_nobody_sees_anything(portal: Site) -> None:
    """Without a token a page leads to the log-in, and the API says 401 with a problem document."""
    answer = portal.client().get("/", follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/login?next=%2F"
    answer = portal.client().get("/api/v1/cells")
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("header", ["Bearer nothing", "Basic YTpi", "Bearer ", "bearer cel_x", ""])
def test_bad_authorization_is_401(portal: Site, header: str) -> None:
    """A header that holds no valid token opens nothing."""
    assert portal.client().get("/api/v1/cells", headers={"authorization": header}).status_code == 401


def test_login_page_is_korean_by_default(portal: Site) -> None:
    """The log-in page speaks Korean, and English when asked."""
    assert 'lang="ko"' in portal.client().get("/login", headers={"accept-language": ""}).text
    assert "Log in" in portal.client().get("/login?lang=en").text


def test_logging_in_leads_to_the_roles_page(portal: Site) -> None:
    """A session that was opened with a firm's token leads to the overview."""
    answer = portal.browser("a").get("/", follow_redirects=False)
    assert answer.headers["location"] == "/overview"


def test_wrong_token_does_not_log_in(portal: Site) -> None:
    """A token that is not valid shows the form again and says so."""
    answer = portal.client().post("/login", data={"token": "cel_wrong"}, headers={"origin": ADDRESS})
    assert answer.status_code == 401
    assert 'role="alert"' in answer.text


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example/", "/\\evil.example", "/a\nb"])
def test_login_leads_nowhere_else(portal: Site, target: str) -> None:
    """What follows the log-in lies in the portal, whatever the link said."""
    data = {"token": portal.tokens["a"], "next": target}
    answer = portal.client().post("/login", data=data, headers={"origin": ADDRESS}, follow_redirects=False)
    assert answer.headers["location"] == "/"


def test_cookie_is_for_the_server_alone(portal: Site) -> None:
    """The session's cookie is out of reach for scripts, and not sent along from other sites."""
    data = {"token": portal.tokens["a"]}
    answer = portal.client().post("/login", data=data, headers={"origin": ADDRESS}, follow_redirects=False)
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie


@pytest.mark.parametrize(
    "headers", [{"origin": "https://evil.example"}, {"origin": "null"}, {"origin": "", "referer": "https://e.x/"}]
)
def test_form_from_elsewhere_is_refused(portal: Site, headers: dict[str, str]) -> None:
    """A form that another page sends with the browser's cookie is refused."""
    browser = portal.browser("a")
    assert browser.post("/logout", headers=headers, follow_redirects=False).status_code == 403


def test_logging_out_ends_the_session(portal: Site) -> None:
    """After the log-out the cookie opens nothing."""
    browser = portal.browser("a")
    key = browser.cookies["cellar_session"]
    assert browser.get("/audit").status_code == 200
    browser.post("/logout")
    browser.cookies.set("cellar_session", key, domain="portal.test")
    assert browser.get("/audit", follow_redirects=False).status_code == 303


def test_firm_reads_who_looked_at_it(portal: Site) -> None:
    """A firm's audit log has its own requests and a technician's for its data, and nothing of other firms."""
    cell = portal.client("a").get("/api/v1/cells").json()[0]["cell_id"]
    other = portal.client("b").get("/api/v1/cells").json()[0]["cell_id"]
    for name in (cell, other):
        portal.client("technician").get(f"/api/v1/cells/{name}/summary")
    portal.app.state.trail.flush()
    rows = portal.client("a").get("/api/v1/audit?limit=1000").json()
    assert {row["firm"] for row in rows} <= {FIRM_A, "*"}
    assert any(row["role"] == "technician" and cell in row["subject"] for row in rows)
    assert other not in str(rows)
    assert FIRM_B not in str(rows)
    assert portal.client("a").get("/audit?lang=en").text.count("<tr>") > 1


def test_operators_check_the_chain(portal: Site) -> None:
    """Operators have the whole audit log checked; to others this does not exist."""
    chain = portal.client("operator").get("/api/v1/audit/chain").json()
    assert chain["broken_at"] is None
    assert chain["rows"] > 0
    assert portal.client("technician").get("/api/v1/audit/chain").status_code == 404


def test_headers_keep_pages_to_themselves(portal: Site) -> None:
    """Every answer forbids foreign content, framing and shared caches."""
    for address in ("/login", "/api/v1/cells", "/nothing", "/healthz"):
        headers = portal.client("a").get(address).headers
        assert headers["content-security-policy"].startswith("default-src 'self'")
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "no-cache" in headers["cache-control"]


def test_caller_who_asks_too_much_waits() -> None:
    """Beyond its burst a caller gets 429 with a time to wait, and others are not affected."""
    buckets = Buckets(0.5, 3)
    assert [buckets.take("a") > 0 for _ in range(4)] == [False, False, False, True]
    assert buckets.take("b") == 0


def test_what_could_not_be_logged_waits(portal: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A read that could not be written into the audit log is written later."""
    trail = portal.app.state.trail
    trail.flush()
    trail.note(Caller("someone", FIRM_A, "firm"), "read", "a thing of its own", FIRM_A)
    with monkeypatch.context() as broken:
        broken.setattr("portal.trail.record", lambda *_: (_ for _ in ()).throw(OSError("the disk is full")))
        with pytest.raises(OSError, match="full"):
            trail.flush()
    trail.flush()
    assert "a thing of its own" in str(list_audit(portal.app.state.asking.home, FIRM_A))


def test_made_up_tokens_share_one_limit(portal_home: Path) -> None:
    """Whoever makes up another token for each request is stopped by the limit of the address."""
    app = build_app(portal_home, PortalOptions(rate_per_second=0.001, burst=1))
    client = Site(portal_home, app, {}).client()
    statuses = [client.get("/api/v1/cells", headers={"authorization": f"Bearer {n}"}).status_code for n in range(12)]
    app.state.closing.close()
    assert statuses == [401] * 10 + [429] * 2
