from __future__ import annotations

import io
import json
import threading
from http import HTTPStatus

import polars as pl
import pytest
from httpx import Client
from portal_site import FIRM_B, Site

from portal.answers import encode_csv
from portal.asking import Kept
from portal.decimation import decimate_all
from warehouse.ask import questions
from warehouse.home import open_home

API = "/api/v1"


@pytest.fixture
def a(portal: Site) -> Client:
    return portal.client("a")


@pytest.fixture
def cell(a: Client) -> str:
    return str(a.get(f"{API}/cells").json()[0]["cell_id"])


@pytest.fixture
def test_id(a: Client) -> str:
    return str(a.get(f"{API}/tests").json()[0]["test_id"])


@pytest.mark.parametrize("name", sorted(questions()))
def test_every_question_is_answered(portal: Site, a: Client, name: str) -> None:
    """Each named question answers over HTTP what it answers in Python for the caller's firm."""
    answer = a.get(f"{API}/queries/{name}", params={"format": "arrow"})
    assert answer.status_code == HTTPStatus.OK
    told = pl.read_ipc_stream(io.BytesIO(answer.content))
    home = open_home(portal.folder)
    wanted = home.query(name, firm="FIRM-A")
    home.close()
    assert told.columns == wanted.columns
    assert told.height == wanted.height
    assert answer.headers["x-total-count"] == str(wanted.height)


def test_answers_are_the_same_in_every_shape(a: Client, cell: str) -> None:
    """JSON, CSV, Parquet and Arrow hold the same rows, to the last digit."""
    address = f"{API}/cells/{cell}/fade"
    arrow = pl.read_ipc_stream(io.BytesIO(a.get(address, params={"format": "arrow"}).content))
    parquet = pl.read_parquet(io.BytesIO(a.get(address, params={"format": "parquet"}).content))
    csv = pl.read_csv(io.BytesIO(a.get(address, headers={"accept": "text/csv"}).content), schema=arrow.schema)
    rows = pl.DataFrame(a.get(address).json(), schema=arrow.schema)
    assert arrow.height == 14
    assert parquet.equals(arrow)
    assert csv.equals(arrow)
    assert rows.equals(arrow)


def test_parquet_knows_its_units(a: Client, cell: str) -> None:
    """A Parquet answer tells the units of its columns."""
    content = a.get(f"{API}/cells/{cell}/fade?format=parquet").content
    assert json.loads(pl.read_parquet_metadata(io.BytesIO(content))["cellar.units"])["throughput_ah"] == "Ah"


def test_another_firms_cell_is_none(portal: Site, a: Client) -> None:
    """A cell, test or wafer of another firm and one that is not there get the very same answer."""
    theirs = portal.client("b").get(f"{API}/cells").json()[0]
    tests = portal.client("b").get(f"{API}/tests").json()[0]
    absent = a.get(f"{API}/cells/nothing/fade")
    addresses = [
        f"{API}/cells/{theirs['cell_id']}",
        f"{API}/cells/{theirs['cell_id']}/fade",
        f"{API}/tests/{tests['test_id']}",
        f"{API}/tests/{tests['test_id']}/measurements",
        f"{API}/queries/fade?cell={theirs['cell_id']}",
        f"{API}/queries/fade?test={tests['test_id']}",
        f"{API}/wafers/dies?wafer={theirs['wafer']}&lot={theirs['lot']}",
        f"{API}/cells?firm={FIRM_B}",
        f"{API}/cells?firm=NONE",
        f"{API}/status",
        f"{API}/uploads/0",
    ]
    for address in addresses:
        answer = a.get(address)
        assert (answer.status_code, answer.content) == (absent.status_code, absent.content) == (404, answer.content)


def test_technicians_see_all_and_one(portal: Site) -> None:
    """Those who see all firms get all rows, or one firm's where they name it."""
    technician = portal.client("technician")
    assert {row["firm"] for row in technician.get(f"{API}/cells").json()} == {"FIRM-A", "FIRM-B"}
    assert {row["firm"] for row in technician.get(f"{API}/cells?firm=FIRM-B").json()} == {"FIRM-B"}
    assert technician.get(f"{API}/cells?firm=NONE").status_code == 404


def test_several_cells_are_asked_at_once(a: Client) -> None:
    """Cells that are named several times are answered together; one that is not there makes it 404."""
    names = [row["cell_id"] for row in a.get(f"{API}/cells").json()][:2]
    rows = a.get(f"{API}/queries/fade", params={"cell": names}).json()
    assert {row["cell_id"] for row in rows} == set(names)
    assert a.get(f"{API}/queries/fade", params={"cell": [*names, "x"]}).status_code == 404


def test_pages_follow_their_links(a: Client) -> None:
    """The links of a page lead through all rows, each once."""
    address, rows = f"{API}/queries/cycles?limit=5&columns=cell_id,cycle", []
    while address:
        answer = a.get(address)
        rows += answer.json()
        address = answer.links.get("next", {}).get("url", "")
    assert len(rows) == len({tuple(row.values()) for row in rows}) == int(answer.headers["x-total-count"]) == 42


def test_unchanged_answer_is_not_sent_again(a: Client, cell: str) -> None:
    """An answer that the caller has is told by its ETag; another question, shape or page has another."""
    first = a.get(f"{API}/cells/{cell}/fade")
    again = a.get(f"{API}/cells/{cell}/fade", headers={"if-none-match": f'W/"x", {first.headers["etag"]}'})
    assert again.status_code == 304
    assert again.content == b""
    others = [f"{API}/cells/{cell}/cycles", f"{API}/cells/{cell}/fade?format=csv", f"{API}/cells/{cell}/fade?limit=3"]
    assert len({a.get(other).headers["etag"] for other in others} | {first.headers["etag"]}) == 4


def test_etag_is_no_key_to_another_firm(portal: Site, cell: str) -> None:
    """A firm that knows another's ETag is told 404, and not that it stands."""
    tag = portal.client("a").get(f"{API}/cells/{cell}/fade").headers["etag"]
    answer = portal.client("b").get(f"{API}/cells/{cell}/fade", headers={"if-none-match": tag})
    assert answer.status_code == 404


def test_measurements_are_cut_and_thinned(a: Client, test_id: str) -> None:
    """Samples come with the wanted columns of the wanted stretch, and thinned they keep every extreme."""
    address = f"{API}/tests/{test_id}/measurements?format=arrow"
    whole = pl.read_ipc_stream(io.BytesIO(a.get(address).content))
    assert whole.columns == ["test_time_second", "voltage_volt", "current_ampere"]
    end = whole["test_time_second"][500]
    cut = pl.read_ipc_stream(io.BytesIO(a.get(f"{address}&from=1000&to={end}").content))
    assert cut.equals(whole.filter(pl.col("test_time_second").is_between(1000, end)))
    thin = pl.read_ipc_stream(io.BytesIO(a.get(f"{address}&max_points=50").content))
    assert thin.height <= 50
    for column in ("voltage_volt", "current_ampere"):
        assert thin[column].min() == whole[column].min()
        assert thin[column].max() == whole[column].max()
    assert thin["test_time_second"][-1] == whole["test_time_second"][-1]


def test_thinned_answers_have_all_cells(a: Client) -> None:
    """A comparison that is thinned keeps each cell's first and last cycle."""
    rows = a.get(f"{API}/queries/fade?max_points=6&columns=cell_id,cycle,capacity_retention").json()
    cycles = {row["cell_id"]: [each["cycle"] for each in rows if each["cell_id"] == row["cell_id"]] for row in rows}
    assert len(cycles) == 3
    assert all(found[0] == 1 and found[-1] == 14 and len(found) <= 6 for found in cycles.values())


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/queries/nothing", 404),
        ("/nothing", 404),
        ("/cells?columns=nothing", 422),
        ("/cells?limit=0", 422),
        ("/cells?offset=-1", 422),
        ("/cells?format=exe", 422),
        ("/queries/cells?max_points=10", 422),
        ("/queries/cohort?cell=a&cell=b", 422),
        ("/queries/fade?max_points=1", 422),
        ("/wafers/dies", 422),
    ],
)
def test_problems_are_documents(a: Client, address: str, status: int) -> None:
    """What cannot be answered is told by a problem document of RFC 9457."""
    answer = a.get(API + address)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert {"type", "title", "detail"} <= answer.json().keys()


def test_unknown_shape_is_not_acceptable(a: Client) -> None:
    """A caller that accepts none of the shapes is told which there are."""
    assert a.get(f"{API}/cells", headers={"accept": "image/png"}).status_code == 406


def test_csv_holds_no_formula() -> None:
    """A text that a spreadsheet would run is made harmless, numbers stay numbers, and the mark stands before all."""
    texts = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\x00x", "\rx", "plain", None, "a=b"]
    raw = encode_csv(pl.DataFrame({"text": texts, "number": [-1.5] * len(texts)}))
    assert raw.startswith(b"\xef\xbb\xbf")
    back = pl.read_csv(io.BytesIO(raw), schema={"text": pl.String, "number": pl.Float64}, truncate_ragged_lines=False)
    assert back["text"].to_list() == [f"'{text}" if number < 7 else text for number, text in enumerate(texts)]
    assert back["number"].to_list() == [-1.5] * len(texts)


def test_openapi_describes_what_there_is(portal: Site, a: Client) -> None:
    """The description lists every endpoint, and the page about it needs nothing from elsewhere."""
    described = portal.client().get(f"{API}/openapi.json").json()
    wanted = {
        "/cells",
        "/cells/{cell}/{name}",
        "/tests/{test}/measurements",
        "/queries/{name}",
        "/uploads",
        "/receipts",
    }
    assert {f"{API}{path}" for path in wanted} <= described["paths"].keys()
    page = a.get(f"{API}/docs").text
    assert "measurements" in page
    assert "http://portal.test" in page
    assert "//cdn" not in page


def test_health_is_told_to_anyone(portal: Site) -> None:
    """Whoever watches over the portal needs no token."""
    assert portal.client().get("/healthz").json() == {"status": "ok"}


def test_plotly_is_served_from_here(portal: Site) -> None:
    """The charts' JavaScript comes from this host, and what has its hash in the address is kept for good."""
    answer = portal.client().get("/static/cellar.css?v=1")
    assert "immutable" in answer.headers["cache-control"]
    assert len(portal.client().get("/static/plotly.min.js").content) > 1_000_000


def test_firm_reads_receipts_of_its_own(portal: Site) -> None:
    """A firm sees what became of its own files, technicians of all."""
    mine = portal.client("a").get(f"{API}/receipts").json()
    assert {receipt["firm"] for receipt in mine} == {"FIRM-A"}
    assert len(mine) == 3
    assert len(portal.client("technician").get(f"{API}/receipts").json()) == 6
    status = portal.client("technician").get(f"{API}/status").json()
    assert status["seen"] == sum(count for state, count in status.items() if state != "seen")


def test_thinning_keeps_ends_and_extremes() -> None:
    """Thinned rows hold both ends and each column's extremes, in order, nulls or not."""
    frame = pl.DataFrame({"x": range(10_000), "y": [float((7 * n) % 9973) for n in range(10_000)]})
    frame = frame.with_columns(z=pl.when(pl.col("x") % 3 == 0).then(None).otherwise(-pl.col("y")))
    thin = decimate_all(frame, ["y", "z"], 200)
    assert thin.height <= 200
    assert thin["x"].is_sorted()
    assert thin["x"][0] == 0
    assert thin["x"][-1] == 9_999
    for column in ("y", "z"):
        assert thin[column].max() == frame[column].max()
        assert thin[column].min() == frame[column].min()


def test_what_several_wait_for_is_made_once() -> None:
    """An answer that is asked for by many at once is made once, and forgotten when others need the room."""
    made: list[int] = []
    kept: Kept[bytes] = Kept(len, 100)

    def make() -> bytes:
        made.append(1)
        threading.Event().wait(0.05)
        return b"x" * 60

    threads = [threading.Thread(target=kept.get, args=("a", make)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    kept.get("b", make)
    kept.get("a", make)
    assert len(made) == 3
