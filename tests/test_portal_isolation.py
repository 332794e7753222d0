from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from portal_crawl import FIRM_B, build_canary_home, crawl, open_content
from portal_site import Site, open_site


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A portal on a home whose second firm is made of canaries."""
    opened = open_site(build_canary_home(tmp_path_factory.mktemp("canaries") / "home"), FIRM_B)
    yield opened
    opened.close()


def test_canaries_are_there(site: Site) -> None:
    """What the crawl looks for is in the other firm's own answers, so finding none means something."""
    theirs = site.client("b")
    told = theirs.get("/api/v1/cells").text + theirs.get("/api/v1/receipts").text + theirs.get("/api/v1/audit").text
    words = ("KANARYCELL20", "KANARYLOT42", "KANARYPROJECT41", "KANARYFILE1", "KANARYSUBJECT35", "KANARYPERSON33")
    assert [word for word in words if word not in told] == []


def test_packed_answers_are_looked_into() -> None:
    """A canary inside Parquet or Arrow is seen."""
    frame = pl.DataFrame({"x": ["KANARYWORD99"] * 1000})
    parquet, arrow = io.BytesIO(), io.BytesIO()
    frame.write_parquet(parquet, compression="zstd")
    frame.write_ipc_stream(arrow, compression="zstd")
    for packed in (parquet, arrow):
        assert any(b"KANARYWORD99" in part for part in open_content(packed.getvalue()))


def test_nothing_of_another_firm_is_told(site: Site, tmp_path: Path) -> None:
    """Thousands of requests as one firm, made of the portal's description and its links, show none of another's."""
    _ = tmp_path
    cookie = site.browser("a").cookies["cellar_session"]
    done = crawl(site, cookie, of_each=12, variants=7, rounds=8)
    assert done.requests > 2_000
    assert done.statuses[200] > done.requests / 20
    assert done.raised == []
    assert [status for status in done.statuses if status >= 500] == []
    assert done.found == []


def test_audit_log_tells_a_firm_its_own_words_only(site: Site) -> None:
    """What firm A asked for about another firm is told to A alone; what the other firm did is told to nobody else."""
    named = "KANARYCELL20"
    asked = site.client("a").post("/api/v1/sql", json={"sql": f"SELECT '{named}' AS x"})
    assert asked.status_code == 200
    site.app.state.trail.flush()
    mine, theirs = (site.client(firm).get("/api/v1/audit?limit=1000").text for firm in "ab")
    assert "KANARYSUBJECT35" in theirs
    assert "KANARYSUBJECT35" not in mine
    assert f"SELECT '{named}'" in mine
    assert f"SELECT '{named}'" not in theirs
