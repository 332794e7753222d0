from __future__ import annotations

import io
import json
import threading
import time
from http import HTTPStatus

import anyio
import polars as pl
import pytest
from httpx import Client
from portal_site import FIRM_A, FIRM_B, Site
from sql_tortures import TORTURES

API = "/api/v1/sql"
LONG = TORTURES["cross join of sums"]


@pytest.fixture
def a(portal: Site) -> Client:
    return portal.client("a")


@pytest.mark.parametrize("shape", ["json", "csv", "parquet", "arrow"])
def test_every_format_is_answered(a: Client, shape: str) -> None:
    """SQL is answered in the format that is asked for, with the same rows in each."""
    answer = a.post(API, params={"format": shape}, json={"sql": "SELECT cell_id, cycle FROM fade ORDER BY ALL LIMIT 3"})
    assert answer.status_code == HTTPStatus.OK, answer.text
    read = {"json": pl.read_json, "csv": pl.read_csv, "parquet": pl.read_parquet, "arrow": pl.read_ipc_stream}[shape]
    frame = read(io.BytesIO(answer.content))
    assert frame["cycle"].to_list() == [1, 2, 3]
    assert answer.headers["X-Total-Count"] == "3"
    assert "X-Cut" not in answer.headers


def test_a_firm_sees_its_own(portal: Site) -> None:
    """The firm comes from the token: the same query tells each firm of its own cells."""
    told = {}
    for who in ("a", "b"):
        rows = portal.client(who).post(API, json={"sql": "SELECT DISTINCT firm FROM cells"}).json()
        told[who] = [row["firm"] for row in rows]
    assert told == {"a": [FIRM_A], "b": [FIRM_B]}


def test_another_firm_is_not_found(a: Client) -> None:
    """A firm that names another one is answered as if there were none."""
    assert a.post(API, params={"firm": FIRM_B}, json={"sql": "SELECT 1"}).status_code == HTTPStatus.NOT_FOUND


def test_a_technician_names_the_firm(portal: Site) -> None:
    """Who sees all firms says which one a query is about."""
    technician = portal.client("technician")
    assert technician.post(API, json={"sql": "SELECT 1"}).status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    rows = technician.post(API, params={"firm": FIRM_B}, json={"sql": "SELECT DISTINCT firm FROM cells"}).json()
    assert rows == [{"firm": FIRM_B}]


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("SELECT * FROM read_csv('/etc/passwd')", "refused"),
        ("DROP VIEW fade", "refused"),
        ("SELECT 1; SELECT 2", "refused"),
        ("SELECT nothing FROM fade", "wrong"),
        ("SELEC 1", "wrong"),
        ("SELECT \x00", "wrong"),
    ],
)
def test_a_query_that_is_not_run_is_a_problem(a: Client, sql: str, code: str) -> None:
    """What is refused or wrong is told as a problem document with its code."""
    headers = {"content-type": "application/json"}
    answer = a.post(API, content=json.dumps({"sql": sql}), headers=headers)
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == code


def test_nobody_without_a_token(portal: Site) -> None:
    """Who is not known gets no SQL."""
    assert portal.client().post(API, json={"sql": "SELECT 1"}).status_code == HTTPStatus.UNAUTHORIZED


def test_a_running_query_is_cancelled_by_its_firm(portal: Site, a: Client) -> None:
    """DELETE ends a query of the own firm; to another firm it is not there."""
    answers = []
    thread = threading.Thread(target=lambda: answers.append(a.post(API, json={"sql": LONG, "id": "long-one"})))
    thread.start()
    wait_until_running(portal, "long-one")
    assert portal.client("b").delete(f"{API}/long-one").status_code == HTTPStatus.NOT_FOUND
    assert portal.client("a").delete(f"{API}/long-one").status_code == HTTPStatus.NO_CONTENT
    thread.join(5)
    assert answers[0].status_code == HTTPStatus.CONFLICT
    assert answers[0].json()["code"] == "cancelled"
    assert a.delete(f"{API}/long-one").status_code == HTTPStatus.NOT_FOUND


def test_hanging_up_cancels(portal: Site) -> None:
    """Who hangs up does not leave a query running."""
    body = json.dumps({"sql": LONG, "id": "left-alone"}).encode()
    headers = [(b"authorization", f"Bearer {portal.tokens['a']}".encode()), (b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": API, "raw_path": API.encode(), "query_string": b""}
    scope |= {"headers": headers, "http_version": "1.1", "scheme": "http", "server": ("portal.test", 80)}
    began = time.monotonic()

    async def talk() -> None:
        sent = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> dict[str, object]:
            if sent:
                return sent.pop()
            await anyio.to_thread.run_sync(wait_until_running, portal, "left-alone")
            return {"type": "http.disconnect"}

        async def send(_message: object) -> None:
            pass

        await portal.app(scope | {"state": {}, "client": ("test", 1), "asgi": {"version": "3.0"}}, receive, send)

    anyio.run(talk)
    assert time.monotonic() - began < portal.app.state.sandbox.limits.seconds
    assert not portal.app.state.sandbox.get().is_running(FIRM_A, "left-alone")


def test_queries_are_in_the_audit_log(portal: Site, a: Client) -> None:
    """What was asked in SQL stands in the log that the firm can read."""
    a.post(API, json={"sql": "SELECT 42 AS of_the_audit"})
    portal.app.state.trail.flush()
    events = a.get("/api/v1/audit").json()
    assert any(event["action"] == "sql" and "of_the_audit" in event["subject"] for event in events)


def wait_until_running(portal: Site, query: str) -> None:
    """Wait until a query of the first firm runs."""
    deadline = time.monotonic() + 5
    while not portal.app.state.sandbox.get().is_running(FIRM_A, query) and time.monotonic() < deadline:
        time.sleep(0.02)
