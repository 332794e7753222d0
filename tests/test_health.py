"""Health: what is well, what is not, and what the command ends with; and the log that says what happened."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest
from cellar_runner import Runner
from made_cells import commit, cycle, measure

from flows import logs, nightly
from flows.logs import SharedFile, log_path, write_log
from flows.nightly import run_night
from flows.service import the_only_service
from warehouse.errors import StoreBusy
from warehouse.health import Check, check_health
from warehouse.home import Home
from warehouse.registry import WORKER

NOW: Final = datetime.now(UTC)
ONE_CYCLE: Final = measure(cycle([1e-3]))
WRITER: Final = """
import logging, sys
from pathlib import Path
from flows.logs import JsonLines, SharedFile
handler = SharedFile(Path(sys.argv[1]), 4000, 50)
handler.setFormatter(JsonLines())
logging.getLogger().addHandler(handler)
for number in range(200):
    logging.getLogger("cellar.x").warning("%s %s", sys.argv[2], number)
"""


def checks_of(home: Home, now: datetime = NOW) -> dict[str, Check]:
    return {check.name: check for check in check_health(home, now)}


def unsound(home: Home, now: datetime = NOW) -> set[str]:
    return {name for name, check in checks_of(home, now).items() if not check.sound}


@pytest.fixture
def log_of(local_home: Home) -> Iterator[Path]:
    """The log of a home that this process writes."""
    write_log(local_home)
    yield log_path(local_home)
    root = logging.getLogger()
    for handler in [each for each in root.handlers if isinstance(each, SharedFile)]:
        root.removeHandler(handler)
        handler.close()
    logging.getLogger(logs.OURS).setLevel(logging.NOTSET)


def test_home_at_rest_has_no_service(local_home: Home) -> None:
    """A new home is well but for the service and the look that only a service takes."""
    assert unsound(local_home) == {"service", "look"}


def test_service_that_looks_is_well(local_home: Home) -> None:
    """Whoever holds the lease and has looked lately is well; a look a quarter of an hour ago is not."""
    with the_only_service(local_home):
        with local_home.registry.write() as connection:
            connection.execute(WORKER.update().values(looked_unix_second=NOW.timestamp()))
        assert unsound(local_home) == set()
        assert unsound(local_home, NOW + timedelta(seconds=1000)) == {"look"}
    assert "service" in unsound(local_home)


def test_second_service_is_refused(local_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home has one service; another one waits for the beat of the first, and gives up."""
    monkeypatch.setattr("flows.service.LEASE_SECONDS", -1.0)
    monkeypatch.setattr("flows.service.BEAT_SECONDS", 0.0)
    with closing(Home(local_home.folder)) as other, the_only_service(other):  # noqa: SIM117 one holds, one is refused
        with pytest.raises(StoreBusy), the_only_service(local_home):
            pass


def test_missed_night_is_not_well(local_home: Home) -> None:
    """A home with tests is well until the night after them is three hours late, and again once there was one."""
    commit(local_home, "t", ONE_CYCLE)
    assert "night" not in unsound(local_home)
    assert "night" in unsound(local_home, NOW + timedelta(days=1, hours=4))
    run_night(local_home)
    assert "night" not in unsound(local_home)


def test_failed_stage_is_not_well(local_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A night with a failed stage is named until the next one."""

    def fail(_night: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(nightly, "RETRY_SECONDS", 0.0)
    monkeypatch.setitem(nightly.STAGES, "backup", fail)
    run_night(local_home)
    assert checks_of(local_home)["night"].says.endswith("failed: backup")


def test_lost_registry_is_not_well(tmp_path: Path) -> None:
    """A registry that does not answer is told, and nothing is raised."""
    with closing(Home(tmp_path / "home", "postgresql+psycopg://nobody@127.0.0.1:9/none")) as home:
        assert unsound(home) == {"registry"}


def test_health_command(local_home: Home, tmp_path: Path) -> None:
    """``health --json`` is one document, and ends with 3 where something is not well."""
    with closing(Runner()) as runner:
        said = runner.run(["health", "--json", "--home", str(local_home.folder)], tmp_path)
    assert (said.code, said.json()["sound"]) == (3, False)
    assert [check["name"] for check in said.json()["checks"]] == ["disk", "registry", "service", "look", "night"]


def test_log_is_json_lines(local_home: Home, log_of: Path) -> None:
    """Each record is one object, its traceback inside it; said twice, a log is written once."""
    write_log(local_home)
    try:
        _ = 1 / 0
    except ZeroDivisionError:
        logging.getLogger("cellar.test").exception("셀 %s", "C1")
    (line,) = map(json.loads, log_of.read_text(encoding="utf-8").splitlines())
    assert (line["level"], line["logger"], line["message"]) == ("ERROR", "cellar.test", "셀 C1")
    assert datetime.fromisoformat(line["time"]).tzinfo is not None
    assert line["traceback"].endswith("ZeroDivisionError: division by zero")


def test_log_is_rotated_by_the_settings(local_home: Home) -> None:
    """Settings say how large the log grows and how many of it are kept."""
    local_home.settings = replace(local_home.settings, log_megabytes=0.001, log_files=3)
    write_log(local_home)
    (handler,) = [each for each in logging.getLogger().handlers if isinstance(each, SharedFile)]
    for number in range(100):
        logging.getLogger("cellar.test").warning("record %s", number)
    logging.getLogger().removeHandler(handler)
    handler.close()
    files = sorted(path.name for path in log_path(local_home).parent.glob("cellar.jsonl*"))
    assert files == ["cellar.jsonl", "cellar.jsonl.1", "cellar.jsonl.2"]


def test_processes_share_a_log(tmp_path: Path) -> None:
    """Three processes that write and rotate one log lose no record, and cut none."""
    path = tmp_path / "cellar.jsonl"
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(path), str(number)]) for number in range(3)]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    lines = [json.loads(line) for each in tmp_path.glob("cellar.jsonl*") for line in each.read_text().splitlines()]
    assert {line["message"] for line in lines} == {f"{who} {number}" for who in range(3) for number in range(200)}
    assert len(lines) == 600
