from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest
from made_cells import cycle, measure, write_bdf
from portal_site import ADDRESS, FIRM_A, FIRM_B, Site
from typer.testing import CliRunner

from flows.cli import app
from portal.client import AnswerCut, Cellar, CellarRefused
from portal.refusals import LoginRefused, NothingThere, PortalBusy, QueryFailed, WrongRequest
from portal.serving import tell_address
from warehouse.access.tokens import create_token
from warehouse.ask import questions
from warehouse.errors import UsageError
from warehouse.home import Home
from warehouse.identity import add_firm

START_SECONDS = 90.0
TWO_CYCLES = measure(cycle([1e-3, 0.9e-3]))
FAST_SETTINGS = "scan_seconds = 2\nsettle_seconds = 0.3\n"


def run(folder: Path, *arguments: str) -> Any:
    done = CliRunner().invoke(app, [*arguments, "--home", str(folder), "--json"])
    if isinstance(done.exception, UsageError):
        raise done.exception
    assert done.exit_code == 0, done.output
    return json.loads(done.output)


def test_tokens_by_command(tmp_path: Path) -> None:
    """A token is created, listed without its secret, replaced and revoked by commands."""
    run(tmp_path, "firm", "add", "ACME")
    made = run(tmp_path, "token", "create", "--firm", "ACME", "--label", "notebook", "--days", "7")
    assert made["token"].startswith(f"cel_{made['token_id']}")
    assert (made["role"], made["firm"], made["state"]) == ("firm", "ACME", "valid")
    (listed,) = run(tmp_path, "token", "list")
    assert listed == {name: value for name, value in made.items() if name != "token"}
    new = run(tmp_path, "token", "rotate", made["token_id"])
    assert new["replaces"] == made["token_id"]
    assert run(tmp_path, "token", "revoke", new["token_id"])["state"] == "revoked"
    assert [row["state"] for row in run(tmp_path, "token", "list", "--firm", "ACME")] == ["valid", "revoked"]


@pytest.mark.parametrize("arguments", [["--role", "firm"], ["--role", "operator", "--firm", "ACME"], ["--days", "100"]])
def test_token_that_cannot_be_is_wrong_usage(tmp_path: Path, arguments: list[str]) -> None:
    """A token without its firm, with one that it must not have, or for too long is refused as wrong usage."""
    run(tmp_path, "firm", "add", "ACME")
    with pytest.raises(UsageError):
        run(tmp_path, "token", "create", *arguments)


@pytest.mark.server
def test_portal_by_command(tmp_path: Path) -> None:
    """``cellar portal`` answers, takes tokens that are made while it runs, and ends on SIGTERM with 0."""
    with started(tmp_path, "portal") as (process, address):
        token = give_token(tmp_path)
        with Cellar(address, token) as cellar:
            assert cellar.query("cells").height == 0
        process.send_signal(signal.SIGTERM)
        assert process.wait(START_SECONDS) in {0, -signal.SIGTERM}


@pytest.mark.server
def test_whole_platform_by_one_command(tmp_path: Path) -> None:
    """``cellar up`` takes in what is dropped and shows it, ends by Ctrl-C, and started again knows it all."""
    token = give_token(tmp_path)
    (tmp_path / "settings.toml").write_text(FAST_SETTINGS, encoding="utf-8")
    with started(tmp_path, "up") as (process, address):
        write_bdf(tmp_path / "inbox" / "ACME" / "C1" / "t.csv", TWO_CYCLES)
        with Cellar(address, token) as cellar:
            wait(lambda: cellar.query("tests").height == 1)
        process.send_signal(signal.SIGINT)
        assert process.wait(START_SECONDS) == 0
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{address}/healthz")
    with started(tmp_path, "up") as (process, address):
        with Cellar(address, token) as cellar:
            assert cellar.query("fade").height == 2
        process.kill()
        process.wait()
        wait(lambda: not answers(address))


@pytest.mark.parametrize(
    ("host", "secure", "said"),
    [
        ("127.0.0.1", False, "portal at http://127.0.0.1:8640; open it in a browser and log in with a token"),
        ("0.0.0.0", False, "portal at http://127.0.0.1:8640 and at every address of this machine; open it"),  # noqa: S104 what is told of it
        ("127.0.0.1", True, "portal listens at http://127.0.0.1:8640 for the proxy that speaks https"),
    ],
)
def test_address_that_is_told_can_be_opened(host: str, said: str, *, secure: bool) -> None:
    """The address that the portal tells at its start is one that a browser opens, or is said to be the proxy's."""
    assert tell_address(host, 8640, secure=secure).startswith(said)


def test_client_returns_frames(portal: Site) -> None:
    """The client asks any question as a method, and answers with what the warehouse would answer."""
    with client(portal, "a") as cellar:
        cell = cellar.cells()["cell_id"][0]
        fade = cellar.fade(cell=cell)
        with closing(Home(portal.folder)) as home:
            assert fade.equals(home.query("fade", firm=FIRM_A, cell=cell))
        assert cellar.fade(cell=cellar.cells()["cell_id"].to_list(), columns=["cycle"]).columns == ["cycle"]
        test = cellar.tests()["test_id"][0]
        assert cellar.measurements(test, begin=100.0, max_points=20).height <= 20
        assert "fade" in {question["name"] for question in cellar.questions()}


def test_client_says_what_was_refused(portal: Site) -> None:
    """What the portal refuses is an error with its status and words; a private name is no question."""
    with client(portal, "a") as cellar:
        with pytest.raises(CellarRefused, match="404: There is no such thing") as refused:
            cellar.fade(cell="nothing")
        assert refused.value.status == 404
        with pytest.raises(AttributeError):
            _ = cellar._nothing


def test_client_runs_sql(portal: Site) -> None:
    """SQL by the client answers with a frame of the firm's own data; of one with no answer it says why, typed."""
    with client(portal, "a") as cellar:
        found = cellar.sql("SELECT DISTINCT firm FROM cells")
        assert found["firm"].to_list() == [FIRM_A]
        with pytest.raises(QueryFailed, match="no_such_thing") as failed:
            cellar.sql("SELECT no_such_thing FROM cells")
        assert failed.value.code == "wrong"
        with pytest.raises(QueryFailed) as refused:
            cellar.sql("DROP TABLE cells")
        assert refused.value.code == "refused"
    with client(portal, "technician") as cellar:
        assert cellar.sql("SELECT DISTINCT firm FROM cells", firm=FIRM_B)["firm"].to_list() == [FIRM_B]
        with pytest.raises(WrongRequest, match="Name the firm"):
            cellar.sql("SELECT 1")


def test_client_warns_of_a_cut_answer(portal: Site) -> None:
    """An answer that is longer than the portal gives out is not taken for the whole."""
    with client(portal, "a") as cellar, pytest.warns(AnswerCut, match="cut by rows"):
        assert cellar.sql("SELECT range FROM range(2000000)").height < 2_000_000


def test_client_fetches_reports(portal: Site, tmp_path: Path) -> None:
    """A report comes as bytes or as a file with the portal's name, in each kind, and stands among those issued."""
    with client(portal, "a") as cellar:
        cell = cellar.cells()["cell_id"][0]
        pdf = cellar.report(cell, language="en")
        assert pdf.startswith(b"%PDF-")
        assert pdf == cellar.save_report(cell, tmp_path, language="en").read_bytes()
        assert pdf != cellar.report(cell, language="ko")
        saved = [cellar.save_report(cell, tmp_path / "all", kind=kind) for kind in ("xlsx", "bundle")]
        assert [path.suffix for path in saved] == [".xlsx", ".zip"]
        assert cell in cellar.reports()["subject"].to_list()
        with pytest.raises(NothingThere, match="There is no such thing"):
            cellar.report("nothing")


@pytest.mark.parametrize("name", ["../../x.pdf", "..%2F..%2Fx.pdf", "/etc/x.pdf"])
def test_client_keeps_reports_in_the_folder(tmp_path: Path, name: str) -> None:
    """A name of a file that leads elsewhere does not lead out of the folder that it is saved in."""
    headers = {"content-disposition": f"attachment; filename*=UTF-8''{name}"}
    answer = httpx.MockTransport(lambda _request: httpx.Response(200, headers=headers, content=b"x"))
    with Cellar(ADDRESS, "cel_x", transport=answer) as cellar:
        assert cellar.save_report("C", tmp_path).parent == tmp_path


def test_client_compares_cells(portal: Site) -> None:
    """A comparison has a row each ageing cycle and a column each cell, in the order asked for."""
    with client(portal, "a") as cellar:
        cells = cellar.cells()["cell_id"].to_list()[::-1]
        wide = cellar.compare(cells)
        assert wide.columns == ["cycle", *cells]
        fade = cellar.fade(cell=cells[0])
        ageing = fade.filter(fade["class"] == "ageing")
        assert wide.drop_nulls(cells[0])[cells[0]].to_list() == ageing["capacity_retention"].to_list()
        assert cellar.compare(cells[:1], "class").columns == ["cycle", cells[0]]


def test_client_saves_answers(portal: Site, tmp_path: Path) -> None:
    """An answer is saved whole in the format of the file's ending; CSV opens in spreadsheets with its Korean."""
    with client(portal, "a") as cellar:
        fade = cellar.fade()
        assert pl.read_parquet(cellar.save("fade", tmp_path / "f.parquet")).equals(fade)
        assert pl.read_ipc_stream(cellar.save("fade", tmp_path / "f.arrow")).equals(fade)
        assert len(json.loads(cellar.save("fade", tmp_path / "f.json").read_bytes())) == fade.height
        assert cellar.save("fade", tmp_path / "f.csv").read_bytes().startswith(b"\xef\xbb\xbf")
        with pytest.raises(ValueError, match="expected an ending"):
            cellar.save("fade", tmp_path / "f.xls")


def test_client_names_one_thing(portal: Site) -> None:
    """One cell, one test, the wafers and the dies of one are asked for by name."""
    with client(portal, "a") as cellar:
        row = cellar.cells().row(0, named=True)
        assert cellar.cell(row["cell_id"])["cell_id"] == row["cell_id"]
        test = cellar.tests()["test_id"][0]
        assert cellar.test(test)["test_id"] == test
        wafers = cellar.wafers()
        first = wafers.row(0, named=True)
        assert cellar.dies(first["wafer"], lot=first["lot"]).height == first["dies"]


def test_questions_named_for_editors_are_asked() -> None:
    """Every question that the client names for editors is one of the warehouse's."""
    named = set(Cellar.__annotations__)
    assert "fade" in named
    assert named <= set(questions())
    assert named <= set(dir(Cellar(ADDRESS, "cel_x")))


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (httpx.Response(401, json={"detail": "who?"}), LoginRefused, "401: who[?]"),
        (httpx.Response(404, json={"detail": "none"}), NothingThere, "404: none"),
        (httpx.Response(422, json={"detail": "no", "errors": [{"where": "a", "what": "b"}]}), WrongRequest, "a: b"),
        (httpx.Response(422, json={"detail": "late", "code": "time"}), QueryFailed, "422: late"),
        (httpx.Response(429, json={"detail": "slow"}, headers={"retry-after": "7"}), PortalBusy, "429: slow"),
        (httpx.Response(502, html="<html>"), CellarRefused, "502: Bad Gateway"),
    ],
)
def test_refusals_are_typed(answer: httpx.Response, kind: type[CellarRefused], words: str) -> None:
    """Each kind of problem is an error of its own, with the portal's words."""
    with (
        Cellar(ADDRESS, "cel_x", transport=httpx.MockTransport(lambda _request: answer)) as cellar,
        pytest.raises(kind, match=words) as refused,
    ):
        cellar.questions()
    assert type(refused.value) is kind
    assert getattr(refused.value, "retry_after", 7) == 7


def test_client_uploads(portal: Site, tmp_path: Path) -> None:
    """A technician's client sends a file in pieces, which lies in the inbox then."""
    path = tmp_path / "sent.csv"
    path.write_bytes(b"a" * 100_000)
    with client(portal, "technician") as cellar:
        done = cellar.upload(path, firm=FIRM_A)
        assert done["state"] == "received"
        assert (portal.folder / done["path"]).read_bytes() == path.read_bytes()
        assert isinstance(cellar.receipts(1), list)


def test_client_goes_on_after_a_break(portal: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the line breaks within an upload, the client asks how far it has come and goes on there."""
    path = tmp_path / "broken off.csv"
    path.write_bytes(bytes(range(256)) * 50)
    monkeypatch.setattr("portal.client.PIECE_BYTES", 5_000)
    monkeypatch.setattr("portal.client.PAUSE_SECONDS", 0.0)
    line = Breaking(portal.client())
    with Cellar(ADDRESS, portal.tokens["technician"], transport=line) as cellar:
        done = cellar.upload(path)
    assert line.broken == 2
    assert (portal.folder / done["path"]).read_bytes() == path.read_bytes()


class Inside(httpx.BaseTransport):
    """Sends a client's requests to a portal in this process."""

    def __init__(self, inner: httpx.Client) -> None:
        self._inner = inner

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request."""
        return self._inner._transport.handle_request(request)


class Breaking(Inside):
    """A line that breaks before the second piece arrives, and after the third one has."""

    def __init__(self, inner: httpx.Client) -> None:
        super().__init__(inner)
        self.pieces = self.broken = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request, or break."""
        self.pieces += request.method == "PATCH"
        breaks = request.method == "PATCH" and self.pieces in {2, 3}
        self.broken += breaks
        if breaks and self.pieces == 2:
            raise httpx.WriteError("broken", request=request)
        answer = super().handle_request(request)
        if breaks:
            raise httpx.ReadError("broken", request=request)
        return answer


def client(portal: Site, who: str) -> Cellar:
    return Cellar(ADDRESS, portal.tokens[who], transport=Inside(portal.client()))


def give_token(folder: Path) -> str:
    with closing(Home(folder)) as home:
        add_firm(home, "ACME")
        return create_token(home, "firm", "ACME")[0]


@contextmanager
def started(folder: Path, command: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Run a command that serves the portal; yields its process and address once it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    arguments = [sys.executable, "-m", "flows.cli", command, "--home", str(folder), "--port", str(port)]
    folder.mkdir(exist_ok=True)
    with (folder / f"{command}.log").open("wb") as log:
        process = subprocess.Popen(arguments, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    try:
        wait(lambda: answers(address))
        yield process, address
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/healthz").status_code == 200
    except httpx.TransportError:
        return False


def wait(is_so: Any) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.2)
