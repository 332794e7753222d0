"""The table of alerts: each thing once, closed when it no longer holds; and what files and disks tell."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple

import polars as pl
import pytest
from made_cells import DAY, START, commit, cycle, measure
from typer.testing import CliRunner

from flows.cli import app
from warehouse.alerts import find
from warehouse.alerts.disk import find_filling
from warehouse.alerts.find import Round, find_alerts, list_alerts, name_alert
from warehouse.alerts.recipe import AlertsRecipe
from warehouse.alerts.sign import Sign
from warehouse.alerts.sources import CONTRADICTIONS, find_contradictions, find_stopped
from warehouse.alerts.words import KINDS, say
from warehouse.errors import UsageError
from warehouse.home import Home
from warehouse.identity import add_firm, put_cells
from warehouse.publish import Owner
from warehouse.registry import ALERT, SOURCE_FILE

NIGHT: Final = date(2026, 3, 20)
HOUR: Final = 3600.0
EVIDENCE: Final[dict[str, dict[str, Any]]] = {
    "falling_faster": {"retention": 0.81234, "cycle": 40, "siblings": 7, "median_of_siblings": 0.95},
    "capacity_step": {"cycle": 21, "capacity_before_ah": 1e-4, "capacity_after_ah": 9e-5},
    "limit_crossed": {"spec": "S", "quantity": "capacity", "measured": 0.9, "unit": "Ah", "lower": 1.0, "upper": None},
    "contradiction": {"path": "inbox/A/x.txt", "reason_code": "sign", "reason_detail": "charge falls"},
    "channel_drift": {"channel": "M-3", "metric": "capacity", "cells": 4, "residual": 0.02},
    "test_stalled": {"channel": "M-3", "last_growth_unix_second": START, "cycles": 12},
    "test_ended": {"channel": "M-3", "last_growth_unix_second": START, "cycles": 12},
    "disk_filling": {"free_bytes": 5e9, "total_bytes": 100e9, "daily_bytes": 1e9, "days_left": 5.0},
}


class Usage(NamedTuple):
    """A disk, as the system tells it."""

    total: int
    used: int
    free: int


def sign(subject: str = "C1", kind: str = "capacity_step", firm: str | None = None) -> Sign:
    return Sign(kind, subject, "C1", EVIDENCE[kind], firm)


@pytest.fixture
def signs(monkeypatch: pytest.MonkeyPatch) -> list[Sign]:
    """What a night finds, to be set by the test."""
    found: list[Sign] = []
    monkeypatch.setattr(find, "_find_all", lambda *_: iter(found))
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_speaks_both_languages(local_home: Home, kind: str) -> None:
    """Each kind has a sentence in English and in Korean that holds its figures, and no brace is left."""
    english, korean = say(Sign(kind, "x", "C1", EVIDENCE[kind], test_id="t-1"), local_home.settings.zone_info)
    assert english.isascii()
    assert any("가" <= letter <= "힣" for letter in korean)
    assert "{" not in english + korean
    assert EVIDENCE.keys() == KINDS.keys()


def test_time_and_bytes_are_shown_as_people_read_them(local_home: Home) -> None:
    """A moment is told in the site's zone, bytes in GB, a figure in four digits, and what is unknown as a dash."""
    zone = local_home.settings.zone_info
    assert "2026-03-02 09:00" in say(sign(kind="test_ended"), zone)[0]
    assert "5 GB of 100 GB" in say(sign(kind="disk_filling"), zone)[0]
    assert "0.8123 at cycle 40" in say(sign(kind="falling_faster"), zone)[0]
    nameless = Sign("test_ended", "x", None, {**EVIDENCE["test_ended"], "channel": None}, test_id="t-1")
    assert "on channel - has ended" in say(nameless, zone)[0]


def test_crossed_limit_is_told_in_words(local_home: Home) -> None:
    """A crossed limit is told with its quantity and unit in each language, and only the limits that there are."""
    english, korean = say(sign(kind="limit_crossed"), local_home.settings.zone_info)
    assert english == "Cell C1 crosses a limit of specification S: capacity is 0.9 Ah, lower limit 1 Ah."
    assert korean == "셀 C1: 규격 S의 한계를 벗어났습니다. 용량 0.9 Ah, 하한 1 Ah."


def test_alert_is_told_once(local_home: Home, signs: list[Sign]) -> None:
    """The first night opens it with its evidence; later nights change nothing, whatever the evidence is by then."""
    signs.append(sign())
    assert find_alerts(local_home, NIGHT) == Round(1, 1, 0)
    before = list_alerts(local_home)
    signs[0] = Sign("capacity_step", "C1", "C1", {**EVIDENCE["capacity_step"], "cycle": 99})
    assert find_alerts(local_home, NIGHT + timedelta(days=1)) == Round(1, 0, 0)
    assert list_alerts(local_home) == before
    assert json.loads(before[0]["evidence"])["cycle"] == 21


def test_alert_closes_and_opens_again(local_home: Home, signs: list[Sign]) -> None:
    """What no longer holds is closed with its date; what holds again is the same alert, opened twice."""
    signs.append(sign())
    find_alerts(local_home, NIGHT)
    signs.clear()
    assert find_alerts(local_home, NIGHT + timedelta(days=1)) == Round(0, 0, 1)
    assert list_alerts(local_home) == []
    (closed,) = list_alerts(local_home, closed=True)
    assert (closed["state"], closed["closed_date"]) == ("closed", "2026-03-21")
    signs.append(sign())
    assert find_alerts(local_home, NIGHT + timedelta(days=2)) == Round(1, 1, 0)
    (again,) = list_alerts(local_home)
    assert (again["times"], again["first_seen_date"], again["closed_date"]) == (2, "2026-03-20", None)


@pytest.mark.parametrize(("days", "told_again"), [(2, False), (40, True)])
def test_alert_that_comes_again_soon_is_not_delivered_again(
    local_home: Home, signs: list[Sign], *, days: int, told_again: bool
) -> None:
    """What flickers is mailed once; what comes back after a month is news."""
    signs.append(sign())
    find_alerts(local_home, NIGHT)
    with local_home.registry.write() as connection:
        connection.execute(ALERT.update().values(mailed_unix_second=1.0))
    signs.clear()
    find_alerts(local_home, NIGHT + timedelta(days=1))
    signs.append(sign())
    find_alerts(local_home, NIGHT + timedelta(days=days))
    assert (list_alerts(local_home)[0]["mailed_unix_second"] is None) == told_again


def test_firm_reads_its_own_alerts(local_home: Home, signs: list[Sign]) -> None:
    """The operators see every alert, a firm its own; two firms' alerts about one name are two."""
    for firm in "AB":
        add_firm(local_home, firm)
    signs += [sign("x", "contradiction", "A"), sign("x", "contradiction", "B"), sign("ch", "channel_drift")]
    find_alerts(local_home, NIGHT)
    assert [row["firm"] for row in list_alerts(local_home, "A")] == ["A"]
    assert len(list_alerts(local_home)) == 3
    assert local_home.query("alerts", firm="A")["firm"].to_list() == ["A"]
    assert name_alert(signs[0]) != name_alert(signs[1])


@pytest.fixture(scope="module")
def wafer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """Nine dies of one wafer: D5 fades ten times as fast as the rest, and channel M-9 reads three charges too high."""
    with closing(Home(tmp_path_factory.mktemp("wafer") / "home")) as home:
        add_firm(home, "A")
        for number in range(9):
            name, rate = f"D{number}", 1e-2 if number == 5 else 1e-3
            put_cells(home, [{"firm": "A", "cell_id": name, "lot": "L", "wafer": "W", "nominal_capacity_ah": 1e-3}])
            channel, efficiency = ("M-9", 0.998) if number > 5 else (f"M-{number}", 1.0)
            halves = cycle([1e-3 * (1 - rate * each) for each in range(14)], efficiency)
            records = measure(halves, START + number * DAY)
            commit(home, f"t{number}", records, Owner("A", name, "option"), channel=channel)
        yield home


def test_falling_die_is_told_to_its_firm(wafer: Home) -> None:
    """From the records to the sentence: the die that falls faster than its siblings, once, and nothing else of it."""
    night = date(2026, 3, 10)
    find_alerts(wafer, night)
    (alert,) = list_alerts(wafer, "A")
    assert (alert["kind"], alert["cell_id"]) == ("falling_faster", "D5")
    assert alert["sentence_en"].startswith("Cell D5 falls faster than its siblings: retention 0.87 at cycle 14")
    assert find_alerts(wafer, night) == Round(len(list_alerts(wafer)), 0, 0)
    answered = wafer.query("signs", firm="A").row(0, named=True)
    assert (answered["kind"], answered["cell_id"]) == ("falling_faster", "D5")


def test_drifting_channel_is_told_to_the_operators(wafer: Home) -> None:
    """A channel that reads the efficiency of its three cells 0.2 % too low is told to the operators and to no firm."""
    find_alerts(wafer, date(2026, 3, 10))
    (alert,) = [row for row in list_alerts(wafer) if row["kind"] == "channel_drift"]
    assert (alert["firm"], alert["subject"]) == (None, "M-9 coulombic_efficiency")
    assert json.loads(alert["evidence"])["residual"] == pytest.approx(-0.002, rel=1e-3)
    answered = wafer.query("residuals", firm="A").filter(pl.col("metric") == "coulombic_efficiency")
    off = answered.filter(pl.col("residual").abs() > 1e-4)
    assert (off["channel"].to_list(), off["residual"].round(4).to_list()) == (["M-9"] * 3, [-0.002] * 3)


def test_past_opens_no_alert(wafer: Home) -> None:
    """A sign of a cell that nothing was heard of for a month opens no alert; one that is open stays as it is."""
    with wafer.registry.write() as connection:
        connection.execute(ALERT.delete())
    find_alerts(wafer, NIGHT + timedelta(days=60))
    assert list_alerts(wafer, "A") == []


def test_command_lists_alerts(local_home: Home, signs: list[Sign]) -> None:
    """``cellar alerts`` prints both sentences, as JSON everything, and an unknown firm is wrong usage."""
    signs.append(sign())
    find_alerts(local_home, NIGHT)
    runner, home = CliRunner(), ("--home", str(local_home.folder))
    assert "1 open." in runner.invoke(app, ["alerts", *home]).stdout
    (row,) = json.loads(runner.invoke(app, ["alerts", *home, "--json"]).stdout)
    assert (row["kind"], row["state"]) == ("capacity_step", "open")
    assert isinstance(runner.invoke(app, ["alerts", *home, "--firm", "NOBODY"]).exception, UsageError)


def put_source(home: Home, sha256: str, seen: float, **values: Any) -> None:
    row = {"sha256": sha256, "path": f"inbox/{sha256}", "size": 1000, "state": "committed"}
    row |= {"first_seen_unix_second": seen, "updated_unix_second": seen, **values}
    with home.registry.write() as connection:
        home.registry.put(connection, SOURCE_FILE, row)


@pytest.mark.parametrize("code", CONTRADICTIONS)
def test_contradiction_is_told_while_it_is_in_quarantine(local_home: Home, code: str) -> None:
    """A file whose values contradict each other is told to its firm with what was found, until it is settled."""
    told = {"firm": "A", "reason_code": code, "reason_detail": "0.001 times"}
    put_source(local_home, "bad", START, state="quarantined", **told)
    put_source(local_home, "cut", START, state="quarantined", firm="A", reason_code="broken_file")
    (sign,) = find_contradictions(local_home)
    assert (sign.firm, sign.evidence["reason_detail"]) == ("A", "0.001 times")
    assert "0.001 times" in say(sign, local_home.settings.zone_info)[1]
    put_source(local_home, "bad", START, state="committed", **told)
    assert list(find_contradictions(local_home)) == []


def grow(home: Home, *, cut: int = 0, versions: int = 6) -> tuple[str, float]:
    """Commit a test whose file was seen hour after hour; returns its name and when it was seen last."""
    records = measure(cycle([1e-3] * 4))
    test = commit(home, "growing", records.head(records.height - cut), channel="M-3")
    for number in range(versions):
        before = f"v{number - 1}" if number else None
        put_source(home, f"v{number}", START + number * HOUR, test_id=test, previous_sha256=before)
    return test, START + (versions - 1) * HOUR


def test_file_that_grows_no_more_has_ended(local_home: Home) -> None:
    """A file that grew every hour and whose last cycle is whole has ended after five silent hours, not before."""
    test, last = grow(local_home)
    assert list(find_stopped(local_home, last + 4.9 * HOUR)) == []
    (sign,) = find_stopped(local_home, last + 5.1 * HOUR)
    assert (sign.kind, sign.test_id, sign.evidence["usual_interval_second"]) == ("test_ended", test, HOUR)


def test_test_that_stopped_under_current_has_stalled(local_home: Home) -> None:
    """Where the last record lies in the middle of a discharge, the test did not end: it stalled."""
    _, last = grow(local_home, cut=16)
    (sign,) = find_stopped(local_home, last + 6 * HOUR)
    assert sign.kind == "test_stalled"


def test_growth_ends_the_alert(local_home: Home) -> None:
    """Another version of the file, and the test goes on."""
    test, last = grow(local_home)
    put_source(local_home, "v6", last + 5 * HOUR, test_id=test, previous_sha256="v5")
    assert list(find_stopped(local_home, last + 5.5 * HOUR)) == []


@pytest.mark.parametrize(("versions", "later"), [(3, 6 * HOUR), (6, 40 * DAY)], ids=["usual unknown", "long ago"])
def test_silence_that_says_nothing(local_home: Home, versions: int, later: float) -> None:
    """Before a file's usual interval is known, and a month after its last record, silence is no alert."""
    _, last = grow(local_home, versions=versions)
    assert list(find_stopped(local_home, last + later)) == []


@pytest.mark.parametrize(
    ("free", "dropped", "told"), [(500, 0, False), (50, 0, True), (500, 3000, True), (500, 300, False)]
)
def test_disk_that_fills(
    local_home: Home, monkeypatch: pytest.MonkeyPatch, *, free: int, dropped: int, told: bool
) -> None:
    """A disk with less than a tenth free is told, and one that is full in less than thirty days as it fills now."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Usage(1000, 1000 - free, free))
    if dropped:
        put_source(local_home, "x", START, size=dropped)
    found = list(find_filling(local_home, START + DAY, AlertsRecipe()))
    assert [each.firm for each in found] == ([None] if told else [])


def test_nights_moment_is_its_date(local_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a night finds depends on its date, in the site's zone, and not on the hour at which it runs."""
    moments: list[float] = []
    monkeypatch.setattr(find, "_find_all", lambda _home, now, _unknown: moments.append(now) or iter(()))
    find_alerts(local_home, NIGHT)
    assert datetime.fromtimestamp(moments[0], local_home.settings.zone_info).isoformat() == "2026-03-20T00:00:00+09:00"
