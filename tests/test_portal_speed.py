from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote, unquote

import numpy as np
import polars as pl
import pytest
from portal_site import FIRM_A, FIRM_B, Site, open_site

from flows.nightly import run_night
from portal.answers import PIECE_BYTES, encode
from portal.charts.compare import COMPARED
from portal.decimation import decimate_all
from portal.pages.amounts import write_amount
from portal.templating import environment
from portal.translation import LANGUAGES, catalogue
from portal.warm import warm_up
from warehouse import wholes
from warehouse.access.audit import list_audit
from warehouse.access.tokens import create_token, revoke_token
from warehouse.commits import Commits
from warehouse.home import Home
from warehouse.identity import put_cells

ROUNDS = 2


@pytest.fixture
def site(portal_home: Path, tmp_path: Path) -> Iterator[Site]:
    """A portal on a home that a test may change."""
    shutil.copytree(portal_home, tmp_path / "home")
    site = open_site(tmp_path / "home")
    yield site
    site.close()


@pytest.fixture
def found(site: Site, monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether the answer to each request was ready, in their order."""
    told: list[bool] = []
    ready = site.app.state.ready
    find = ready.find

    def spy(scope: object) -> object:
        response = find(scope)
        told.append(response is not None)
        return response

    monkeypatch.setattr(ready, "find", spy)
    return told


def first_cell(site: Site, firm: str = FIRM_A) -> str:
    return str(site.app.state.asking.ask("cells", firm)["cell_id"][0])


def fade_of(cell: str, more: str = "") -> str:
    return f"/api/v1/cells/{quote(cell, safe='')}/fade?format=arrow{more}"


def change_elsewhere(site: Site, cell: str) -> None:
    """Change a cell as another process does."""
    with closing(Home(site.folder)) as home:
        put_cells(home, [{"firm": FIRM_A, "cell_id": cell, "nominal_capacity_ah": 1.0}])


def test_commits_are_told(home: Home, tmp_path: Path) -> None:
    """The sign stands while nothing is committed and is another one after a commit; PostgreSQL has none."""
    with closing(Commits(home.registry)) as commits:
        before = commits.sign()
        if home.registry.engine.dialect.name != "sqlite":
            assert before is None
            return
        assert commits.sign() == before
        put_cells(home, [{"firm": "F", "cell_id": "one"}])
        own = commits.sign()
        with closing(Home(tmp_path / "home", home.registry_url)) as other:
            put_cells(other, [{"firm": "F", "cell_id": "two"}])
        assert len({before, own, commits.sign()}) == ROUNDS + 1


@pytest.mark.parametrize("path", ["/api/v1/queries/fade", "/api/v1/queries/cells?limit=1", "/charts/compare?lang=en"])
def test_ready_answer_is_the_answer(site: Site, found: list[bool], path: str) -> None:
    """An answer that is ready has the status, bytes and headers that the application gave it."""
    client = site.client("a")
    first, second = client.get(path), client.get(path)
    assert found == [False, True]
    assert (second.status_code, second.content) == (first.status_code, first.content)
    assert sorted(second.headers.items()) == sorted(first.headers.items())


def test_ready_answer_knows_who_has_it(site: Site, found: list[bool]) -> None:
    """Who has the answer that is ready is told so, without its bytes."""
    client = site.client("a")
    tag = client.get(fade_of(first_cell(site))).headers["etag"]
    again = client.get(fade_of(first_cell(site)), headers={"if-none-match": tag})
    assert found == [False, True]
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)


def test_ready_answer_is_of_its_firm(site: Site, found: list[bool]) -> None:
    """What is ready for one firm is not there for another one at the same address."""
    mine = first_cell(site)
    for _ in range(ROUNDS):
        assert site.client("a").get(fade_of(mine)).status_code == 200
    assert site.client("b").get(fade_of(mine)).status_code == 404
    whole = "/api/v1/queries/fade?format=arrow"
    bodies = [[site.client(who).get(whole) for _ in range(ROUNDS)] for who in "ab"]
    assert found == [False, True, False, False, True, False, True]
    for firm, answers in zip((FIRM_A, FIRM_B), bodies, strict=True):
        assert {cell for each in answers for cell in pl.read_ipc_stream(each.content)["firm"]} == {firm}
    assert bodies[0][0].headers["etag"] != bodies[1][0].headers["etag"]


def test_ready_answer_is_not_for_strangers(site: Site, found: list[bool]) -> None:
    """Without a token that is valid, nothing is ready; nor for those who name a firm in the address."""
    path = fade_of(first_cell(site))
    for _ in range(ROUNDS):
        site.client("a").get(path)
    assert site.client().get(path).status_code == 401
    assert site.client().get(path, headers={"authorization": "Bearer cel_wrong"}).status_code == 401
    for _ in range(ROUNDS):
        assert site.client("technician").get(f"{path}&firm={FIRM_B}").status_code == 404
        assert site.client("technician").get(f"{path}&firm={FIRM_A}").status_code == 200
    assert found[:ROUNDS] == [False, True]
    assert not any(found[ROUNDS:])


def test_ready_answer_ends_with_the_token(site: Site) -> None:
    """A token that was revoked opens no answer that is ready, once what is known of it is forgotten."""
    with closing(Home(site.folder)) as home:
        token, row = create_token(home, "firm", FIRM_A)
        headers = {"authorization": f"Bearer {token}"}
        path = fade_of(first_cell(site))
        assert [site.client().get(path, headers=headers).status_code for _ in range(ROUNDS)] == [200, 200]
        revoke_token(home, row["token_id"])
    site.app.state.door.forget()
    assert site.client().get(path, headers=headers).status_code == 401


def test_ready_answer_changes_with_a_commit(site: Site, found: list[bool]) -> None:
    """After a change that another process made the answer is made anew, with another tag; then it is ready again."""
    client, cell = site.client("a"), first_cell(site)
    before = [client.get(fade_of(cell)) for _ in range(ROUNDS)]
    change_elsewhere(site, cell)
    after = [client.get(fade_of(cell)) for _ in range(ROUNDS)]
    assert found == [False, True, False, True]
    assert {each.headers["etag"] for each in before}.isdisjoint(each.headers["etag"] for each in after)
    old, new = (pl.read_ipc_stream(each[1].content)["equivalent_full_cycles"] for each in (before, after))
    assert not old.equals(new)


def test_ready_answer_stands_while_others_commit(site: Site, found: list[bool]) -> None:
    """A commit that has nothing to do with the firm costs one look into the registry, and no answer its tag."""
    client, cell = site.client("a"), first_cell(site)
    tags = {client.get(fade_of(cell)).headers["etag"] for _ in range(ROUNDS)}
    with closing(Home(site.folder)) as home:
        create_token(home, "operator")
    tags |= {client.get(fade_of(cell)).headers["etag"] for _ in range(ROUNDS)}
    assert found == [False, True, False, True]
    assert len(tags) == 1


def test_ready_answers_are_in_the_log(site: Site, found: list[bool]) -> None:
    """Who was given an answer that was ready is in the audit log with the same words as who had it made."""
    path = fade_of(first_cell(site))
    site.client("a").get(path)
    with closing(Home(site.folder)) as home:
        token, row = create_token(home, "firm", FIRM_A)
        site.client().get(path, headers={"authorization": f"Bearer {token}"})
        site.client().get(path, headers={"authorization": f"Bearer {token}"})
        site.app.state.trail.flush()
        rows = [
            each
            for each in list_audit(home, FIRM_A, limit=10_000)
            if each["subject"] == unquote(path.partition("?")[0])
        ]
    assert found[-1]
    assert row["token_id"] in {each["name"] for each in rows}
    assert len({each["name"] for each in rows}) > 1
    assert len({(each["action"], each["firm"]) for each in rows}) == 1


def test_ready_charts_speak_the_language(site: Site) -> None:
    """A chart is ready in the language that the browser asks for, and in no other."""
    client = site.client("a")
    told = {
        language: {client.get("/charts/compare", headers={"accept-language": language}).content for _ in range(ROUNDS)}
        for language in ("ko", "en")
    }
    assert all(len(bodies) == 1 for bodies in told.values())
    assert told["ko"].isdisjoint(told["en"])


@pytest.mark.parametrize("page", ["/overview", "/compare", "/cells/{cell}"])
def test_parts_of_pages_are_of_their_firm(site: Site, page: str) -> None:
    """What is kept of a page is the firm's own and names who asks; links of technicians keep the firm."""
    cells = {who: first_cell(site, firm) for who, firm in (("a", FIRM_A), ("b", FIRM_B))}
    seen = {}
    for _ in range(ROUNDS):
        for who, cell in cells.items():
            seen[who] = site.client(who).get(page.format(cell=quote(cell, safe=""))).text
        address = page.format(cell=quote(cells["a"], safe=""))
        seen["technician"] = site.client("technician").get(f"{address}?firm={FIRM_A}").text
    everyone = {
        who: set(site.app.state.asking.ask("cells", firm)["cell_id"]) for who, firm in (("a", FIRM_A), ("b", FIRM_B))
    }
    assert not any(cell in seen["b"] for cell in everyone["a"] - everyone["b"])
    assert any(cell in seen["b"] for cell in everyone["b"])
    names = {who: site.tokens[who][4:12] for who in ("a", "b", "technician")}
    for who, text in seen.items():
        assert {other for other, name in names.items() if f"· {name}" in text} == {who}
    assert f"firm={FIRM_A}" in seen["technician"]
    assert "firm=" not in seen["a"]


def test_parts_of_pages_change_with_a_commit(site: Site) -> None:
    """A cell that another process adds is on the page that was kept a moment ago, and found by its search."""
    client = site.client("a")
    for address in ("/overview", "/overview?find=quite", "/compare"):
        assert "quite new" not in client.get(address).text
    change_elsewhere(site, "quite new")
    for address in ("/overview", "/overview?find=quite", "/compare"):
        assert "quite new" in client.get(address).text


def test_parts_of_pages_are_of_their_address(site: Site) -> None:
    """A search shows what it finds, whatever was searched before."""
    client, asking = site.client("a"), site.app.state.asking
    cells = asking.ask("cells", FIRM_A)["cell_id"].to_list()
    for cell in cells:
        text = client.get("/overview", params={"find": cell}).text
        assert [each for each in cells if f'name="cell" value="{each}"' in text] == [cell]


def test_areal_capacity_is_the_questions(site: Site) -> None:
    """The areal capacity on a cell's page is the first that the question ``normalised`` tells of the cell."""
    asking, client = site.app.state.asking, site.client("a")
    rows = asking.ask("normalised", FIRM_A).group_by("cell_id", maintain_order=True).first()
    known = rows.filter(pl.col("areal_capacity_ah_per_square_metre").is_not_null())
    assert known.height
    for cell, value in known.select("cell_id", "areal_capacity_ah_per_square_metre").rows():
        text = client.get(f"/cells/{quote(cell, safe='')}?lang=en").text
        assert f">{write_amount(value, 'Ah/m²')}</a>" in text


def test_steps_to_choose_are_the_questions(site: Site) -> None:
    """The steps that a cell's page offers are the first of the question ``steps``."""
    asking = site.app.state.asking
    tests = asking.ask("tests", FIRM_A).filter(pl.col("kind") == "cycling", pl.col("cell_id").is_not_null())
    cell, test = tests.select("cell_id", "test_id").row(0)
    text = site.client("a").get(f"/cells/{quote(cell, safe='')}?test={test}").text
    chooser = text[text.index('id="choose-step"') :]
    offered = [
        int(part.partition('"')[0]) for part in chooser[: chooser.index("</select>")].split('<option value="')[2:]
    ]
    assert offered == asking.ask("steps", FIRM_A, test=test)["step_count"].head(len(offered)).to_list()
    assert offered


@pytest.mark.parametrize("columns", [("cycle", "capacity_retention"), COMPARED])
def test_some_columns_are_those_of_the_answer(site: Site, columns: tuple[str, ...]) -> None:
    """Columns that are read by themselves are those of the whole answer, before and after a change."""
    asking, cell = site.app.state.asking, first_cell(site)
    for _ in range(ROUNDS):
        some = asking.ask_columns("fade", FIRM_A, columns)
        assert some.select(columns).equals(asking.ask("fade", FIRM_A).select(columns))
        change_elsewhere(site, cell)


@pytest.mark.parametrize("name", ["fade", "summary"])
def test_answers_in_one_file_are_the_warehouses(site: Site, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """What a night stored of a large firm in one file is what the warehouse answers, of all cells and of each."""
    monkeypatch.setattr(wholes, "FEW_BUCKETS", 0)
    asking = site.app.state.asking
    with closing(Home(site.folder)) as home:
        change_elsewhere(site, first_cell(site))
        run_night(home)
        assert asking._find_whole(name, FIRM_A) is not None
        cells = home.query("cells", firm=FIRM_A)["cell_id"].to_list()
        for cell in (None, *cells):
            assert asking.ask(name, FIRM_A, cell=cell).equals(home.query(name, firm=FIRM_A, cell=cell))
        change_elsewhere(site, "quite new")
        assert asking._find_whole(name, FIRM_A) is None
        assert asking.ask(name, FIRM_A).equals(home.query(name, firm=FIRM_A))


def test_unknown_columns_are_refused(site: Site) -> None:
    """A column that there is not is refused with those that there are, as before."""
    answer = site.client("a").get("/api/v1/queries/fade?columns=cell_id,nothing")
    assert answer.status_code == 422
    assert "capacity_retention" in answer.json()["columns"]


def test_large_answers_are_compressed_and_whole() -> None:
    """A large Arrow stream is smaller than its rows and reads back as they are."""
    rows = PIECE_BYTES // 8
    frame = pl.DataFrame({"cell_id": ["L2603-W03-D-01-05"] * rows, "cycle": np.arange(rows)})
    stream = encode(frame, "arrow", {})
    assert len(stream) < frame.estimated_size() / 2
    assert pl.read_ipc_stream(stream).equals(frame)


def test_large_answers_arrive_whole(site: Site) -> None:
    """An answer that leaves in pieces arrives with all its bytes, in their order, the second time too."""
    body = np.random.default_rng(0).bytes(2 * PIECE_BYTES + 1)
    made = []

    @site.app.get("/large")
    def large() -> object:
        from portal.answers import Given, Page  # noqa: PLC0415 as the routes of the portal have it

        made.append(1)
        return Given('"x"', "application/octet-stream", {}).answer(Page(body, 1))

    site.app.router.routes.insert(0, site.app.router.routes.pop())
    answer = site.client("a").get("/large")
    assert answer.content == body
    assert answer.headers["content-length"] == str(len(body))


def test_many_owners_are_thinned_as_each_alone() -> None:
    """Rows of many cells are thinned at once to what each cell alone is thinned to."""
    chance = np.random.default_rng(0)
    parts = []
    for number, length in enumerate((1, 3, 40, 41, 150, 1000)):
        values = chance.integers(0, 9, length).astype(float)
        holes = [None if chance.random() < 0.2 else float(value) for value in values]
        names = [f"cell {number}"] * length
        parts.append(pl.DataFrame({"cell_id": names, "y": holes, "z": chance.normal(size=length)}))
    for most in (4, 9, 40):
        wanted = pl.concat([decimate_all(part, ["y", "z"], most) for part in parts])
        thin = decimate_all(pl.concat(parts), ["y", "z"], most, "cell_id")
        assert thin.equals(wanted)
        assert (thin.group_by("cell_id").len()["len"] <= most).all()


def test_warming_up_makes_words_and_pages() -> None:
    """After a start the words of both languages and every page's template are there before anybody asks."""
    catalogue.cache_clear()
    environment.cache_clear()
    warm_up()
    assert catalogue.cache_info().currsize == len(LANGUAGES)
    assert len(environment().cache or ()) == len(environment().list_templates(extensions=["html"]))
