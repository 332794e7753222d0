from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browsing import Watch, break_rules, keep_picture, log_in, open_browser, serve
from portal_lab import BROKEN, STRAY, build_lab, watch
from portal_site import open_site

from warehouse.home import Home
from warehouse.operations import list_nights
from warehouse.sources import list_quarantine

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PAGES = {
    "receipts": "/receipts",
    "upload": "/upload",
    "quarantine": "/quarantine",
    "source": "/quarantine/{source}",
    "unassigned": "/unassigned",
    "channels": "/channels",
    "operations": "/operations",
    "nights": "/operations/nights",
    "night": "/operations/nights/{night}",
    "integrity": "/operations/integrity",
    "readers": "/operations/readers",
    "access": "/operations/access",
    "platform": "/operations/platform",
}
MEBIBYTE = 1024 * 1024


@dataclass
class Visit:
    """A browser that is logged in as an operator, who may do what technicians do."""

    page: Page
    address: str
    names: dict[str, str]
    watch: Watch
    home: Path

    def open(self, path: str, language: str = "en") -> None:
        """Open a page, as if nothing was seen before."""
        self.watch.outside.clear()
        self.watch.errors.clear()
        self.page.goto(f"{self.address}{path.format(**self.names)}?lang={language}")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def visit(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visit]:
    folder = build_lab(tmp_path_factory.mktemp("lab") / "home")
    site = open_site(folder)
    home: Home = site.app.state.asking.home
    names = {"source": list_quarantine(home)[0]["sha256"], "night": list_nights(home, 1)[0]["night_id"]}
    with watch(folder), serve(site.app) as address:
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        watched = Watch(address)
        page = context.new_page()
        watched.attach(page)
        log_in(page, address, site.tokens["operator"])
        yield Visit(page, address, names, watched, folder)
        context.close()


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("name", PAGES)
def test_page_in_a_real_browser(visit: Visit, name: str, language: str) -> None:
    """A page asks nobody else, logs no error and breaks no rule of WCAG 2.2 AA."""
    visit.open(PAGES[name], language)
    for summary in visit.page.locator("main summary").all():
        summary.click()
    keep_picture(visit.page, f"{name}-{language}")
    assert visit.watch.outside == []
    assert break_rules(visit.page) == []
    assert visit.watch.errors == []


@pytest.mark.parametrize("name", PAGES)
def test_page_fits_a_narrow_window(visit: Visit, name: str) -> None:
    """On a narrow window nothing but tables, inside their own frame, runs out of the page."""
    visit.page.set_viewport_size({"width": 480, "height": 800})
    visit.open(PAGES[name], "ko")
    wide = visit.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    visit.page.set_viewport_size({"width": 1280, "height": 900})
    assert wide == 0


def test_journey_from_drop_to_retry(visit: Visit, tmp_path: Path) -> None:
    """A file is dropped, its receipt comes by itself, leads to what is wrong with it, and it is tried again."""
    file = tmp_path / "journey.mpt"
    file.write_bytes(BROKEN + b"9\t9\r\n")
    page = visit.page
    visit.open("/upload")
    page.set_input_files("#files", file)
    page.wait_for_selector("#uploads .told.good")
    page.click("main a[href='/receipts']")
    page.get_by_role("link", name=re.compile("journey.mpt")).first.click()
    page.wait_for_selector(".reason")
    assert page.locator(".state.quarantined").first.is_visible()
    page.get_by_role("button", name="Retry").click()
    page.wait_for_selector(".said.bad")
    assert "still in quarantine" in page.inner_text(".said")
    assert visit.watch.errors == []


def test_receipts_follow_by_themselves(visit: Visit, tmp_path: Path) -> None:
    """A file that another window uploads shows on the open page of receipts without a click."""
    file = tmp_path / "follows.mpt"
    file.write_bytes(BROKEN + b"8\t8\r\n")
    visit.open("/receipts")
    page = visit.page
    other = page.context.new_page()
    other.goto(f"{visit.address}/upload")
    other.set_input_files("#files", file)
    page.wait_for_selector("text=follows.mpt", timeout=20_000)
    other.close()
    assert visit.watch.errors == []


def test_a_large_file_comes_in_pieces_and_goes_on_after_a_break(visit: Visit, tmp_path: Path) -> None:
    """An upload whose line breaks goes on at the piece that is missing, without anybody doing anything."""
    file = tmp_path / "large.bin"
    file.write_bytes(bytes(range(256)) * (9 * MEBIBYTE // 256) + b"end")
    page = visit.page
    visit.open("/upload")
    sent: list[str] = []

    def break_second(route: object) -> None:
        request = route.request  # type: ignore[attr-defined]  # Playwright's own type is not to be imported here
        if request.method == "PATCH":
            sent.append(request.headers["upload-offset"])
            if len(sent) == 2:
                route.abort()  # type: ignore[attr-defined]  # likewise
                return
        route.continue_()  # type: ignore[attr-defined]  # likewise

    page.route("**/api/v1/uploads/**", break_second)
    page.set_input_files("#files", file)
    page.wait_for_selector("#uploads .told.good", timeout=30_000)
    page.unroute("**/api/v1/uploads/**")
    assert sent == ["0", str(4 * MEBIBYTE), str(4 * MEBIBYTE), str(8 * MEBIBYTE)]


def test_a_file_dropped_on_the_page_is_uploaded(visit: Visit) -> None:
    """Files that are dragged onto the box are uploaded."""
    visit.open("/upload")
    visit.page.evaluate(
        """() => {
          const data = new DataTransfer();
          data.items.add(new File(["dragged"], "dragged.txt"));
          document.getElementById("zone").dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true }));
        }"""
    )
    visit.page.wait_for_selector("#uploads .told.good")
    assert "dragged.txt" in visit.page.inner_text("#uploads")


def test_a_folder_is_uploaded_whole(visit: Visit, tmp_path: Path) -> None:
    """A folder that is chosen arrives as one zip file that holds every file of it, bytes and Korean names included."""
    contents = {
        "채널 7/first.txt": b"one" * 1000,
        "채널 7/sub/빈 파일.txt": b"",
        "채널 7/sub/large.bin": bytes(range(256)) * 40_000,
    }
    for name, content in contents.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    visit.open("/upload")
    visit.page.set_input_files("#folder", tmp_path / "채널 7")
    visit.page.wait_for_selector("#uploads .told.good", timeout=30_000)
    arrived = re.search(r"inbox/\S.*?\.zip", visit.page.inner_text("#uploads"))
    assert arrived is not None
    with zipfile.ZipFile(visit.home / arrived[0]) as packed:
        assert packed.testzip() is None
        assert {name: packed.read(name) for name in packed.namelist()} == contents
    assert visit.watch.errors == []


def test_journey_of_an_unassigned_test(visit: Visit) -> None:
    """A test that is nobody's is given to the cell that is suggested first, with the keyboard alone."""
    page = visit.page
    visit.open("/unassigned")
    assert STRAY in page.inner_text("main")
    page.locator(".suggestions button").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".said.good")
    assert "Every test has its cell" in page.inner_text("main")
    assert visit.watch.errors == []
