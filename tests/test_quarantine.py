"""Quarantine as a work list: every case has its sentences, and a technician can settle each."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from cellar_runner import Runner, Said
from made_cells import cycle, measure, write_bdf

from flows.backfill import read_again, sources_to_retry
from flows.ingest import ingest_paths
from flows.quarantine import assign_source, read_source_as, release_source, retry_all, undo_release
from warehouse.errors import QuarantineError, UsageError
from warehouse.home import Home
from warehouse.identity import add_firm, put_cells
from warehouse.publish import Owner
from warehouse.registry import SOURCE_FILE, TEST, Row
from warehouse.schema import SOURCE_STATES
from warehouse.sentences import SENTENCES, STATES, explain, split_reason
from warehouse.sources import count_states, find_by_hash, find_source, find_test, list_quarantine, refuse_unread

ROOT = Path(__file__).parent.parent
SOURCES = sorted(path for folder in ("parsers", "warehouse", "flows") for path in (ROOT / folder).rglob("*.py"))
TWO_CYCLES = measure(cycle([1e-3, 0.9e-3]))
CODE_NAMES = {"code", "default_code", "reason_code"}
HANGUL = re.compile("[가-힣]")
DONE, USAGE, CHECK = 0, 2, 3


# Sentences


def given_as_code(node: ast.AST) -> list[ast.AST | None]:
    """Return what a piece of code gives as a code: by keyword, by assignment, in a row, or to ``explain``."""
    match node:
        case ast.keyword(arg=name) if name in CODE_NAMES:
            return [node.value]
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)) if name in CODE_NAMES:
            return [node.value]
        case ast.Dict():
            pairs = zip(node.keys, node.values, strict=True)
            return [value for key, value in pairs if isinstance(key, ast.Constant) and key.value == "reason_code"]
        case ast.Call(func=ast.Name(id="explain"), args=[first, *_]):
            return [first]
    return []


def codes_in(path: Path) -> set[str]:
    """Return every text that a source gives as a code, on either side of a condition."""
    given = [value for node in ast.walk(ast.parse(path.read_text("utf-8"))) for value in given_as_code(node)]
    sides = [
        side for value in given for side in ([value.body, value.orelse] if isinstance(value, ast.IfExp) else [value])
    ]
    return {side.value for side in sides if isinstance(side, ast.Constant) and isinstance(side.value, str)}


def test_every_code_has_its_sentences() -> None:
    """Every code that stands anywhere in the sources is explained in English and Korean."""
    used = set().union(*map(codes_in, SOURCES)) - {""}
    assert {"unreadable", "broken_file", "owner_disagrees", "set_aside", "reread", "cannot_open"} <= used
    assert used - SENTENCES.keys() == set()


@pytest.mark.parametrize("code", SENTENCES)
def test_sentences_say_what_happened_and_what_to_do(code: str) -> None:
    """Each code has one sentence or two for what happened and for what to do, in English and in Korean."""
    sentence = SENTENCES[code]
    for english, korean in ((sentence.en, sentence.ko), (sentence.en_do, sentence.ko_do)):
        assert english.endswith(".")
        assert korean.endswith(("니다.", "시오."))
        assert not HANGUL.search(english)
        assert HANGUL.search(korean)


def test_every_state_has_its_words() -> None:
    """Each state of a source is told in English and Korean, by a word and a sentence."""
    assert set(STATES) == set(SOURCE_STATES)
    for words in STATES.values():
        assert HANGUL.search(words.ko)
        assert words.ko_means.endswith("니다.")
        assert words.en_means.endswith(".")


@pytest.mark.parametrize("language", ["en", "ko"])
def test_reason_is_split_again(language: str) -> None:
    """A reason falls into what happened, with what was found, and what to do."""
    happened, to_do = split_reason(explain("sign", "90 % of the rows"), language)
    assert happened.endswith("(90 % of the rows)")
    assert to_do == {"en": SENTENCES["sign"].en_do, "ko": SENTENCES["sign"].ko_do}[language]


# Decisions


@pytest.fixture
def firms(local_home: Home) -> Home:
    """A home with a cell C1 of firm A and a cell C2 of firm B."""
    for firm in "AB":
        add_firm(local_home, firm)
    put_cells(local_home, [{"firm": "A", "cell_id": "C1"}, {"firm": "B", "cell_id": "C2"}])
    return local_home


def take(home: Home, path: Path) -> dict[str, Any]:
    (receipt,) = ingest_paths(home, [path], Owner())
    return receipt


def refused(home: Home) -> Row:
    (source,) = list_quarantine(home)
    return source


@pytest.fixture
def unknown(local_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Row:
    """A good file whose format nobody recognised when it came."""
    with monkeypatch.context() as patch:
        patch.setattr("parsers.claims", lambda *_: [])
        take(local_home, write_bdf(tmp_path / "in" / "a.csv", TWO_CYCLES))
    return refused(local_home)


@pytest.fixture
def unread(local_home: Home) -> Row:
    """A drop whose bytes could not be read."""
    error = QuarantineError("/share/gone.csv", "cannot be opened: Permission denied", code="cannot_open")
    with local_home.registry.write() as connection:
        refuse_unread(local_home, connection, error.path, error)
    return refused(local_home)


def test_disagreeing_owner_is_quarantined_and_assigned(firms: Home, tmp_path: Path) -> None:
    """A file in one firm's folder that another firm's folder holds waits, until a person says whose it is."""
    receipt = take(firms, write_bdf(tmp_path / "A" / "C1" / "B" / "C2" / "t.csv", TWO_CYCLES))
    assert (receipt["state"], receipt["reason"]["code"]) == ("quarantined", "owner_disagrees")
    assert "folder (A/C1) says cell C1 of A; folder (B/C2) says cell C2 of B" in receipt["reason"]["en"]
    again = assign_source(firms, refused(firms), Owner("B", "C2", "option"))
    assert (again["state"], again["firm"], again["cell_id"]) == ("committed", "B", "C2")
    assert firms.query("cycles", firm="A").is_empty()


def test_read_as_is_kept(local_home: Home, unknown: Row, monkeypatch: pytest.MonkeyPatch) -> None:
    """A source is read with the format that a technician names, though nothing recognises it, and so ever after."""
    monkeypatch.setattr("parsers.claims", lambda *_: [])
    receipt = read_source_as(local_home, unknown, "bdf_csv")
    assert (receipt["state"], receipt["format"], receipt["rows"]) == ("committed", "bdf_csv", 88)
    source, test = find_source(local_home, unknown["sha256"]), local_home.registry.row(TEST, test_id=receipt["test_id"])
    assert source is not None
    assert test is not None
    assert source["read_as"] == "bdf_csv"
    assert read_again(local_home, test).data_sha256 == test["data_sha256"]


def test_read_as_of_another_format_stays_with_its_place(local_home: Home, unknown: Row) -> None:
    """A source that breaks the rules of the format that was named stays with the new reason, and can be tried again."""
    receipt = read_source_as(local_home, unknown, "biologic_mpr")
    assert (receipt["state"], receipt["reason"]["code"]) == ("quarantined", "broken_file")
    assert retry_all(local_home, [unknown])[0]["state"] == "quarantined"
    assert read_source_as(local_home, refused(local_home), "bdf_csv")["state"] == "committed"


def test_unknown_format_is_refused(local_home: Home, unknown: Row) -> None:
    """A format that does not exist is told, and nothing is kept."""
    with pytest.raises(UsageError, match="no format 'xyz'"):
        read_source_as(local_home, unknown, "xyz")
    assert refused(local_home)["read_as"] is None


def test_released_source_leaves_the_list(local_home: Home, unknown: Row) -> None:
    """A source that is set aside is kept as ignored, with the note, a receipt, and the counts in order."""
    receipt = release_source(local_home, unknown, "only a draft, Kim")
    assert (receipt["state"], receipt["reason"]["code"]) == ("ignored", "set_aside")
    assert "(only a draft, Kim)" in receipt["reason"]["ko"]
    assert list_quarantine(local_home) == []
    counts = count_states(local_home)
    assert (counts["seen"], counts["ignored"], counts["quarantined"]) == (1, 1, 0)
    assert local_home.archive.has(unknown["sha256"])
    assert sources_to_retry(local_home) == []


def test_release_is_undone(local_home: Home, unknown: Row) -> None:
    """What was set aside can be put back, and is judged anew at once."""
    release_source(local_home, unknown)
    receipt = undo_release(local_home, find_by_hash(local_home, unknown["sha256"], "ignored"))
    assert receipt is not None
    assert receipt["state"] == "committed"


def test_only_a_decision_is_undone(local_home: Home, tmp_path: Path) -> None:
    """A companion that is ignored by itself cannot be put on the work list."""
    (tmp_path / "empty.csv").touch()
    receipt = take(local_home, tmp_path / "empty.csv")
    with pytest.raises(UsageError, match="not set aside by anyone"):
        undo_release(local_home, find_by_hash(local_home, receipt["sha256"], "ignored"))


def test_settled_source_is_not_released(local_home: Home, unknown: Row) -> None:
    """What another has settled meanwhile is not set aside."""
    retry_all(local_home, [unknown])
    with pytest.raises(UsageError, match="not quarantined any more"):
        release_source(local_home, unknown)
    assert count_states(local_home)["committed"] == 1


def test_unread_drop_has_nothing_to_read(local_home: Home, unread: Row) -> None:
    """A drop whose bytes could not be read is left out of a retry, cannot be read as, and can be set aside."""
    assert retry_all(local_home, [unread]) == []
    with pytest.raises(UsageError, match="drop it once more"):
        read_source_as(local_home, unread, "bdf_csv")
    assert release_source(local_home, unread)["sha256"] == ""
    assert undo_release(local_home, find_by_hash(local_home, "unread-", "ignored")) is None
    assert refused(local_home)["reason_code"] == "cannot_open"


def test_unread_drop_keeps_age_and_decision(local_home: Home, unread: Row) -> None:
    """A drop that cannot be read once more waits since the first time, and stays set aside once it is."""
    error = QuarantineError(unread["path"], "cannot be opened: I/O error", code="cannot_open")
    for state in ("quarantined", "ignored"):
        with local_home.registry.write() as connection:
            refuse_unread(local_home, connection, error.path, error)
        source = find_by_hash(local_home, unread["sha256"], state)
        assert source["first_seen_unix_second"] == unread["first_seen_unix_second"]
        if state == "quarantined":
            release_source(local_home, source)


def test_hash_names_its_test(local_home: Home, tmp_path: Path, unknown: Row) -> None:
    """A test is found by its name and by the beginning of its source's hash; a source in quarantine has none yet."""
    receipt = take(local_home, write_bdf(tmp_path / "b.csv", TWO_CYCLES.head(50)))
    assert find_test(local_home, receipt["test_id"]) == find_test(local_home, receipt["sha256"][:8].upper())
    assert find_test(local_home, "CH-1") is None
    with pytest.raises(UsageError, match="cellar quarantine assign"):
        find_test(local_home, unknown["sha256"])


# Commands


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    with closing(Runner()) as running:
        yield running


class Desk:
    """A technician at a home in which two sources wait, one for its owner and one that could not be read."""

    def __init__(self, home: Home, runner: Runner) -> None:
        self.home = home
        self.runner = runner

    def cellar(self, *arguments: str, code: int = DONE) -> Said:
        """Run a command on the home and check its exit code."""
        said = self.runner.run([*arguments, "--home", str(self.home.folder)], self.home.folder)
        assert said.code == code, f"{arguments}: {said.code}\n{said.out}\n{said.err}"
        return said


@pytest.fixture
def desk(firms: Home, runner: Runner, tmp_path: Path, unread: Row) -> Desk:
    assert unread["state"] == "quarantined"
    take(firms, write_bdf(tmp_path / "A" / "B" / "t [1].csv", TWO_CYCLES))
    return Desk(firms, runner)


def test_list_tells_each_case(desk: Desk) -> None:
    """``quarantine list`` tells code, path, age and both languages of each, also of what could not be read."""
    rows = desk.cellar("quarantine", "list", "--json").json()
    assert [row["reason"]["code"] for row in rows] == ["cannot_open", "owner_disagrees"]
    assert rows[0]["sha256"].startswith("unread-")
    assert all(row["since"] and row["age"] == "just now" for row in rows)
    text = desk.cellar("quarantine", "list").out
    for row in rows:
        assert row["path"] in text
        assert all(split_reason(row["reason"], language)[0] in text for language in ("en", "ko"))


def test_show_tells_place_and_history(desk: Desk) -> None:
    """``quarantine show`` tells what to do, where the raw bytes are, and every receipt so far."""
    (sha256,) = (row["sha256"] for row in list_quarantine(desk.home) if not row["sha256"].startswith("unread-"))
    desk.cellar("quarantine", "retry", sha256, code=CHECK)
    shown = desk.cellar("quarantine", "show", sha256[:8], "--json").json()
    assert [receipt["state"] for receipt in shown["receipts"]] == ["quarantined"] * 2
    assert Path(shown["raw"]).read_bytes() == Path(shown["path"]).read_bytes()
    text = desk.cellar("quarantine", "show", sha256[:8]).out
    assert SENTENCES["owner_disagrees"].ko_do in text
    assert "t [1].csv" in text


def test_show_copes_without_bytes(desk: Desk) -> None:
    """``quarantine show`` of what could not be read tells why, and no place of raw bytes."""
    shown = desk.cellar("quarantine", "show", "unread-", "--json").json()
    assert (shown["raw"], shown["size"], shown["reason"]["code"]) == (None, None, "cannot_open")
    assert "Permission denied" in desk.cellar("quarantine", "show", "unread-").out


def test_assign_ends_the_case(desk: Desk) -> None:
    """``quarantine assign`` names the owner, reads again, and ends with 0."""
    (sha256,) = (row["sha256"] for row in list_quarantine(desk.home) if not row["sha256"].startswith("unread-"))
    (receipt,) = desk.cellar("quarantine", "assign", sha256[:8], "C1", "--json").lines()
    assert (receipt["state"], receipt["firm"], receipt["cell_id"]) == ("committed", "A", "C1")
    desk.cellar("quarantine", "assign", sha256[:8], "C1", code=USAGE)


def test_retry_all_leaves_out_the_unread(desk: Desk) -> None:
    """``quarantine retry all`` reads what can be read; by name, what could not be read is wrong usage."""
    assert len(desk.cellar("quarantine", "retry", "all", "--json", code=CHECK).lines()) == 1
    assert "drop it once more" in desk.cellar("quarantine", "retry", "unread-", code=USAGE).err


def test_release_and_undo(desk: Desk) -> None:
    """``quarantine release`` ends a case with its note, and ``--undo`` opens it again."""
    (receipt,) = desk.cellar("quarantine", "release", "unread-", "--note", "old share", "--json").lines()
    assert (receipt["state"], receipt["path"]) == ("ignored", "/share/gone.csv")
    assert "old share" in desk.cellar("quarantine", "show", "unread-").out
    assert "on the work list again" in desk.cellar("quarantine", "release", "unread-", "--undo").out
    assert desk.home.registry.row(SOURCE_FILE, state="quarantined", path="/share/gone.csv") is not None


def test_read_as_names_its_formats(desk: Desk) -> None:
    """``quarantine read-as`` with a format that does not exist says where the formats are listed."""
    sha256 = next(row["sha256"] for row in list_quarantine(desk.home) if not row["sha256"].startswith("unread-"))
    assert "cellar formats" in desk.cellar("quarantine", "read-as", sha256, "xyz", code=USAGE).err
