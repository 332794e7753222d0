from __future__ import annotations

import errno
import hashlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from httpx import Client
from portal_site import FIRM_A, Site, open_site

from flows.names import is_system_file
from warehouse.home import Home
from warehouse.identity import add_firm, put_cells

UPLOADS = "/api/v1/uploads"
CONTENT = bytes(range(256)) * 40


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A portal on an empty home with two firms."""
    with closing(Home(tmp_path / "home")) as home:
        for firm in ("FIRM-A", "FIRM-B"):
            add_firm(home, firm)
        put_cells(home, [{"firm": FIRM_A, "cell_id": "C1"}])
    opened = open_site(tmp_path / "home")
    yield opened
    opened.close()


@pytest.fixture
def technician(site: Site) -> Client:
    return site.client("technician")


def announce(content: bytes = CONTENT, **more: Any) -> dict[str, Any]:
    return {"name": "run.csv", "size": len(content), "sha256": hashlib.sha256(content).hexdigest(), **more}


def send(client: Client, content: bytes = CONTENT, **more: Any) -> Any:
    begun = client.post(UPLOADS, json=announce(content, **more)).json()
    return client.patch(f"{UPLOADS}/{begun['upload_id']}", content=content, headers={"upload-offset": "0"})


def test_file_lands_whole_in_the_inbox(site: Site, technician: Client) -> None:
    """An upload lies in the folder of its firm and cell, with its bytes, and nowhere before it is whole."""
    begun = technician.post(UPLOADS, json=announce(firm=FIRM_A, cell="C1")).json()
    address = f"{UPLOADS}/{begun['upload_id']}"
    half = technician.patch(address, content=CONTENT[:5000], headers={"upload-offset": "0"})
    assert half.json()["offset"] == 5000
    assert not list((site.folder / "inbox").rglob("*.csv"))
    done = technician.patch(address, content=CONTENT[5000:], headers={"upload-offset": "5000"})
    assert done.json()["state"] == "received"
    assert done.json()["path"] == "inbox/FIRM-A/C1/run.csv"
    assert (site.folder / "inbox" / FIRM_A / "C1" / "run.csv").read_bytes() == CONTENT
    assert [path.suffix for path in (site.folder / "uploads").iterdir()] == [".json"]


def test_broken_upload_goes_on(site: Site, technician: Client) -> None:
    """After a break, and after a restart of the portal, an upload tells how far it has come and goes on there."""
    begun = technician.post(UPLOADS, json=announce()).json()
    address = f"{UPLOADS}/{begun['upload_id']}"
    technician.patch(address, content=CONTENT[:700], headers={"upload-offset": "0"})
    again = technician.patch(address, content=CONTENT[:700], headers={"upload-offset": "0"})
    assert again.status_code == 409
    assert again.json()["offset"] == 700
    other = open_site(site.folder)
    client = other.client("technician")
    assert client.get(address).json()["offset"] == 700
    done = client.patch(address, content=CONTENT[700:], headers={"upload-offset": "700"})
    assert done.json()["state"] == "received"
    other.close()


def test_wrong_bytes_never_arrive(site: Site, technician: Client) -> None:
    """Bytes with another hash than announced are dropped, and so the upload begins anew."""
    begun = technician.post(UPLOADS, json=announce()).json()
    address = f"{UPLOADS}/{begun['upload_id']}"
    answer = technician.patch(address, content=b"x" * len(CONTENT), headers={"upload-offset": "0"})
    assert answer.status_code == 422
    assert technician.get(address).status_code == 404
    assert not [path for path in (site.folder / "inbox").rglob("*") if path.is_file()]


def test_more_bytes_than_announced_are_refused(technician: Client) -> None:
    """A piece that goes beyond the announced size is not taken."""
    begun = technician.post(UPLOADS, json=announce()).json()
    answer = technician.patch(f"{UPLOADS}/{begun['upload_id']}", content=CONTENT + b"x", headers={"upload-offset": "0"})
    assert answer.status_code == 413
    assert technician.get(f"{UPLOADS}/{begun['upload_id']}").json()["offset"] == 0


def test_nothing_is_written_over(site: Site, technician: Client) -> None:
    """A file of the same name lands beside the one that lies there."""
    assert send(technician).json()["path"] == "inbox/run.csv"
    assert send(technician, b"newer").json()["path"] == "inbox/run (2).csv"
    assert (site.folder / "inbox" / "run.csv").read_bytes() == CONTENT


def test_empty_file_needs_no_bytes(technician: Client) -> None:
    """A file without bytes is there as soon as it is announced."""
    assert technician.post(UPLOADS, json=announce(b"")).json()["state"] == "received"


def test_cancelled_upload_is_gone(site: Site, technician: Client) -> None:
    """A cancelled upload leaves nothing; one that lies in the inbox is not taken back."""
    begun = technician.post(UPLOADS, json=announce()).json()
    assert technician.delete(f"{UPLOADS}/{begun['upload_id']}").status_code == 200
    assert not list((site.folder / "uploads").iterdir())
    done = send(technician).json()
    assert technician.delete(f"{UPLOADS}/{done['upload_id']}").status_code == 409


@pytest.mark.parametrize(
    "change",
    [
        {"name": "../x.csv"},
        {"name": "a/b.csv"},
        {"name": "a\\b.csv"},
        {"name": ".hidden"},
        {"name": ""},
        {"name": "x" * 201},
        {"name": "a\u202eb.csv"},
        {"name": "Thumbs.db"},
        {"firm": "NONE"},
        {"firm": "..", "cell": ".."},
        {"cell": "C1"},
        {"firm": "FIRM-A", "cell": "C2"},
        {"size": -1},
        {"sha256": "x"},
    ],
)
def test_upload_that_cannot_be(technician: Client, change: dict[str, Any]) -> None:
    """A name that leads elsewhere, an owner that there is not, or an impossible size or hash begins nothing."""
    assert technician.post(UPLOADS, json=announce() | change).status_code == 422


def test_firms_do_not_upload(site: Site) -> None:
    """To firms there is no upload, neither to begin nor to look at."""
    begun = site.client("technician").post(UPLOADS, json=announce()).json()
    firm = site.client("a")
    assert firm.post(UPLOADS, json=announce()).status_code == 404
    assert firm.get(f"{UPLOADS}/{begun['upload_id']}").status_code == 404
    assert firm.delete(f"{UPLOADS}/{begun['upload_id']}").status_code == 404


def test_uploads_are_in_the_audit_log(site: Site, technician: Client) -> None:
    """What was uploaded for a firm stands in the log that it reads, when the answer is given."""
    send(technician, firm=FIRM_A)
    actions = [row["action"] for row in site.client("a").get("/api/v1/audit").json()]
    assert actions[:2] == ["upload.end", "upload.begin"]
    assert "upload.end" not in [row["action"] for row in site.client("b").get("/api/v1/audit").json()]


def test_inbox_on_another_disk(site: Site, technician: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the inbox knows no links the file is copied, and still lies there whole or not at all."""

    def refuse(_source: object, _target: object) -> None:
        raise OSError(errno.EXDEV, "another disk")

    monkeypatch.setattr("portal.uploads.os.link", refuse)
    assert send(technician).json()["path"] == "inbox/run.csv"
    assert send(technician, b"newer").json()["path"] == "inbox/run (2).csv"
    assert sorted(path.name for path in (site.folder / "inbox").iterdir()) == ["run (2).csv", "run.csv"]


def test_unfinished_copy_is_passed_over() -> None:
    """What an upload is called while it is copied is no drop to the watcher."""
    assert is_system_file(f".{'0' * 32}.part", ())


def test_link_in_the_inbox_leads_nowhere(site: Site, technician: Client, tmp_path: Path) -> None:
    """A folder of the inbox that is a link to another place takes no upload."""
    (tmp_path / "elsewhere").mkdir()
    (site.folder / "inbox" / FIRM_A).symlink_to(tmp_path / "elsewhere")
    assert send(technician, firm=FIRM_A).status_code == 409
    assert not list((tmp_path / "elsewhere").iterdir())
