from __future__ import annotations

import json
import re
from typing import Any

import pytest
import sqlalchemy as sa
from httpx import Client
from portal_lab import wait_for
from portal_site import FIRM_A, Site

from flows.readers import list_readers, preview_rereads
from portal.pages.operator_nights import group_skipped
from portal.pages.operator_platform import sum_years
from portal.pages.operator_view import tell_check, write_bytes
from portal.templating import DASH
from warehouse.access.tokens import is_token, list_tokens
from warehouse.home import Home
from warehouse.identity import list_firms
from warehouse.operations import list_months, list_nights
from warehouse.registry import AUDIT, NIGHT, STORED_FILE, TEST

PAGES = (
    "/operations",
    "/operations/nights",
    "/operations/nights/{night}",
    "/operations/integrity",
    "/operations/readers",
    "/operations/access",
    "/operations/platform",
    "/operations/platform.csv",
)
POSTS = (
    "/operations/integrity/check",
    "/operations/readers",
    "/operations/access/firms",
    "/operations/access/tokens",
    "/operations/access/tokens/abcdefgh/revoke",
)
HANGUL = re.compile(r"[가-힣]")


@pytest.fixture
def operator(lab: Site) -> Client:
    return lab.browser("operator")


@pytest.fixture(scope="session")
def looker(still_lab: Site) -> Client:
    """An operator who only looks."""
    return still_lab.browser("operator")


@pytest.fixture(scope="session")
def night(still_lab: Site) -> str:
    """The only night."""
    return str(list_nights(still_lab.app.state.asking.home, 1)[0]["night_id"])


@pytest.fixture
def home(lab: Site) -> Home:
    found: Home = lab.app.state.asking.home
    return found


def actions(home: Home) -> list[str]:
    return [row["action"] for row in home.registry.rows(sa.select(AUDIT).order_by(AUDIT.c.number))]


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("address", PAGES[:-1])
def test_every_page_in_both_languages(looker: Client, night: str, address: str, language: str) -> None:
    """Each page answers operators in Korean and in English."""
    answer = looker.get(address.format(night=night), params={"lang": language})
    assert answer.status_code == 200
    assert (HANGUL.search(answer.text.partition("<main")[2]) is not None) == (language == "ko")


@pytest.mark.parametrize("who", ["a", "technician"])
@pytest.mark.parametrize("address", PAGES)
def test_nobody_else_finds_anything_here(still_lab: Site, night: str, address: str, who: str) -> None:
    """To firms and technicians none of these pages exists."""
    assert still_lab.client(who).get(address.format(night=night)).status_code == 404


@pytest.mark.parametrize("address", POSTS)
def test_nobody_else_changes_anything_here(still_lab: Site, address: str) -> None:
    """No button works for firms, technicians, or a page of another origin."""
    home = still_lab.app.state.asking.home
    before = list_tokens(home), list_firms(home)
    form = {"code": "NEW", "role": "operator", "format": "arbin_csv"}
    for who in ("a", "technician"):
        assert still_lab.browser(who).post(address, data=form).status_code == 404
    foreign = still_lab.browser("operator").post(address, data=form, headers={"origin": "http://evil.test"})
    assert foreign.status_code == 403
    after = list_tokens(home), list_firms(home)
    assert [len(rows) for rows in after] == [len(rows) for rows in before]


def test_health_says_what_is_not_well(looker: Client) -> None:
    """Where no service runs, the first page says so in the page's language, beside the disk's figures."""
    assert "no service runs" in looker.get("/operations?lang=en").text
    korean = looker.get("/operations?lang=ko").text
    assert "실행 중인 서비스가 없습니다" in korean
    assert re.search(r"하루에 [\d.]+ k?M?B씩", korean)


def test_checks_are_said_in_korean() -> None:
    """What health says is said in Korean; what nobody knows stays as it is."""
    assert tell_check("68.6 of 270.6 GB are free", "ko") == "270.6 GB 중 68.6 GB 남음"
    assert tell_check("OperationalError: no disk", "ko") == "OperationalError: no disk"


def test_night_tells_what_was_done_and_why(looker: Client, still_lab: Site, night: str) -> None:
    """A night shows its stages, what was made and why, its warnings; and one that is not there is none."""
    text = looker.get(f"/operations/nights/{night}?lang=en").text
    assert "make tables" in text
    assert "1 of 1 groups of cells" in text
    assert looker.get("/operations/nights/2020-01-01-1").status_code == 404
    record = list_nights(still_lab.app.state.asking.home, 1)[0]["record"]
    assert text.count("<td>FIRM-A</td>") == sum(step["firm"] == FIRM_A for step in record["done"])


def test_failed_night_shows(operator: Client, home: Home) -> None:
    """A night with a failed stage says which, and why."""
    row = list_nights(home, 1)[0]
    record = row["record"] | {"failed": ["scrub"], "warnings": ["damaged: table x.parquet"]}
    record["stages"] = [
        stage | ({"failed": "DamageError: x"} if stage["stage"] == "scrub" else {}) for stage in record["stages"]
    ]
    later = {**row, "night_id": "2026-12-01-1", "record": json.dumps(record)}
    later["started_unix_second"] += 60
    with home.registry.write() as connection:
        home.registry.put(connection, NIGHT, later)
    assert "failed: scrub" in operator.get("/operations/nights?lang=en").text
    text = operator.get("/operations/nights/2026-12-01-1?lang=en").text
    assert "DamageError: x" in text
    assert "damaged: table x.parquet" in operator.get("/operations/integrity?lang=en").text


def test_skipped_is_grouped() -> None:
    """What was skipped for one reason stands once, with how many tables."""
    step = {"firm": "A", "action": "skipped", "why": "nothing changed"}
    record: dict[str, Any] = {"done": [step, step, step | {"firm": None}, step | {"action": "made"}]}
    found = [(row["firm"], row["tables"]) for row in group_skipped(record)]
    assert found == [("", 1), ("A", 2)]


def test_check_finds_a_damaged_file(operator: Client, home: Home) -> None:
    """The check of everything runs by itself and its page names the damaged file; it is in the audit log."""
    row = home.registry.rows(sa.select(STORED_FILE).where(STORED_FILE.c.current, STORED_FILE.c.test_id.is_not(None)))[0]
    home.store.path_of(row["path"]).write_bytes(b"damaged")
    operator.post("/operations/integrity/check")
    page = "/operations/integrity?lang=en"
    assert wait_for(lambda: "A check runs since" not in operator.get(page).text)
    text = operator.get(page).text
    assert row["path"] in text
    assert "damaged" in text
    assert "integrity.check" in actions(home)


def test_whole_audit_log_is_told(operator: Client, home: Home) -> None:
    """The page tells whether the audit log is whole, and where not."""
    assert "The log is whole" in operator.get("/operations/integrity?lang=en").text
    with home.registry.write() as connection:
        connection.execute(sa.update(AUDIT).where(AUDIT.c.number == 2).values(subject="changed"))
    assert "broken at row 2" in operator.get("/operations/integrity?lang=en").text


def test_outdated_reader_shows_and_can_be_tried(operator: Client, home: Home) -> None:
    """A test of an older reader is counted; trying tells that its rows would stay the same, and changes nothing."""
    test = home.registry.rows(sa.select(TEST).where(TEST.c.format == "biologic_mpr"))[0]
    mine = TEST.c.test_id == test["test_id"]
    with home.registry.write() as connection:
        connection.execute(sa.update(TEST).where(mine).values(reader_version=1))
    [reader] = [one for one in list_readers(home) if one.format == "biologic_mpr"]
    assert (reader.outdated, reader.tests) == (1, {1: 1})
    text = operator.post("/operations/readers?lang=en", data={"format": "biologic_mpr"}).text
    assert "the rows would stay the same" in text
    assert home.registry.rows(sa.select(TEST).where(mine))[0] == test | {"reader_version": 1}
    with home.registry.write() as connection:
        connection.execute(sa.update(TEST).where(mine).values(data_sha256="0" * 64))
    [tried] = preview_rereads(home, "biologic_mpr")
    assert tried["outcome"] == "changed"
    assert "reader.preview" in actions(home)


def test_firm_is_added_and_renamed(operator: Client, home: Home) -> None:
    """A firm is added by its code; again with a name it is renamed; an impossible code is refused."""
    operator.post("/operations/access/firms", data={"code": "NEWCO"})
    operator.post("/operations/access/firms", data={"code": "NEWCO", "name": "New Company"})
    assert {row["code"]: row["name"] for row in list_firms(home)}["NEWCO"] == "New Company"
    wrong = operator.post("/operations/access/firms", data={"code": "../x"}, follow_redirects=False)
    assert "said=no-code" in wrong.headers["location"]
    assert [action for action in actions(home) if action.startswith("firm.")] == ["firm.add", "firm.rename"]


def test_token_is_shown_once_and_revoked(lab: Site, operator: Client, home: Home) -> None:
    """A token stands on the page that gives it out and nowhere after; revoked, it opens nothing at once."""
    form = {"role": "firm", "firm": FIRM_A, "days": "7", "label": "line 1"}
    answer = operator.post("/operations/access/tokens", data=form)
    [token] = re.findall(r'class="secret">([^<]+)<', answer.text)
    assert is_token(token)
    assert answer.headers["cache-control"] == "no-store"
    assert token not in operator.get("/operations/access").text
    client = lab.client()
    headers = {"authorization": f"Bearer {token}"}
    assert client.get("/api/v1/cells", headers=headers).status_code == 200
    [row] = [row for row in list_tokens(home) if row["label"] == "line 1"]
    operator.post(f"/operations/access/tokens/{row['token_id']}/revoke")
    assert client.get("/api/v1/cells", headers=headers).status_code == 401
    assert {"token.create", "token.revoke"} <= set(actions(home))


@pytest.mark.parametrize(
    "form",
    [
        {"role": "firm"},
        {"role": "king"},
        {"role": "firm", "firm": "NONE"},
        {"role": "operator", "days": "91"},
        {"role": "operator", "days": "0"},
    ],
)
def test_token_that_cannot_be(operator: Client, home: Home, form: dict[str, str]) -> None:
    """A token without its firm, of an unknown role or for too long is not made, and the page says so."""
    before = len(list_tokens(home))
    answer = operator.post("/operations/access/tokens", data=form, follow_redirects=False)
    assert answer.headers["location"].endswith("said=no-token")
    assert len(list_tokens(home)) == before


def test_platform_figures(operator: Client, home: Home) -> None:
    """The figures of each month are on the page and in a table for spreadsheets, with a mark that Excel needs."""
    months = list_months(home)
    assert months[0]["tests"] == 3
    answer = operator.get("/operations/platform.csv")
    assert answer.content.startswith(b"\xef\xbb\xbfmonth,tests,")
    assert len(answer.text.splitlines()) == 1 + len(months)
    assert months[0]["month"] in operator.get("/operations/platform").text


def test_years_are_sums_where_sums_are_right() -> None:
    """A year adds up what can be added, and of firms and cells tells the largest month."""
    month = {"tests": 2, "firms": 3, "cells": 4, "wafers": 1, "cycles": 5, "channel_hours_h": None, "drops": 1}
    month |= {"quarantined": 0, "source_bytes": 10, "stored_bytes": 20, "month": "2026-01"}
    [year] = sum_years([month, month | {"month": "2026-02", "firms": 1}])
    assert (year["tests"], year["firms"], year["channel_hours_h"], year["months"]) == (4, 3, 0, 2)


def test_bytes_are_readable() -> None:
    """Bytes are told with the unit of their size."""
    assert [write_bytes(size) for size in (0, 999, 1_000, 1.234e9, None)] == ["0 B", "999 B", "1 kB", "1.23 GB", DASH]
