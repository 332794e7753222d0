from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

import pytest
from browsing import Watch, break_rules, draw_charts, keep_picture, log_in, open_browser, serve
from portal_site import FIRM_A, FIRM_B, open_site

from warehouse.home import open_home

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PAGES = {
    "overview": "/overview",
    "cell": "/cells/{cell}",
    "compare": "/compare",
    "splits": "/compare?by=split",
    "wafers": "/wafers",
    "wafer": "/wafers/one?lot={lot}&wafer={wafer}",
    "applications": "/applications",
    "cohort": "/cohort",
    "data": "/data",
    "reports": "/reports?cell={cell}",
    "why": "/why?query=fade&column=capacity_retention&cell={cell}",
    "audit": "/audit",
}


@dataclass
class Visit:
    """A browser that is logged in as firm A, and what it may open."""

    page: Page
    address: str
    token: str
    operator: str
    names: dict[str, str]
    watch: Watch

    def open(self, path: str, language: str = "en") -> None:
        """Open a page with all of its charts, as if nothing was seen before."""
        self.watch.outside.clear()
        self.watch.errors.clear()
        target = path.format(**self.names)
        self.page.goto(f"{self.address}{target}{'&' if '?' in target else '?'}lang={language}")
        draw_charts(self.page)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def visit(browser: Browser, portal_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visit]:
    folder = shutil.copytree(portal_home, tmp_path_factory.mktemp("visited") / "home")
    with closing(open_home(folder)) as home:
        first = home.query("cells", firm=FIRM_A).row(0, named=True)
    site = open_site(folder)
    names = {"cell": quote(first["cell_id"], safe=""), "lot": first["lot"], "wafer": first["wafer"]}
    with serve(site.app) as address:
        context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
        watch = Watch(address)
        page = context.new_page()
        watch.attach(page)
        log_in(page, address, site.tokens["a"])
        yield Visit(page, address, site.tokens["a"], site.tokens["operator"], names, watch)
        context.close()


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("name", PAGES)
def test_page_in_a_real_browser(visit: Visit, name: str, language: str) -> None:
    """A page asks nobody else, draws its charts under the strict policy, logs no error and breaks no rule of AA."""
    visit.open(PAGES[name], language)
    if visit.page.locator(".chart:not(.empty)").count():
        visit.page.locator(".chart:not(.empty) .behind summary").first.click()
    keep_picture(visit.page, f"{name}-{language}")
    assert visit.watch.outside == []
    assert break_rules(visit.page) == []
    assert visit.watch.errors == []


def test_log_in_page_breaks_no_rule(browser: Browser, visit: Visit) -> None:
    """The page to log in is as clean as those behind it."""
    page = browser.new_page()
    watch = Watch(visit.address)
    watch.attach(page)
    page.goto(f"{visit.address}/login")
    assert (watch.outside, watch.errors, break_rules(page)) == ([], [], [])
    page.close()


def test_operators_choose_whose_pages_they_see(browser: Browser, visit: Visit) -> None:
    """Who sees all firms chooses one of them on its pages, which break no rule either."""
    page = browser.new_context(locale="en-GB").new_page()
    watch = Watch(visit.address)
    watch.attach(page)
    log_in(page, visit.address, visit.operator)
    page.goto(f"{visit.address}/overview")
    page.select_option("#choose-firm", FIRM_B)
    page.get_by_role("button", name="Show", exact=True).click()
    page.wait_for_url(f"**firm={FIRM_B}**")
    assert (watch.outside, watch.errors, break_rules(page)) == ([], [], [])
    page.context.close()


def test_journey_from_log_in_to_export(browser: Browser, visit: Visit) -> None:
    """A newcomer logs in, opens a cell's fade, compares cells, and exports what is on screen."""
    page = browser.new_context(accept_downloads=True, locale="en-GB").new_page()
    log_in(page, visit.address, visit.token)
    page.locator("tbody a[href*='#fade']").first.click()
    page.wait_for_selector("#fade[data-drawn] .plot svg")
    page.go_back()
    for box in page.locator("input[name=cell]").all()[:2]:
        box.check()
    page.get_by_role("button", name="Compare the chosen cells").click()
    page.wait_for_selector("#compare[data-drawn] .plot svg")
    assert page.url.count("cell=") == 2
    with page.expect_download() as download:
        page.locator("#compare .csv").click()
    text = Path(download.value.path()).read_text("utf-8-sig")
    assert text.startswith("cell_id,cycle,capacity_retention")
    with page.expect_download() as picture:
        page.locator("#compare .picture").click()
    assert "<svg" in Path(picture.value.path()).read_text("utf-8")
    page.context.close()


def test_a_wafer_is_two_clicks_away(browser: Browser, visit: Visit) -> None:
    """From the first page one click shows the map of a wafer."""
    page = browser.new_context(locale="ko-KR").new_page()
    log_in(page, visit.address, visit.token)
    page.locator("a[href^='/wafers/one']").first.click()
    page.wait_for_selector("#map[data-drawn] .plot svg")
    page.context.close()


def test_choices_and_bounds_are_in_the_address(visit: Visit) -> None:
    """What is chosen, and typed bounds beside it, go into the address; opened anew it shows the same."""
    page = visit.page
    visit.open(PAGES["cell"])
    page.select_option("#choose-over", "days")
    page.wait_for_url("**over=days**")
    page.fill("#fade .range [name=from]", "0.5")
    page.fill("#fade .range [name=to]", "1.5")
    page.press("#fade .range [name=to]", "Enter")
    page.wait_for_url("**view-fade=0.5**")
    page.reload()
    draw_charts(page)
    assert page.input_value("#choose-over") == "days"
    assert page.input_value("#fade .range [name=to]") == "1.5"
    assert page.evaluate("document.querySelector('#fade .plot').layout.xaxis.range") == [0.5, 1.5]


def test_raw_records_are_asked_for_by_their_bounds(visit: Visit) -> None:
    """Typed bounds of the raw records fetch the records between them, so that zooming shows every one."""
    page = visit.page
    visit.open(PAGES["cell"])
    with page.expect_response(lambda answer: "/charts/trace" in answer.url and "from=" in answer.url) as answer:
        page.fill("#trace .range [name=from]", "1")
        page.fill("#trace .range [name=to]", "2")
        page.press("#trace .range [name=to]", "Enter")
    times = answer.value.json()["data"][0]["x"]
    unit = answer.value.json()["layout"]["meta"]["seconds"]
    assert "from=3600&to=7200" in answer.value.url
    assert 3_600 <= times[0] * unit <= times[-1] * unit <= 7_200


def test_why_opens_beside_the_number(visit: Visit) -> None:
    """A number opens its reasons in a dialog that the keyboard closes, focus back on the number."""
    page = visit.page
    visit.open(PAGES["cell"])
    number = page.locator("td a.why").first
    number.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog[open] h1")
    assert "platform-" in page.inner_text("dialog")
    assert break_rules(page) == []
    page.keyboard.press("Escape")
    assert not page.locator("dialog").is_visible()
    assert number.evaluate("(link) => link === document.activeElement")
    assert visit.watch.errors == []


def test_table_behind_a_chart_links_to_cells(visit: Visit) -> None:
    """Whoever cannot click on a die follows the same link in the table behind the map."""
    page = visit.page
    visit.open(PAGES["wafer"])
    page.locator("#map .behind summary").click()
    page.locator("#map .table a").first.click()
    page.wait_for_url("**/cells/**")


def test_a_click_on_a_die_opens_its_cell(visit: Visit) -> None:
    """A die of the map is a link to its cell."""
    page = visit.page
    visit.open(PAGES["wafer"])
    page.locator("#map .plot").scroll_into_view_if_needed()
    place = page.evaluate(
        """() => {
          const plot = document.querySelector('#map .plot'), { xaxis, yaxis } = plot._fullLayout;
          const rows = plot.data[0].customdata;
          const row = rows.findIndex((one) => one.some(Boolean)), column = rows[row].findIndex(Boolean);
          const box = plot.getBoundingClientRect();
          return [box.left + xaxis._offset + xaxis.c2p(plot.data[0].x[column]),
                  box.top + yaxis._offset + yaxis.c2p(plot.data[0].y[row])];
        }"""
    )
    page.mouse.move(*place)
    page.mouse.click(*place)
    page.wait_for_url("**/cells/**")


def test_python_beside_a_view_runs_as_it_stands(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Python code of a view, pasted, gives the rows of that view."""
    monkeypatch.setenv("CELLAR_TOKEN", visit.token)
    visit.open(PAGES["cell"])
    visit.page.locator(".code summary").first.click()
    code = visit.page.locator(".code pre").first.inner_text()
    found: dict[str, Any] = {}
    exec(code, found)  # noqa: S102 it is made by our own page
    found["cellar"].close()
    assert found["frame"]["cell_id"].unique().to_list() == [unquote(visit.names["cell"])]


def test_sql_is_run_saved_and_cancelled(visit: Visit) -> None:
    """The console runs a query, keeps it in this browser under a name, and puts it into the address."""
    page = visit.page
    visit.open(PAGES["data"])
    page.fill("#sql", "SELECT cell_id, cycles FROM summary ORDER BY cell_id")
    page.press("#sql", "Control+Enter")
    page.wait_for_selector("#result table")
    assert page.locator("#result tbody tr").count() == 3
    assert "sql=SELECT" in page.url
    page.fill("#keep-name", "mine")
    page.press("#keep-name", "Enter")
    page.reload()
    page.get_by_role("button", name="mine", exact=True).click()
    assert page.input_value("#sql").startswith("SELECT cell_id, cycles")
    page.fill("#sql", "SELECT nothing FROM nowhere")
    page.click("#console button[type=submit]")
    page.wait_for_selector("#said:has-text('did not work')")
