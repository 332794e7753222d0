from __future__ import annotations

import csv
import io
import json
import re
import shutil
from collections.abc import Iterator
from contextlib import closing
from http import HTTPStatus
from pathlib import Path
from urllib.parse import quote

import polars as pl
import pytest
from httpx import Client, Response
from portal_site import FIRM_A, FIRM_B, Site, open_site

from portal.charts.efficiency import EFFICIENCY
from portal.pages.firm_charts import CHARTS
from portal.pages.firm_overview import find_near, read_visit, search_cells
from portal.pages.firm_why import choose_notes, list_settings, sections_behind
from portal.pages.sparks import draw_dies
from warehouse.access.tokens import create_token
from warehouse.ask import questions
from warehouse.home import Home, open_home
from warehouse.identity import add_firm
from warehouse.registry import ALERT, STORED_FILE, TEST

PAGES = ("/overview", "/compare", "/compare?by=split", "/wafers", "/applications", "/cohort", "/data", "/reports")
CELL_PAGES = ("/cells/{cell}", "/why?query=summary&column=last_capacity_retention&cell={cell}", "/reports?cell={cell}")
WAFER_PAGES = ("/wafers/one?{wafer}", "/wafers/one?{wafer}&metric=coulombic_efficiency")
LANGUAGES = ("ko", "en")
HANGUL = re.compile(r"[가-힣]")


@pytest.fixture
def a(portal: Site) -> Client:
    return portal.client("a")


@pytest.fixture(scope="session")
def names(portal_home: Path) -> dict[str, dict[str, str]]:
    """A cell, its wafer and its test of either firm."""
    with closing(open_home(portal_home)) as home:
        return {firm: _name(home, firm) for firm in (FIRM_A, FIRM_B)}


def _name(home: Home, firm: str) -> dict[str, str]:
    cell = home.query("cells", firm=firm).row(0, named=True)
    test = home.query("tests", firm=firm, cell=cell["cell_id"])["test_id"][0]
    wafer = f"lot={quote(cell['lot'])}&wafer={quote(cell['wafer'])}"
    return {"cell": quote(cell["cell_id"], safe=""), "wafer": wafer, "test": test, "plain": cell["cell_id"]}


def show(client: Client, address: str, language: str = "en") -> Response:
    return client.get(address + ("&" if "?" in address else "?") + f"lang={language}")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("address", [*PAGES, *CELL_PAGES, *WAFER_PAGES])
def test_every_page_in_both_languages(a: Client, names: dict[str, dict[str, str]], address: str, language: str) -> None:
    """Each page of a firm answers in Korean and in English, and says which it is."""
    answer = show(a, address.format(**names[FIRM_A]), language)
    assert answer.status_code == HTTPStatus.OK
    assert f'<html lang="{language}">' in answer.text
    assert (HANGUL.search(answer.text.partition("<main")[2]) is not None) == (language == "ko" or "/reports" in address)


@pytest.mark.parametrize("address", [*CELL_PAGES, *WAFER_PAGES, "/compare?cell={cell}", "/applications?cell={cell}"])
def test_another_firms_things_are_not_there(portal: Site, names: dict[str, dict[str, str]], address: str) -> None:
    """Another firm's cell and wafer answer 404, as what nobody has."""
    theirs = show(portal.client("a"), address.format(**names[FIRM_B]))
    assert theirs.status_code == HTTPStatus.NOT_FOUND
    nobodys = {"cell": "no-such", "wafer": "lot=L&wafer=none"}
    assert show(portal.client("a"), address.format(**nobodys)).status_code == HTTPStatus.NOT_FOUND
    # What was asked for stands in the link to the other language, and nowhere else.
    assert names[FIRM_B]["plain"] not in theirs.text.partition("<main")[2]


@pytest.mark.parametrize("chart", sorted(CHARTS))
def test_another_firms_charts_are_not_there(portal: Site, names: dict[str, dict[str, str]], chart: str) -> None:
    """No chart draws another firm's cell, test or wafer."""
    them = names[FIRM_B]
    address = f"/charts/{chart}?cell={them['cell']}&test={them['test']}&{them['wafer']}"
    answer = portal.client("a").get(address)
    # Survival is of the whole firm and takes no name.
    assert answer.status_code == (HTTPStatus.OK if chart == "survival" else HTTPStatus.NOT_FOUND)
    assert them["plain"] not in answer.text


@pytest.mark.parametrize("chart", sorted(CHARTS))
def test_every_chart_answers(a: Client, names: dict[str, dict[str, str]], chart: str) -> None:
    """Each chart answers with something to draw or the reason why there is nothing, and with CSV behind it."""
    mine = names[FIRM_A]
    address = f"/charts/{chart}?cell={mine['cell']}&test={mine['test']}&{mine['wafer']}"
    figure = a.get(address).json()
    assert figure["data"] or figure["notes"]
    assert len(figure["table"]["columns"]) == len((figure["table"]["rows"] or [figure["table"]["columns"]])[0])
    assert a.get(f"{address}&as=csv").content.startswith(b"\xef\xbb\xbf")


def test_chart_is_not_sent_twice(a: Client, names: dict[str, dict[str, str]]) -> None:
    """A browser that has a chart's data is told that they are as they were; another language is another answer."""
    address = f"/charts/fade?cell={names[FIRM_A]['cell']}"
    tag = a.get(address).headers["etag"]
    assert a.get(address, headers={"If-None-Match": tag}).status_code == HTTPStatus.NOT_MODIFIED
    assert a.get(f"{address}&lang=en").headers["etag"] != a.get(f"{address}&lang=ko").headers["etag"]


def test_digits_under_the_floor_are_absent(portal: Site, names: dict[str, dict[str, str]]) -> None:
    """No page and no chart of a cell shows an efficiency with more digits than are known."""
    cell = names[FIRM_A]
    with closing(open_home(portal.folder)) as home:
        fade = home.query("fade", firm=FIRM_A, cell=cell["plain"])
    # What is known of these channels is nothing: 0.1 % is shown.
    too_fine = {f"{value * 100:.2f}" for value in fade[EFFICIENCY].drop_nulls() if f"{value * 100:.2f}"[-1] != "0"}
    assert too_fine
    client = portal.client("a")
    text = show(client, f"/cells/{cell['cell']}").text + show(client, "/overview").text
    assert [digits for digits in too_fine if f"{digits} %" in text] == []
    figure = client.get(f"/charts/fade?cell={cell['cell']}").json()
    shown = next(trace for trace in figure["data"] if trace["marker"]["symbol"] == "diamond")["y"]
    assert all(value == round(value, 1) for value in shown)


def test_permalink_restores_the_state(a: Client, names: dict[str, dict[str, str]]) -> None:
    """The address holds what was chosen: the page that it opens has the same choices and asks for the same charts."""
    mine = names[FIRM_A]
    text = show(a, f"/cells/{mine['cell']}?over=days&show=capacity&test={mine['test']}&cycles=1,3&step=2").text
    for chosen in ("days", "capacity", mine["test"], "2"):
        assert f'<option value="{chosen}" selected>' in text
    assert 'value="1,3"' in text
    assert "over=days&amp;show=capacity" in text
    assert "cycles=1%2C3" in text


def test_any_step_of_a_long_test_can_be_named(
    a: Client, names: dict[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a test has more steps than a list holds, the step is typed by its number, and the address keeps it."""
    many = [("", "all"), *((number, f"step {number}") for number in range(1, 401))]
    monkeypatch.setattr("portal.pages.firm_cell.list_steps", lambda *_: many)
    mine = names[FIRM_A]
    text = show(a, f"/cells/{mine['cell']}?test={mine['test']}&step=987").text
    assert re.search(r'<input id="choose-step" name="step" type="number"[^>]* value="987"', text)
    assert '<option value="400">step 400</option>' in text


def test_answers_as_workbooks(a: Client, names: dict[str, dict[str, str]]) -> None:
    """A workbook has names, units and the rows of the answer, and on its second sheet what the columns mean."""
    cell = names[FIRM_A]
    for language, word in (("en", "Capacity of the reference cycle"), ("ko", "기준 사이클의 용량")):
        book = show(a, "/data/wafer.xlsx", language)
        assert book.headers["content-disposition"].endswith("wafer.xlsx")
        columns = pl.read_excel(io.BytesIO(book.content), sheet_id=2, has_header=False, engine="calamine")
        assert any(word in text for text in columns.to_series(1))
    book = a.get(f"/data/fade.xlsx?cell={cell['cell']}")
    rows = pl.read_excel(io.BytesIO(book.content), sheet_name="fade", engine="calamine")
    told = a.get(f"/api/v1/queries/fade?cell={cell['cell']}").json()
    assert rows["cell_id"].to_list()[1:] == [row["cell_id"] for row in told]
    assert rows["capacity_ah"][0] == "Ah"


@pytest.mark.parametrize("address", ["/data/nothing.xlsx", "/data/measurements.xlsx", "/data/fade.xlsx?cell={other}"])
def test_workbook_that_is_not_there(a: Client, names: dict[str, dict[str, str]], address: str) -> None:
    """A question that there is not, or another firm's cell, is no workbook."""
    answer = a.get(address.format(other=names[FIRM_B]["cell"]))
    assert answer.status_code == HTTPStatus.NOT_FOUND


def test_workbook_has_an_end(a: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that no spreadsheet should open is refused with what to take instead."""
    monkeypatch.setattr("portal.pages.firm_workbook.MOST_ROWS", 3)
    answer = a.get("/data/fade.xlsx")
    assert (answer.status_code, "CSV or Parquet" in answer.text) == (HTTPStatus.UNPROCESSABLE_ENTITY, True)


def test_language_link_keeps_every_chosen_cell(a: Client, names: dict[str, dict[str, str]]) -> None:
    """Changing the language of a comparison keeps all of its cells."""
    cells = a.get("/api/v1/cells").json()
    chosen = "&".join(f"cell={quote(cell['cell_id'], safe='')}" for cell in cells[:2])
    link = re.search(r'href="(/compare\?[^"]*lang=ko[^"]*)"', show(a, f"/compare?{chosen}&by=wafer").text)
    assert link is not None
    assert all(quote(cell["cell_id"], safe="") in link[1] for cell in cells[:2])
    assert names[FIRM_B]["plain"] not in link[1]


def test_comparison_of_named_cells_draws_them(a: Client) -> None:
    """A comparison shows the cells that are named, and by filter those that meet it."""
    cells = a.get("/api/v1/cells").json()
    two = "&".join(f"cell={quote(cell['cell_id'], safe='')}" for cell in cells[:2])
    figure = a.get(f"/charts/compare?{two}").json()
    assert [trace["name"] for trace in figure["data"]] == [cell["cell_id"] for cell in cells[:2]]
    wafer = cells[0]["wafer"]
    same = {cell["cell_id"] for cell in cells if cell["wafer"] == wafer}
    drawn = {trace["name"] for trace in a.get(f"/charts/compare?wafer={wafer}").json()["data"]}
    assert drawn == same


@pytest.mark.parametrize("part", ["", "&part=1"])
def test_why_this_number_names_what_it_is_made_of(portal: Site, names: dict[str, dict[str, str]], part: str) -> None:
    """Behind a number stand its formula, the recipe and its settings, the file with its rows, hash and reader."""
    cell = names[FIRM_A]
    address = f"/why?query=summary&column=end_of_life_cycle&cell={cell['cell']}{part}"
    text = show(portal.client("a"), address).text
    with closing(open_home(portal.folder)) as home:
        test = home.query("tests", firm=FIRM_A, cell=cell["plain"]).row(0, named=True)
        recipe = home.recipe_of(FIRM_A)
    assert "end_of_life_cycle = n(k-1)" in text
    assert recipe.label in text
    assert "<code>life.end_of_life</code>" in text
    assert test["source_sha256"] in text
    assert f"{test['rows']:,}" in text
    assert f"{test['format']} {test['reader_version']}" in text
    assert ("<html" in text) == (part == "")


def test_every_link_to_a_reason_leads_somewhere(a: Client, names: dict[str, dict[str, str]]) -> None:
    """Each number of a page that can be asked about has an answer."""
    pages = ["/overview", "/compare?by=split", "/wafers", "/applications", "/cohort", f"/cells/{names[FIRM_A]['cell']}"]
    pages.append(f"/wafers/one?{names[FIRM_A]['wafer']}")
    asked = {re.sub(r"&amp;(cell|test)=[^&\"]*", "", link) for page in pages for link in _links_to_why(a, page)}
    assert len(asked) > 15
    assert {link: a.get(link.replace("&amp;", "&")).status_code for link in asked} == dict.fromkeys(asked, 200)


def _links_to_why(client: Client, page: str) -> list[str]:
    return re.findall(r'href="(/why[^"]*)"', show(client, page).text)


@pytest.mark.parametrize(
    "address", ["/why?query=nothing&column=x", "/why?query=summary&column=nothing", "/data?query=nothing", "/charts/no"]
)
def test_unknown_names_are_404(a: Client, address: str) -> None:
    """What there is not answers 404."""
    assert a.get(address).status_code == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize(
    "address",
    [
        "/charts/fade?cell=x&over=nothing",
        "/charts/fade",
        "/charts/curves?test=x&cycles=1;DROP",
        "/charts/trace?test=x&from=nan",
        "/compare?by=nothing",
        "/overview?page=0",
    ],
)
def test_unknown_choices_are_refused(a: Client, address: str) -> None:
    """A choice that there is not answers 422, and nothing of the warehouse is asked."""
    assert a.get(address).status_code == HTTPStatus.UNPROCESSABLE_ENTITY


def test_overview_leads_to_a_fade_and_a_wafer(a: Client) -> None:
    """From the first page one click leads to a cell's fade and another to a wafer's map."""
    text = show(a, "/overview").text
    assert re.search(r'href="/cells/[^"]+#fade"', text)
    assert re.search(r'href="/wafers/one\?[^"]+"', text)
    assert "<polyline" in text
    assert text.count('<svg class="wafer"') >= 1


def test_news_are_what_came_since_the_last_visit(a: Client) -> None:
    """The first visit has no news; a later one shows what was taken in since the visit before."""
    assert "first visit with this browser" in show(a, "/overview").text
    a.cookies.clear()
    a.cookies.set("cellar_visit_FIRM-A", "1000.2000")
    assert "tests are new or grew since" in show(a, "/overview").text
    a.cookies.clear()


def test_a_visit_lasts_half_an_hour() -> None:
    """Looking again within half an hour does not make the news old; later looks begin a new visit."""

    class Asked:
        def __init__(self, cookie: str) -> None:
            self.cookies = {"cellar_visit_F": cookie}

    assert read_visit(Asked("1000.99999999999"), "F")[0] == 1000.0  # type: ignore[arg-type] cookies are all it asks
    assert read_visit(Asked("1000.2000"), "F")[0] == 2000.0  # type: ignore[arg-type] likewise
    assert read_visit(Asked("x.y.z"), "F")[0] == 0.0  # type: ignore[arg-type] likewise


def test_cells_are_found_by_several_words() -> None:
    """A search finds the cells in which every word stands, in whatever field and case."""
    rows = [dict.fromkeys(("lot", "process_split", "project", "chemistry")) | {"cell_id": "C1", "wafer": "W3"}]
    assert search_cells(rows, "c1 w3") == rows
    assert search_cells(rows, "c1 w4") == []
    assert search_cells(rows, "") == rows


def test_near_limits_are_the_worst_first() -> None:
    """A cell beyond a limit stands before one that is near it, and one far from it is not shown."""
    rows = [(name, "cell", value, 0.85, None) for name, value in (("far", 0.99), ("near", 0.87), ("out", 0.7))]
    columns = {"cell_id": pl.String, "scope": pl.String, "measured": pl.Float64, "lower": pl.Float64}
    frame = pl.DataFrame(rows, schema=columns | {"upper": pl.Float64}, orient="row")
    assert [row["cell_id"] for row in find_near(frame)] == ["out", "near"]


def test_picture_of_a_wafer_without_places_is_empty() -> None:
    """Dies without a place draw nothing."""
    schema = {"die_x": pl.Int64, "die_y": pl.Int64, "capacity_ah": pl.Float64}
    assert (
        draw_dies(pl.DataFrame({"die_x": [None], "die_y": [None], "capacity_ah": [1.0]}, schema=schema))["squares"]
        == []
    )


def test_settings_behind_a_number_are_those_it_depends_on() -> None:
    """The settings beside a number are those that its query names and the sections behind what it reads."""
    parameters = {"life_end_of_life": 0.8, "impedance_kk_point": 0.02, "derivation_gap_factor": 5, "recipe": "x"}
    assert list_settings(questions()["summary"], parameters) == [
        ("life.end_of_life", 0.8),
        ("derivation.gap_factor", 5),
    ]
    assert sections_behind("spectrum_fits") == {"impedance"}


def test_formulas_of_other_columns_are_left_out() -> None:
    """The formula of a column stands before what is said of all, and those of other columns are left out."""
    notes = [text for _, text in choose_notes(questions()["fade"], "capacity_retention")]
    assert notes[0].startswith("capacity_retention =")
    assert not any(text.startswith("equivalent_full_cycles") for text in notes)


def test_technicians_see_a_firms_pages_and_stay_with_it(portal: Site, names: dict[str, dict[str, str]]) -> None:
    """Who sees all firms sees the pages of the one that is named, and every link keeps it."""
    text = show(portal.client("technician"), f"/overview?firm={FIRM_B}").text
    links = re.findall(r'href="(/(?:cells|wafers|why|compare|reports)[^"#]*)', text.partition("<main")[2])
    assert len(links) > 10
    assert [link for link in links if f"firm={FIRM_B}" not in link] == []
    assert names[FIRM_A]["plain"] not in text


def test_snippets_answer(portal: Site, names: dict[str, dict[str, str]]) -> None:
    """The call beside a view answers, with the rows of that view."""
    client = portal.client("a")
    text = show(client, f"/cells/{names[FIRM_A]['cell']}").text
    address = re.search(r'href="(/api/v1/queries/fade[^"]*format=csv)"', text)
    assert address is not None
    answer = client.get(address[1].replace("&amp;", "&"))
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert {row["cell_id"] for row in rows} == {names[FIRM_A]["plain"]}
    assert "cellar.query(" in text


def test_console_is_filled_by_its_address(a: Client) -> None:
    """The console opens with the query that its address holds, escaped."""
    text = show(a, "/data?sql=SELECT%20'%3C/textarea%3E'").text
    assert "SELECT &#39;&lt;/textarea&gt;&#39;" in text
    assert all(f"<summary>{name}</summary>" in text for name in questions())


def test_pages_hold_no_inline_script_or_style(a: Client, names: dict[str, dict[str, str]]) -> None:
    """No page needs a looser policy than its own files: no inline style, no script but data."""
    for address in (*PAGES, *CELL_PAGES, *WAFER_PAGES):
        text = show(a, address.format(**names[FIRM_A])).text
        assert re.findall(r"<script(?![^>]*(?:src=|application/json))", text) == []
        assert re.findall(r"\sstyle=|<style|\son\w+=", text) == []
        assert not re.search(r'(?:src|href)="(?:https?:)?//', text)


def test_chart_of_hostile_names_is_json(a: Client) -> None:
    """Words within charts cannot end the block of data that the page carries."""
    text = show(a, "/data?sql=x").text
    block = re.search(r'<script type="application/json" id="console-words">(.*?)</script>', text, re.DOTALL)
    assert block is not None
    assert json.loads(block[1])["caption"] == "Result"


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory, portal_home: Path) -> Iterator[Client]:
    """A client of a firm that has nothing yet."""
    folder = tmp_path_factory.mktemp("bare") / "home"
    shutil.copytree(portal_home, folder)
    with closing(Home(folder)) as home:
        add_firm(home, "EMPTY", "Nothing yet")
        token = create_token(home, "firm", "EMPTY", label="tests")[0]
    site = open_site(folder)
    site.tokens["empty"] = token
    yield site.client("empty")
    site.close()


def test_a_test_without_a_cell_has_a_page(bare: Client) -> None:
    """A test that belongs to no cell yet goes by its own name, with its curves and without what only a cell has."""
    home = bare.app.state.asking.home  # type: ignore[attr-defined] starlette's client knows its application
    test = home.query("tests", firm=FIRM_A)["test_id"][0]
    with home.registry.write() as connection:
        connection.execute(TEST.update().where(TEST.c.test_id == test).values(firm="EMPTY", cell_id=None))
        connection.execute(STORED_FILE.update().where(STORED_FILE.c.test_id == test).values(firm="EMPTY"))
    text = show(bare, f"/cells/{test}").text
    assert "belongs to no cell yet" in text
    assert "/reports?cell=" not in text
    assert bare.get(f"/charts/trace?test={test}").json()["data"]
    assert "not assigned" in show(bare, "/overview").text


def test_alerts_stand_on_the_first_page(bare: Client) -> None:
    """An open alert is told in the reader's language, with the figures behind it; a closed one is not."""
    row = {"alert_id": "1", "firm": "EMPTY", "kind": "test_ended", "subject": "t-1", "cell_id": None, "test_id": "t-1"}
    row |= {"evidence": '{"hours": 12.5}', "sentence_en": "It ended.", "sentence_ko": "끝났습니다.", "times": 1}
    more = dict.fromkeys(("closed_date", "mailed_unix_second", "posted_unix_second", "delivery_error"))
    rows = [row | more | {"state": "open", "first_seen_date": "2026-03-01"}]
    rows.append(
        rows[0] | {"alert_id": "2", "state": "closed", "sentence_en": "It is over.", "sentence_ko": "지났습니다."}
    )
    home = bare.app.state.asking.home  # type: ignore[attr-defined] starlette's client knows its application
    with home.registry.write() as connection:
        home.registry.put(connection, ALERT, rows)
    english, korean = (show(bare, "/overview", language).text for language in ("en", "ko"))
    assert "It ended." in english
    assert "12.50" in english
    assert "끝났습니다." in korean
    assert "It is over." not in english


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("address", PAGES)
def test_a_firm_without_anything_is_told_so(bare: Client, address: str, language: str) -> None:
    """Each page of a firm that has no cell yet answers, and says what is missing and where it comes from."""
    answer = show(bare, address, language)
    assert answer.status_code == HTTPStatus.OK
    if address == "/overview":
        assert ("아직 셀이 없습니다" if language == "ko" else "There are no cells yet") in answer.text
