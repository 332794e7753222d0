from __future__ import annotations

import asyncio
import hashlib
import re
import time
from contextlib import aclosing, closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import polars as pl
import pytest
import sqlalchemy as sa
from httpx import Client, Response
from made_cells import cycle, measure, write_bdf
from portal_lab import BROKEN, CHANNEL, STRAY, wait_for, watch
from portal_site import FIRM_A, Site

from flows import taking
from flows.ingest import ingest_file, ingest_paths
from portal.pages.technician_hints import tell_hints
from portal.pages.technician_receipts import tell_changes
from portal.pages.technician_view import name_drop, tell_place
from portal.underway import Underway
from warehouse.archive import Capture
from warehouse.channels import channel_board
from warehouse.home import Home
from warehouse.identity import assign_channel, find_cell
from warehouse.publish import Owner
from warehouse.registry import AUDIT, LEASE, SOURCE_FILE, TEST, WORKER
from warehouse.sources import begin_source, count_states, list_quarantine, newest_receipts, receipts_before
from warehouse.unassigned import unassigned_tests

PAGES = ("/receipts", "/receipts/part", "/upload", "/quarantine", "/quarantine/{source}", "/unassigned", "/channels")
POSTS = (
    "/quarantine/{source}/retry",
    "/quarantine/{source}/read-as",
    "/quarantine/{source}/assign",
    "/quarantine/{source}/release",
    "/quarantine/{source}/undo",
    "/unassigned",
    "/channels",
)
HANGUL = re.compile(r"[가-힣]")


@pytest.fixture
def technician(lab: Site) -> Client:
    return lab.browser("technician")


@pytest.fixture(scope="session")
def looker(still_lab: Site) -> Client:
    """A technician who only looks."""
    return still_lab.browser("technician")


@pytest.fixture(scope="session")
def waiting_hash(still_lab: Site) -> str:
    """The hash of the file in quarantine."""
    return str(list_quarantine(still_lab.app.state.asking.home)[0]["sha256"])


@pytest.fixture
def home(lab: Site) -> Home:
    found: Home = lab.app.state.asking.home
    return found


@pytest.fixture
def source(home: Home) -> dict[str, Any]:
    return list_quarantine(home)[0]


def send(client: Client, name: str, content: bytes, pieces: int = 2, **more: str) -> dict[str, Any]:
    """Upload a file in pieces; returns what the last one was answered with."""
    wish = {"name": name, "size": len(content), "sha256": hashlib.sha256(content).hexdigest(), **more}
    address = f"/api/v1/uploads/{client.post('/api/v1/uploads', json=wish).json()['upload_id']}"
    step = -(-len(content) // pieces)
    answer: Response | None = None
    for offset in range(0, len(content), step):
        piece = content[offset : offset + step]
        answer = client.patch(address, content=piece, headers={"upload-offset": str(offset)})
    assert answer is not None
    found: dict[str, Any] = answer.json()
    return found


def actions(home: Home) -> list[str]:
    return [row["action"] for row in home.registry.rows(sa.select(AUDIT).order_by(AUDIT.c.number))]


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("address", PAGES)
def test_every_page_in_both_languages(looker: Client, waiting_hash: str, address: str, language: str) -> None:
    """Each page answers technicians in Korean and in English."""
    answer = looker.get(address.format(source=waiting_hash), params={"lang": language})
    assert answer.status_code == 200
    assert (HANGUL.search(answer.text.partition("<main")[2] or answer.text) is not None) == (language == "ko")


@pytest.mark.parametrize("address", [*PAGES, "/receipts/events?seconds=1", "/quarantine/" + "0" * 64])
def test_firms_find_nothing_here(still_lab: Site, waiting_hash: str, address: str) -> None:
    """To firms none of these pages exists, and without a log-in there is only the way to it."""
    target = address.format(source=waiting_hash)
    assert still_lab.client("a").get(target).status_code == 404
    nobody = still_lab.client().get(target, follow_redirects=False)
    assert (nobody.status_code, nobody.headers["location"].startswith("/login")) == (303, True)


@pytest.mark.parametrize("address", POSTS)
def test_firms_change_nothing_here(still_lab: Site, waiting_hash: str, address: str) -> None:
    """No button works for firms, and none for a page of another origin."""
    before = count_states(still_lab.app.state.asking.home)
    form = {"test": "x", "cell": "x", "format": "x", "channel": "x"}
    target = address.format(source=waiting_hash)
    assert still_lab.browser("a").post(target, data=form).status_code == 404
    foreign = still_lab.browser("technician").post(target, data=form, headers={"origin": "http://evil.test"})
    assert foreign.status_code == 403
    assert count_states(still_lab.app.state.asking.home) == before


def test_nothing_is_lost_on_screen(looker: Client, still_lab: Site) -> None:
    """The page shows how many were seen and every state, and that the sum is right."""
    counts = count_states(still_lab.app.state.asking.home)
    assert counts["seen"] == sum(counts.values()) - counts["seen"] == 5
    shown = re.findall(r"<dd>(?:<a[^>]*>)?(\d+)", looker.get("/receipts?lang=en").text)
    assert [int(number) for number in shown] == list(counts.values())
    assert "The sum is right" in looker.get("/receipts?lang=en").text


def test_receipts_of_one_state(looker: Client) -> None:
    """The list can be narrowed to one state; an unknown one is none."""
    text = looker.get("/receipts?lang=en&state=quarantined").text
    assert "broken.mpt" in text
    assert STRAY not in text
    assert STRAY in looker.get("/receipts?lang=en&state=nonsense").text


def test_warnings_of_a_reader_are_told_in_korean(lab: Site, home: Home, technician: Client, tmp_path: Path) -> None:
    """What a reader warns of stands on the receipts' page and the cell's page in the page's language."""
    records = measure(cycle([1e-3, 0.9e-3])).with_columns(pl.lit(7.0).alias("Grip / N"))
    cell = home.query("cells", firm=FIRM_A).row(0, named=True)["cell_id"]
    path = write_bdf(tmp_path / "warned.csv", records)
    (receipt,) = ingest_paths(home, [path], Owner(FIRM_A, cell, "option"))
    english, korean = (
        "columns that no table of ours has are left out: Grip / N",
        "공통 스키마에 없는 열을 제외했습니다: Grip / N",
    )
    assert english in receipt["warnings"]
    for client, page in ((technician, "/receipts"), (lab.client("a"), f"/cells/{quote(cell, safe='')}")):
        told = {language: client.get(page, params={"lang": language}).text for language in ("ko", "en")}
        assert f'<li lang="ko">{korean}</li>' in told["ko"]
        assert english not in told["ko"]
        assert f'<li lang="en">{english}</li>' in told["en"]


def test_older_receipts_come_behind(home: Home, technician: Client) -> None:
    """Older receipts are on further pages, which do not move by themselves."""
    newest = newest_receipts(home)
    assert receipts_before(home, 2, newest[1]["receipt_id"]) == newest[2:4]
    text = technician.get(f"/receipts?lang=en&before={newest[0]['receipt_id']}").text
    assert "broken.mpt" not in text
    assert 'data-live=""' in text


def test_broken_file_from_upload_to_retry(lab: Site, technician: Client, home: Home) -> None:
    """A broken file that comes in two pieces ends in quarantine, whose page tells why in both languages; and again."""
    with watch(lab.folder):
        done = send(technician, "half.mpt", BROKEN + b"7\t7\r\n", firm=FIRM_A)
        assert done["path"] == "inbox/FIRM-A/half.mpt"
        assert wait_for(lambda: any(one["path"].endswith("half.mpt") for one in newest_receipts(home)))
    [receipt] = [one for one in newest_receipts(home) if one["path"].endswith("half.mpt")]
    assert receipt["state"] == "quarantined"
    assert f"/quarantine/{receipt['sha256']}" in technician.get("/receipts").text
    page = f"/quarantine/{receipt['sha256']}"
    english, korean = (technician.get(page, params={"lang": language}).text for language in ("en", "ko"))
    assert "The file ends too early" in english
    assert "line 6" in english
    assert "파일이 중간에서 끝납니다" in korean
    assert "6행" in korean
    answer = technician.post(f"{page}/retry", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{page}?said=again")
    assert "still in quarantine" in technician.get(f"{page}?said=again&lang=en").text
    assert "quarantine.retry" in actions(home)


def test_set_aside_and_back(technician: Client, home: Home, source: dict[str, Any]) -> None:
    """A source that is set aside leaves the list with the note, stays kept, and can be put back."""
    page = f"/quarantine/{source['sha256']}"
    technician.post(f"{page}/release", data={"note": "only a try"})
    assert list_quarantine(home) == []
    text = technician.get(page, params={"lang": "en"}).text
    assert "only a try" in text
    assert "Put it back" in text
    technician.post(f"{page}/undo")
    assert len(list_quarantine(home)) == 1
    assert {"quarantine.release", "quarantine.undo"} <= set(actions(home))


def test_read_as_a_format(technician: Client, home: Home, source: dict[str, Any]) -> None:
    """A person's word on the format is kept for every later reading; an unknown format changes nothing."""
    page = f"/quarantine/{source['sha256']}"
    wrong = technician.post(f"{page}/read-as", data={"format": "none"}, follow_redirects=False)
    assert wrong.headers["location"].endswith("said=no-format")
    technician.post(f"{page}/read-as", data={"format": "arbin_csv"})
    row = home.registry.row(SOURCE_FILE, sha256=source["sha256"])
    assert row is not None
    assert row["read_as"] == "arbin_csv"


def test_assign_a_source(technician: Client, home: Home, source: dict[str, Any]) -> None:
    """A source in quarantine is given to a cell that exists; a slip of the pen makes no new cell."""
    page = f"/quarantine/{source['sha256']}"
    cells = home.query("cells").height
    wrong = technician.post(f"{page}/assign", data={"cell": "nowhere"}, follow_redirects=False)
    assert wrong.headers["location"].endswith("said=no-cell")
    assert home.query("cells").height == cells
    cell = home.query("cells", firm=FIRM_A)["cell_id"][0]
    technician.post(f"{page}/assign", data={"cell": cell})
    row = home.registry.row(SOURCE_FILE, sha256=source["sha256"])
    assert row is not None
    assert (row["firm"], row["cell_id"]) == (FIRM_A, cell)


def test_decided_twice(technician: Client, source: dict[str, Any]) -> None:
    """What somebody else has decided meanwhile is said, and not done again."""
    page = f"/quarantine/{source['sha256']}"
    technician.post(f"{page}/release")
    for deed in ("release", "retry"):
        again = technician.post(f"{page}/{deed}", follow_redirects=False)
        assert again.headers["location"].endswith("said=changed")


def test_unread_drop_offers_no_retry(lab: Site, technician: Client, home: Home) -> None:
    """Of a drop whose bytes could not be read, the page says to drop it again and offers nothing that needs bytes."""
    packed = lab.folder.parent / "torn.zip"
    packed.write_bytes(b"PK\x03\x04 torn")
    link = lab.folder.parent / "torn-link.csv"
    link.symlink_to("/nowhere/at/all")
    list(ingest_file(home, link))
    [unread] = [row for row in list_quarantine(home) if row["sha256"].startswith("unread-")]
    text = technician.get(f"/quarantine/{unread['sha256']}", params={"lang": "en"}).text
    assert "drop the file again" in text
    assert "/retry" not in text


def test_unknown_source_is_not_there(looker: Client) -> None:
    """A hash that nobody dropped, or that is none, answers 404 and not an error."""
    assert looker.get(f"/quarantine/{'0' * 64}").status_code == 404
    assert looker.get("/quarantine/../../etc").status_code in {404, 422}


def test_unassigned_test_is_given_to_the_suggested_cell(technician: Client, home: Home) -> None:
    """The button beside a suggestion gives the test to that cell, and the list is empty then."""
    [waiting] = unassigned_tests(home)
    best = waiting["suggestions"][0]
    assert f"Assign to {best['firm']} / {best['cell_id']}" in technician.get("/unassigned?lang=en").text
    form = {"test": waiting["test_id"], "firm": best["firm"], "cell": best["cell_id"]}
    said = technician.post("/unassigned", data=form)
    assert said.status_code == 200
    test = home.registry.row(TEST, test_id=waiting["test_id"])
    assert test is not None
    assert (test["firm"], test["cell_id"]) == (best["firm"], best["cell_id"])
    assert unassigned_tests(home) == []
    assert "test.assign" in actions(home)
    again = technician.post("/unassigned", data=form, follow_redirects=False)
    assert "said=taken" in again.headers["location"]


def test_nobody_takes_another_firms_test(technician: Client, home: Home) -> None:
    """The button moves no test that has an owner, and no cell that is not there gets one."""
    owned = home.query("tests", firm="FIRM-B")["test_id"][0]
    cell = home.query("cells", firm=FIRM_A)["cell_id"][0]
    technician.post("/unassigned", data={"test": owned, "firm": FIRM_A, "cell": cell})
    test = home.registry.row(TEST, test_id=owned)
    assert test is not None
    assert test["firm"] == "FIRM-B"
    assert technician.post("/unassigned", data={"test": "t-none", "cell": cell}).status_code == 404


@pytest.mark.parametrize(
    ("hint", "korean"),
    [
        ("channel 7 held it from 2026-03-02T00:00:00+00:00", "2026-03-02 09:00 KST부터 7 채널에 있는 셀입니다"),
        ("name 'x.csv' is like its name", "파일 이름 x.csv이(가) 셀 이름과 비슷합니다"),
        ("something new", "something new"),
    ],
)
def test_hints_are_said_in_korean(hint: str, korean: str) -> None:
    """Why a cell is suggested is said in the page's language; a hint that nobody knows is shown as it is."""
    assert tell_hints(hint, "ko") == [korean]


def test_channel_board(home: Home, technician: Client) -> None:
    """The board tells what a channel holds since when, what comes next, and when it is free."""
    cells = home.query("cells").sort("firm").rows(named=True)
    first, second = (find_cell(home, cell["cell_id"], cell["firm"]) for cell in cells)
    assign_channel(home, "c1", first, 1_000.0, 2_000.0)
    assign_channel(home, "c1", second, 2_000.0, 3_000.0)
    board = {one.name: one for one in channel_board(home, 1_500.0)}
    held = board["c1"]
    assert held.holds is not None
    assert held.follows is not None
    assert (held.holds["cell_id"], held.follows["cell_id"]) == (first["cell_id"], second["cell_id"])
    assert held.free_unix_second == 3_000.0
    assert board[CHANNEL].free_unix_second == 1_500.0
    later = {one.name: one for one in channel_board(home, 4_000.0)}["c1"]
    assert (later.holds, later.free_unix_second) == (None, 4_000.0)
    assert CHANNEL in technician.get("/channels").text


def test_put_a_cell_on_a_channel(technician: Client, home: Home) -> None:
    """The form gives a channel a cell from a moment in the site's zone on; overlaps and wrong moments are said."""
    cell = home.query("cells", firm=FIRM_A)["cell_id"][0]
    form = {"channel": "rack2-ch01", "cell": cell, "begin": "2026-03-02T09:00"}
    done = technician.post("/channels", data=form, follow_redirects=False)
    assert "said=assigned" in done.headers["location"]
    held = {one.name: one for one in channel_board(home, time.time())}["rack2-ch01"].holds
    assert held is not None
    assert held["from_unix_second"] == 1_772_409_600.0
    other = home.query("cells", firm="FIRM-B")["cell_id"][0]
    overlap = technician.post("/channels", data=form | {"cell": other}, follow_redirects=False)
    assert "said=overlap" in overlap.headers["location"]
    wrong = technician.post("/channels", data=form | {"end": "tomorrow"}, follow_redirects=False)
    assert "said=no-moment" in wrong.headers["location"]
    assert actions(home).count("channel.assign") == 1


class Clock:
    """A clock that stands where a test sets it."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def stages(underway: Underway, clock: Clock) -> dict[str, str]:
    """Return the stage of everything on its way, by the end of its name."""
    clock.now += 60.0
    return {Path(one.path).name: one.stage for one in underway.look().coming}


def test_stages_before_the_receipt(lab: Site, home: Home, technician: Client) -> None:
    """An upload is on its way, then waits while nobody looks, and settles where somebody does."""
    clock = Clock()
    underway = Underway(home, lab.app.state.uploads, clock)
    wish = {"name": "big.csv", "size": 10, "sha256": hashlib.sha256(b"0123456789").hexdigest()}
    begun = technician.post("/api/v1/uploads", json=wish).json()
    technician.patch(
        f"/api/v1/uploads/{begun['upload_id']}", content=b"0123", headers={"upload-offset": "0"}
    ).raise_for_status()
    assert stages(underway, clock)["big.csv"] == "receiving"
    assert [one.percent for one in underway.look().coming if one.path == "big.csv"] == [40]
    technician.patch(f"/api/v1/uploads/{begun['upload_id']}", content=b"456789", headers={"upload-offset": "4"})
    assert stages(underway, clock)["big.csv"] == "waiting"
    assert not underway.look().is_watched
    with home.registry.write() as connection:
        home.leases.claim(connection, "service")
    (lab.folder / "inbox" / "new.csv").write_text("new")
    found = stages(underway, clock)
    assert (found["new.csv"], found["big.csv"]) == ("settling", "waiting")
    assert stages(underway, clock)["new.csv"] == "waiting"


def test_reading_tells_about_how_far(lab: Site, home: Home) -> None:
    """A source that is read shows about how much of the usual time has gone; where its reader died, that it did."""
    clock = Clock()
    known = home.registry.rows(sa.select(SOURCE_FILE).where(SOURCE_FILE.c.state == "committed"))[0]
    captured = Capture("a" * 64, known["size"] * 1_000, "b" * 64)
    begin_source(home, captured, f"{lab.folder}/inbox/long{Path(known['path']).suffix}", Owner())
    underway = Underway(home, lab.app.state.uploads, clock)
    [one] = [one for one in underway.look().coming if one.path.endswith(Path(known["path"]).suffix)]
    assert one.stage == "reading"
    assert one.percent is not None
    assert 0 <= one.percent <= 99
    with home.registry.write() as connection:
        connection.execute(sa.delete(WORKER))
        connection.execute(sa.update(LEASE).values(owner="gone"))
    assert [
        two.stage for two in Underway(home, lab.app.state.uploads, clock).look().coming if two.size == one.size
    ] == ["stopped"]


def test_checking_follows_reading(lab: Site, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A large file that was read shows as being checked until it has its receipt."""
    seen: list[str] = []
    prepare = taking.prepare_test

    def look_and_prepare(*of: Any) -> Any:
        seen.extend(one.stage for one in Underway(home, lab.app.state.uploads).look().coming if "again" in one.path)
        return prepare(*of)

    monkeypatch.setattr(taking, "WATCHED_BYTES", 0)
    monkeypatch.setattr(taking, "prepare_test", look_and_prepare)
    [known] = home.registry.rows(sa.select(SOURCE_FILE).where(SOURCE_FILE.c.path.endswith(STRAY)))
    again = lab.folder / "inbox" / "again.csv"
    again.write_bytes(Path(known["path"]).read_bytes().replace(b"4.1", b"4.0"))
    [receipt] = ingest_file(home, again)
    assert receipt["state"] == "committed"
    assert seen == ["checking"]


def test_events_tell_of_changes(lab: Site, home: Home) -> None:
    """The stream tells at once how things stand, stays silent while they stand, and tells when a drop comes."""

    async def listen() -> tuple[str, str]:
        underway = Underway(home, lab.app.state.uploads)
        async with aclosing(tell_changes(underway, 20.0, 0.05)) as stream:
            first = await anext(stream)
            (lab.folder / "inbox" / "late.csv").write_text("late")
            return first, await anext(stream)

    first, second = asyncio.run(listen())
    assert first.startswith("event: change\ndata: ")
    assert second.startswith("event: change\ndata: ")
    assert first != second


def test_events_over_http(looker: Client) -> None:
    """Events come as text/event-stream that nobody keeps, and the stream ends by itself."""
    answer = looker.get("/receipts/events?seconds=0.5")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.text.startswith("event: change")
    assert "default-src 'self'" in answer.headers["content-security-policy"]


def test_drop_shows_without_a_click(lab: Site, technician: Client, home: Home) -> None:
    """A file that is copied into the inbox stands among the receipts within ten seconds of coming to rest."""
    with watch(lab.folder):
        (lab.folder / "inbox" / "quick.mpt").write_bytes(BROKEN + b"5\t5\r\n")
        began = time.monotonic()
        assert wait_for(lambda: "quick.mpt" in technician.get("/receipts/part?state=quarantined").text)
        assert time.monotonic() - began < 10.0
    counts = count_states(home)
    assert counts["seen"] == sum(counts.values()) - counts["seen"]


@pytest.mark.parametrize(
    ("where", "korean"),
    [("line 12, column Volts", "12행, 열 Volts"), ("byte 4096", "4,096바이트"), ("", ""), ("page 3", "page 3")],
)
def test_places_are_said_in_korean(where: str, korean: str) -> None:
    """Byte, line and column of an offence are said in the page's language."""
    assert tell_place(where, "ko") == korean


def test_drops_are_named_below_the_inbox(lab: Site) -> None:
    """Of a drop in an inbox only the folder below it is shown, of a member of an archive its place in that."""
    with closing(Home(lab.folder)) as home:
        inside = name_drop(home, f"{lab.folder}/inbox/FIRM-A/C1/run.zip!a/b.csv")
        assert (inside.folder, inside.name) == ("FIRM-A/C1/", "run.zip!a/b.csv")
        assert name_drop(home, "/mnt/usb/run.csv") == ("/mnt/usb/", "run.csv")


def test_texts_of_drops_are_escaped(lab: Site, technician: Client) -> None:
    """A file's name is text on every page, whatever it looks like."""
    with closing(Home(lab.folder)) as home:
        name = lab.folder / "inbox" / "<img src=x onerror=alert(1)>.mpt"
        name.write_bytes(BROKEN + b"4\t4\r\n")
        list(ingest_file(home, name))
    for page in ("/receipts", "/quarantine"):
        text = technician.get(page).text
        assert "<img" not in text
        assert "&lt;img" in text
