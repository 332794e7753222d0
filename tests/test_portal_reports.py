from __future__ import annotations

import ast
import hashlib
import io
import json
import re
import shutil
import subprocess
import sys
import time
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import fastexcel
import polars as pl
import pytest
from babel.messages.pofile import read_po
from cellar_runner import Runner
from portal_site import FIRM_A, FIRM_B, Site, open_site
from pypdf import PdfReader

from portal.reports.book import make_book
from portal.reports.chart import draw_fade, make_ticks
from portal.reports.facts import Contribution, Facts
from portal.reports.gather import gather_facts
from portal.reports.glyphs import fit_text
from portal.reports.look import NothingMeasuredError
from portal.reports.make import Document, Kind, Order, make_report
from portal.reports.notes import SENTENCES
from portal.reports.numbers import choose_scale, write_column, write_duration, write_number
from portal.reports.pdf import make_document, typeset
from portal.reports.uncertainty import combine
from portal.reports.words import learn_words
from warehouse.errors import DamageError, UsageError
from warehouse.home import Home
from warehouse.manifest import import_manifest
from warehouse.registry import SOURCE_FILE
from warehouse.reports.issue import issue_report, list_reports, note_document
from warehouse.reports.site import Language, parse_site
from warehouse.reports.subject import find_subject
from warehouse.schema import CYCLES, MEASUREMENTS, STEPS

PORTAL = Path(__file__).parent.parent / "portal"
ADDRESS = "대전광역시 유성구 과학로 1"
SITE = f"""
[report]
laboratory = "마이크로전지 시험실"
laboratory_en = "Micro Battery Laboratory"
address = "{ADDRESS}"
location = "204호 건조실"
contact = "lab@example.org"
environment = "25 ± 1 °C"
sampling = "#panic() [링크](http://example.org)"
external = "없음"
tested_by = "홍길동"
reviewed_by = "김철수"
authorised_by = "이영희"
time_relative = 1e-5
temperature_relative = 5e-4
[report.firm.{FIRM_A}]
contact = "박담당"
address = "성남시"
[report.firm.{FIRM_B}]
contact = "CANARY-B"
[[report.calibration]]
channel = "*"
quantity = "전류"
certificate = "KC-2026-0101"
date = 2026-01-15
due = 2026-01-31
range = "100 µA"
"""
SPECS = f"""firm,spec,revision,quantity,lower,upper,unit
{FIRM_A},DS-1,1,capacity,1,10000,uAh
"""
# ISO/IEC 17025:2017, 7.8.2.1 a to p, and what else the project asks for: what a page has to say for it.
ITEMS: dict[Language, dict[str, tuple[str, ...]]] = {
    "ko": {
        "a title": ("시험성적서",),
        "b laboratory": ("시험기관", "시험기관 주소"),
        "c location": ("시험 장소",),
        "d identification and end": ("성적서 번호", "끝"),
        "e customer": ("의뢰기관", "의뢰기관 담당자", FIRM_A),
        "f method": ("자체 시험방법", "CTM-01:1", "레시피"),
        "g item": ("시료", "시료 상태", "다이"),
        "h receipt": ("접수일", "시료 채취일"),
        "i performance": ("시험기간", "2026-03-02"),
        "j issue": ("발행일",),
        "k sampling": ("시료 채취 계획",),
        "l items tested": ("이 시험결과는 시험한 시료에만 해당합니다",),
        "m results and units": ("기준 용량", "μAh", "용량 유지율"),
        "n deviations": ("편차, 제외 및 비고",),
        "o persons": ("시험자", "검토자", "승인자"),
        "p external": ("외부 제공 결과",),
        "in full": ("일부만 복제할 수 없습니다",),
        "no mark": ("인정 마크를 사용하지 않습니다", "일반(참고) 성적서"),
        "uncertainty": ("측정불확도", "상대표준불확도"),
        "conformity": ("적합성",),
        "equipment": ("시험장비 및 교정", "전류 분해능"),
        "raw files": ("SHA-256",),
    },
    "en": {
        "a title": ("TEST REPORT",),
        "b laboratory": ("Laboratory", "Laboratory's address"),
        "c location": ("Location of the activity",),
        "d identification and end": ("Report number", "End of test report"),
        "e customer": ("Customer", "Customer's contact", FIRM_A),
        "f method": ("In-house methods", "CTM-01:1", "recipe"),
        "g item": ("Item tested", "Condition of the items", "Die"),
        "h receipt": ("Date received", "Date of sampling"),
        "i performance": ("Dates of performance", "2026-03-02"),
        "j issue": ("Date of issue",),
        "k sampling": ("Sampling plan",),
        "l items tested": ("The results relate only to the items tested.",),
        "m results and units": ("Reference capacity", "μAh", "Capacity retention"),
        "n deviations": ("Deviations, exclusions and remarks",),
        "o persons": ("Tested by", "Reviewed by", "Authorised by"),
        "p external": ("Results of external providers",),
        "in full": ("shall not be reproduced except in full",),
        "no mark": ("carries no accreditation mark", "General report"),
        "uncertainty": ("Measurement uncertainty", "Relative standard uncertainty"),
        "conformity": ("Conformity",),
        "equipment": ("Equipment and calibration", "Current resolution"),
        "raw files": ("SHA-256",),
    },
}


@pytest.fixture(scope="module")
def folder(portal_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home of this module's own, whose site states nothing."""
    return Path(shutil.copytree(portal_home, tmp_path_factory.mktemp("reports") / "home"))


@pytest.fixture(scope="module")
def bare(folder: Path) -> Iterator[Home]:
    """That home, opened."""
    with closing(Home(folder)) as opened:
        yield opened


@pytest.fixture
def stated(portal_home: Path, tmp_path: Path) -> Iterator[Home]:
    """A home whose site states all that a report asks for."""
    shutil.copytree(portal_home, tmp_path / "home")
    (tmp_path / "home" / "settings.toml").write_text(SITE, encoding="utf-8")
    with closing(Home(tmp_path / "home")) as opened:
        yield opened


@pytest.fixture(scope="module")
def reports_site(folder: Path, bare: Home) -> Iterator[Site]:
    """A portal on the module's home."""
    assert bare.folder == folder
    site = open_site(folder)
    yield site
    site.close()


def cells_of(home: Home, firm: str = FIRM_A) -> list[str]:
    return list(home.query("cells", firm=firm)["cell_id"])


def order(home: Home, name: str, kind: Kind = "pdf", language: Language = "ko", firm: str = FIRM_A) -> Document:
    return make_report(home, home.query, Order(firm, name, kind, language))


def facts_of(home: Home, name: str, firm: str = FIRM_A) -> Facts:
    subject = find_subject(home.registry, firm, name)
    return gather_facts(home.query, subject, home.settings.site, home.recipe_of(firm))


def lot_of(home: Home, firm: str = FIRM_A) -> str:
    return str(home.query("cells", firm=firm)["lot"][0])


def read_pages(content: bytes) -> list[str]:
    # A word may be broken at the end of a cell: what counts is which letters follow each other.
    return ["".join(page.extract_text().split()) for page in PdfReader(io.BytesIO(content)).pages]


def squeeze(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("kind", ["cell", "lot"])
def test_every_mandatory_item_is_printed(bare: Home, language: Language, kind: str) -> None:
    """A report of a cell or a lot says every item of ISO/IEC 17025, 7.8.2.1, in its language."""
    name = cells_of(bare)[0] if kind == "cell" else lot_of(bare)
    text = "".join(read_pages(order(bare, name, language=language).content))
    missing = {item: word for item, words in ITEMS[language].items() for word in words if squeeze(word) not in text}
    assert missing == {}


@pytest.mark.parametrize("language", ["ko", "en"])
def test_every_page_carries_number_and_place(bare: Home, language: Language) -> None:
    """Each page carries the report's number and its own of how many, and the last one says that the report ends."""
    made = order(bare, cells_of(bare)[0], language=language)
    pages = read_pages(made.content)
    assert len(pages) > 2
    word = learn_words(language)("Page")
    for number, page in enumerate(pages, start=1):
        assert made.issue.identity in page
        assert squeeze(f"{word} {number} / {len(pages)}") in page
    end = squeeze(learn_words(language)("End of test report {identity}", identity=made.issue.identity))
    assert [end in page for page in pages] == [False] * (len(pages) - 1) + [True]


@pytest.mark.parametrize("kind", ["pdf", "xlsx", "zip"])
def test_same_data_give_the_same_bytes(bare: Home, kind: Kind) -> None:
    """The same report over unchanged data has the same number, revision and bytes."""
    name = cells_of(bare)[1]
    first = order(bare, name, kind)
    shutil.rmtree(bare.folder / "issued", ignore_errors=True)
    second = order(bare, name, kind)
    assert first.issue == second.issue
    assert first.content == second.content
    assert first.sha256 == hashlib.sha256(second.content).hexdigest()


def test_another_process_gives_the_same_bytes(folder: Path, bare: Home, tmp_path: Path) -> None:
    """The command line, in a process of its own, writes the bytes that this one made, at another time."""
    name, target = cells_of(bare)[0], tmp_path / "report.pdf"
    made = order(bare, name)
    shutil.rmtree(bare.folder / "issued")
    command = [sys.executable, "-m", "flows.cli", "report", name, "--firm", FIRM_A, "--home", str(folder)]
    said = subprocess.run([*command, "--out", str(target), "--json"], capture_output=True, check=True, text=True)
    told = json.loads(said.stdout)
    assert target.read_bytes() == made.content
    assert told["sha256"] == made.sha256
    assert (told["number"], told["revision"]) == (made.issue.number, made.issue.revision)
    assert "laboratory" in told["not_stated"]


def test_command_says_what_is_wrong_in_two_languages(folder: Path, bare: Home, tmp_path: Path) -> None:
    """The command ends with 2 and a sentence in English and Korean for what does not exist, and writes nothing."""
    cell = cells_of(bare)[0]
    wrong = (
        (cell, "report.docx", "성적서 파일은"),
        ("nobody", "report.pdf", "없습니다"),
        (cell, "no/report.pdf", "쓸 수"),
    )
    with closing(Runner()) as runner:
        for name, target, korean in wrong:
            arguments = ["report", name, "--firm", FIRM_A, "--home", str(folder), "--out", str(tmp_path / target)]
            said = runner.run(arguments, tmp_path)
            assert (said.code, said.out) == (2, "")
            assert korean in said.err
    assert list(tmp_path.iterdir()) == []


def test_what_the_site_does_not_state_is_visible(bare: Home) -> None:
    """Laboratory, address, persons and calibration that nobody stated are printed as not stated, never invented."""
    pages = read_pages(order(bare, cells_of(bare)[0], language="en").content)
    assert pages[0].count("notstated") >= 14
    assert "Laboratory:notstated" in pages[-1]
    assert "Nocalibrationisstatedforthesechannels" in "".join(pages)
    assert len(facts_of(bare, cells_of(bare)[0]).list_missing()) == 12


def test_what_the_site_states_is_printed(stated: Home) -> None:
    """What settings.toml states is printed, in English where it stands in English, and calibrations that ran out."""
    name = cells_of(stated)[0]
    text = "".join(read_pages(order(stated, name).content))
    for told in ("마이크로전지 시험실", ADDRESS, "204호 건조실", "박담당", "홍길동", "이영희", "KC-2026-0101"):
        assert squeeze(told) in text
    assert squeeze("차기 교정일(2026-01-31)이 시험 종료 전에 지났습니다") in text
    english = "".join(read_pages(order(stated, name, language="en").content))
    assert "MicroBatteryLaboratory" in english
    assert "마이크로전지시험실" not in english


def test_texts_are_data_and_never_markup(stated: Home) -> None:
    """What looks like code of the typesetter, or like a link, is printed as it stands."""
    made = order(stated, cells_of(stated)[0])
    assert squeeze("#panic() [링크](http://example.org)") in read_pages(made.content)[0]
    assert "/URI" not in str([page.get("/Annots") for page in PdfReader(io.BytesIO(made.content)).pages])


def test_nothing_of_another_firm_is_printed(stated: Home) -> None:
    """A report of one firm holds no word of another's, in any document."""
    made = order(stated, lot_of(stated), "zip")
    with zipfile.ZipFile(io.BytesIO(made.content)) as bundle:
        contents = {name: bundle.read(name) for name in bundle.namelist()}
    pdf = next(content for name, content in contents.items() if name.endswith(".pdf"))
    text = "".join(read_pages(pdf)) + "".join(c.decode() for n, c in contents.items() if n.endswith(".jsonld"))
    assert "CANARY-B" not in text
    for cell in cells_of(stated, FIRM_B):
        assert cell not in text


@pytest.mark.parametrize("name", ["no-such-cell", "", "L2603-W99", "' OR 1=1 --"])
def test_unknown_name_is_refused_in_two_languages(bare: Home, name: str) -> None:
    """A name that stands for nothing is refused, in English and Korean."""
    with pytest.raises(UsageError, match=r"there is no cell, lot or wafer .* / .*없습니다"):
        order(bare, name)


def test_cell_of_another_firm_is_refused_like_an_unknown_one(bare: Home) -> None:
    """Another firm's cell is refused in the very words in which an unknown one is."""
    other = cells_of(bare, FIRM_B)[0]
    with pytest.raises(UsageError) as known:
        order(bare, other)
    with pytest.raises(UsageError) as unknown:
        order(bare, "nobody's")
    assert str(known.value).replace(repr(other), "?") == str(unknown.value).replace('"nobody\'s"', "?")


def test_wafer_is_named_by_lot_and_wafer(bare: Home) -> None:
    """A wafer is found as LOT-WAFER and LOT/WAFER, and holds the cells on it."""
    cell = bare.query("cells", firm=FIRM_A).row(0, named=True)
    for sign in "-/":
        subject = find_subject(bare.registry, FIRM_A, f"{cell['lot']}{sign}{cell['wafer']}")
        assert subject.kind == "wafer"
        assert cell["cell_id"] in subject.cell_ids
    assert find_subject(bare.registry, FIRM_A, cell["lot"]).kind == "lot"


def test_changed_facts_make_the_next_revision(stated: Home) -> None:
    """Other facts keep the number, count the revision up, and the report says what it replaces and what changed."""
    name = cells_of(stated)[0]
    first = order(stated, name)
    settings = stated.folder / "settings.toml"
    settings.write_text(SITE.replace("홍길동", "성춘향"), encoding="utf-8")
    with closing(Home(stated.folder)) as again:
        second = order(again, name)
        rows = list_reports(again.registry, FIRM_A, name)
    assert (second.issue.number, second.issue.revision) == (first.issue.number, 2)
    assert second.issue.changed == ("site",)
    assert f"{first.issue.identity}을대체함,변경:시험기관기재사항" in read_pages(second.content)[0]
    assert [(row["number"], row["revision"]) for row in rows] == [(first.issue.number, 1), (first.issue.number, 2)]


def test_earlier_revision_is_handed_out_as_it_was(stated: Home) -> None:
    """An earlier revision is the very document that was handed out; one that nobody was handed is refused."""
    name = cells_of(stated)[0]
    first = order(stated, name)
    (stated.folder / "settings.toml").write_text(SITE.replace("홍길동", "성춘향"), encoding="utf-8")
    with closing(Home(stated.folder)) as again:
        assert order(again, name).issue.revision == 2
        earlier = make_report(again, again.query, Order(FIRM_A, name, "pdf", "ko", 1))
        assert (earlier.issue.identity, earlier.content) == (first.issue.identity, first.content)
        for wanted in (Order(FIRM_A, name, "pdf", "en", 1), Order(FIRM_A, name, "pdf", "ko", 3)):
            with pytest.raises(UsageError, match=r"no pdf .* / .*없습니다"):
                make_report(again, again.query, wanted)


def test_damaged_document_is_made_again(stated: Home) -> None:
    """A kept document whose bytes changed on the disk is not handed out, but made again as it was."""
    name = cells_of(stated)[0]
    first = order(stated, name)
    (kept,) = (stated.folder / "issued" / FIRM_A).glob("*.pdf")
    assert kept.read_bytes() == first.content
    kept.write_bytes(b"rot")
    assert order(stated, name).content == kept.read_bytes() == first.content


def test_settings_of_another_firm_change_no_report(stated: Home) -> None:
    """What the site states of one firm gives the reports of another no new revision."""
    name = cells_of(stated)[0]
    first = order(stated, name)
    (stated.folder / "settings.toml").write_text(SITE.replace("CANARY-B", "CANARY-C"), encoding="utf-8")
    with closing(Home(stated.folder)) as again:
        assert order(again, name).issue == first.issue


def test_numbers_are_of_content_and_differ(bare: Home) -> None:
    """Each subject has a number of its own, made of twelve digits of a hash."""
    numbers = {order(bare, name, "xlsx").issue.number for name in (*cells_of(bare), lot_of(bare))}
    assert len(numbers) == len(cells_of(bare)) + 1
    assert all(re.fullmatch(r"CR(-[0-9A-F]{4}){3}", number) for number in numbers)


def test_issue_is_recorded_on_either_database(home: Home) -> None:
    """The registry keeps number, revision, firm, subject, hashes and date, on SQLite and PostgreSQL."""
    first = issue_report(home.registry, "ACME", "C1", {"a": 1, "b": 2})
    assert issue_report(home.registry, "ACME", "C1", {"b": 2, "a": 1}) == first
    second = issue_report(home.registry, "ACME", "C1", {"a": 1, "b": 3})
    assert (second.revision, second.changed, second.replaced_unix_second) == (2, ("b",), first.issued_unix_second)
    rows = list_reports(home.registry, "ACME")
    assert [row["revision"] for row in rows] == [1, 2]
    assert all(len(row["sha256"]) == 64 and row["made_of"] for row in rows)
    assert list_reports(home.registry, "OTHER") == []


def test_one_document_never_has_other_bytes(local_home: Home) -> None:
    """A document that would be handed out again with other bytes is our failure, and is not handed out."""
    issue = issue_report(local_home.registry, "ACME", "C1", {"a": 1})
    note_document(local_home.registry, issue, "ko", "pdf", b"one")
    note_document(local_home.registry, issue, "ko", "pdf", b"one")
    with pytest.raises(DamageError, match=issue.identity):
        note_document(local_home.registry, issue, "ko", "pdf", b"other")


def test_registry_made_again_knows_the_reports(stated: Home, tmp_path: Path) -> None:
    """A registry that is made again from the journal gives the same number and bytes."""
    name = cells_of(stated)[0]
    before = order(stated, name)
    stated.close()
    for file in stated.folder.glob("registry.sqlite*"):
        file.rename(tmp_path / file.name)
    with closing(Home(stated.folder)) as again:
        again.rebuild_registry()
        assert order(again, name).content == before.content


def test_cell_without_a_test_has_no_report(stated: Home, tmp_path: Path) -> None:
    """A cell of which nothing was measured is refused as such, in two languages, and gets no number."""
    manifest = tmp_path / "more.csv"
    manifest.write_text(f"firm,cell_id,lot\n{FIRM_A},EMPTY-1,L-EMPTY\n", encoding="utf-8")
    import_manifest(stated, manifest)
    for name in ("EMPTY-1", "L-EMPTY"):
        with pytest.raises(NothingMeasuredError, match=r"nothing was measured .* / .*없어"):
            order(stated, name)
        assert list_reports(stated.registry, FIRM_A, name) == []


def test_figures_are_those_of_the_queries(bare: Home) -> None:
    """The figures in print are those that the query summary gives."""
    name = cells_of(bare)[0]
    row = bare.query("summary", firm=FIRM_A, cell=name).row(0, named=True)
    text = "".join(read_pages(order(bare, name, language="en").content))
    assert squeeze(f"{write_number(row['reference_capacity_ah'] * 1e6)} μAh") in text
    assert squeeze(f"{write_number(row['last_capacity_retention'] * 100)} %") in text
    source = bare.query("tests", firm=FIRM_A, cell=name)["source_sha256"][0]
    assert source in text


def test_lot_has_statistics_with_n_and_why_no_interval(bare: Home) -> None:
    """A lot's like cells stand with n, median and quartiles, and why so few give no interval."""
    facts = facts_of(bare, lot_of(bare))
    rows = facts.tables["statistics"]
    retention = rows.filter(pl.col("metric") == "reference_capacity_ah").row(0, named=True)
    assert retention["n"] >= 2
    assert retention["minimum"] <= retention["median"] <= retention["maximum"]
    assert retention["interval_reason"] in {"too_few_wafers", "too_few_cells"}
    text = "".join(read_pages(order(bare, lot_of(bare), language="en").content))
    assert squeeze("Statistics of like cells") in text
    assert squeeze("fewer than six wafers") in text or squeeze("Fewer than six cells") in text


def test_conformity_names_its_decision_rule(stated: Home, tmp_path: Path) -> None:
    """Verdicts on a firm's own specification stand with the rule that they follow; without one, none is given."""
    name = cells_of(stated)[0]
    assert squeeze("nothing is stated about conformity") in "".join(
        read_pages(order(stated, name, language="en").content)
    )
    manifest = tmp_path / "specs.csv"
    manifest.write_text(SPECS, encoding="utf-8")
    import_manifest(stated, manifest)
    text = "".join(read_pages(order(stated, name, language="en").content))
    assert squeeze("DS-1 (1)") in text
    assert squeeze("Decision rule: Simple acceptance (ILAC-G8:09/2019, guard band w = 0)") in text


def test_uncertainty_is_stated_only_when_all_is_known() -> None:
    """U = 2·√(Σu²) when every term is known, and nothing as soon as one is not."""
    known = [Contribution(name, part, "of_site") for name, part in zip("abcde", (3e-3, 4e-3, 0, 0, 0), strict=True)]
    assert combine(known) == pytest.approx(2 * 5e-3)
    assert combine([*known, Contribution("f", None, "no_statement")]) is None


def test_known_uncertainty_is_printed(bare: Home) -> None:
    """When every term is known, the reference capacity stands with ± U, and U with its coverage factor."""
    facts = facts_of(bare, cells_of(bare)[0])
    known = tuple(Contribution(one.name, 1e-3, "of_site") for one in facts.budget)
    issue = order(bare, cells_of(bare)[0]).issue
    text = squeeze(json.dumps(make_document(replace(facts, budget=known), issue, "en"), ensure_ascii=False))
    capacity = facts.tables["summary"]["reference_capacity_ah"][0] * 1e6
    half_width = 2 * 5**0.5 * 1e-3
    assert squeeze(f"U = {write_number(half_width * 100, 2)} % (k = 2, about 95 %)") in text
    assert squeeze(f"{write_number(capacity)} ± {write_number(capacity * half_width, 2)} μAh") in text


def test_unknown_uncertainty_is_said(bare: Home) -> None:
    """A budget with unknown terms is printed with what is missing, and no expanded uncertainty."""
    text = "".join(read_pages(order(bare, cells_of(bare)[0], language="en").content))
    assert squeeze("Expanded uncertainty: not stated") in text
    assert squeeze("not known: the laboratory states none") in text
    assert "k=2" not in text


def test_workbook_reads_back(bare: Home) -> None:
    """The workbook has a row of names and one of units, the cycles as asked for, and the sources with their hashes."""
    name = cells_of(bare)[0]
    book = fastexcel.read_excel(order(bare, name, "xlsx", "en").content)
    assert {"Report", "Results", "Cycles", "Tests", "Sources"} <= set(book.sheet_names)
    cycles = book.load_sheet("Cycles", header_row=None, dtypes="string").to_polars()
    names, units = cycles.row(0), cycles.row(1)
    assert units[names.index("discharging_capacity_ah")] == "Ah"
    assert units[names.index("elapsed_day")] == "d"
    fade = bare.query("fade", firm=FIRM_A, cell=name)
    assert cycles.height == fade.height + 2
    numbers = book.load_sheet("Cycles", header_row=None, skip_rows=2).to_polars()
    shown = numbers[:, names.index("discharging_capacity_ah")].to_list()
    assert shown == pytest.approx(fade["discharging_capacity_ah"].to_list(), rel=1e-9)
    sources = book.load_sheet("Sources", header_row=0, dtypes="string").to_polars()
    assert sources["sha256"][1] == bare.query("tests", firm=FIRM_A, cell=name)["source_sha256"][0]
    assert sources["recipe"][1] == bare.recipe_of(FIRM_A).label


def test_workbook_holds_no_formula_and_no_link(stated: Home, tmp_path: Path) -> None:
    """What looks like a formula or an address in a manifest is a text in the workbook, type and all."""
    name = cells_of(stated)[0]
    manifest = tmp_path / "evil.csv"
    remarks = '=HYPERLINK(""http://example.org""),1'
    manifest.write_text(f'firm,cell_id,remarks\n{FIRM_A},{name},"{remarks}"\n', encoding="utf-8")
    import_manifest(stated, manifest)
    content = order(stated, name, "xlsx").content
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        texts = {member: book.read(member).decode() for member in book.namelist() if member.endswith((".xml", ".rels"))}
    assert any("=HYPERLINK" in text for text in texts.values())
    assert not any("<f>" in text or "<f " in text for member, text in texts.items() if "/worksheets/" in member)
    assert not any("relationships/hyperlink" in text for text in texts.values())


@pytest.mark.parametrize("language", ["ko", "en"])
def test_bundle_is_whole(bare: Home, language: Language) -> None:
    """The bundle holds PDF, workbook, Parquet in the schema's names, metadata, and the right hash of each."""
    made = order(bare, cells_of(bare)[0], "zip", language)
    with zipfile.ZipFile(io.BytesIO(made.content)) as bundle:
        assert bundle.testzip() is None
        prefix = f"{made.issue.identity}/"
        files = {name.removeprefix(prefix): bundle.read(name) for name in bundle.namelist()}
    sums = {line[66:]: line[:64] for line in files["SHA256SUMS"].decode().splitlines()}
    assert sums == {
        name: hashlib.sha256(content).hexdigest() for name, content in files.items() if name != "SHA256SUMS"
    }
    assert files[f"{made.issue.identity}.pdf"] == order(bare, cells_of(bare)[0], "pdf", language).content
    records = pl.read_parquet(io.BytesIO(files["measurements.parquet"]))
    assert set(records.columns) - {"cell_id", "test_id"} <= {*MEASUREMENTS.names, "continuous_time_second"}
    assert records.height == bare.query("measurements", firm=FIRM_A, cell=cells_of(bare)[0]).height
    assert set(CYCLES.names) & set(pl.read_parquet_schema(io.BytesIO(files["cycles.parquet"])))
    assert set(STEPS.names) & set(pl.read_parquet_schema(io.BytesIO(files["steps.parquet"])))


def test_metadata_is_linked_data(bare: Home) -> None:
    """The metadata is a schema.org Dataset that names report, files with hashes, variables with units, and sources."""
    made = order(bare, cells_of(bare)[0], "zip", "en")
    with zipfile.ZipFile(io.BytesIO(made.content)) as bundle:
        linked: dict[str, Any] = json.loads(bundle.read(f"{made.issue.identity}/metadata.jsonld"))
    assert (linked["@context"], linked["@type"]) == ("https://schema.org/", "Dataset")
    assert linked["identifier"] == made.issue.identity
    variables = {one["name"]: one for one in linked["variableMeasured"]}
    assert variables["voltage_volt"]["unitCode"] == "VLT"
    assert {one["sha256"] for one in linked["isBasedOn"]} == set(
        bare.query("tests", firm=FIRM_A, cell=cells_of(bare)[0])["source_sha256"]
    )
    assert "creator" not in linked


@pytest.mark.parametrize(
    ("text", "printed", "replaced"),
    [
        ("5 µAh, 3 Ω", "5 μAh, 3 Ω", set()),
        ("가나다 ABC", "가나다 ABC", set()),
        ("셀 \N{GRINNING FACE}", "셀 [U+1F600]", {"[U+1F600]"}),
        ("a\x00b\tc", "a[U+0000]b c", {"[U+0000]"}),
        ("e\N{COMBINING ACUTE ACCENT}", "\N{LATIN SMALL LETTER E WITH ACUTE}", None),
    ],
)
def test_characters_without_a_glyph_are_visible(text: str, printed: str, replaced: set[str] | None) -> None:
    """A character that the font lacks is printed as its code; one that has a twin there as the twin."""
    codes: set[str] = set()
    said = fit_text(text, codes)
    assert said == printed or replaced is None
    assert replaced is None or codes == replaced


def test_replaced_characters_are_noted(stated: Home, tmp_path: Path) -> None:
    """A report in which characters were replaced says so among its remarks, and no page misses a glyph."""
    name = cells_of(stated)[0]
    manifest = tmp_path / "emoji.csv"
    manifest.write_text(f"firm,cell_id,chemistry\n{FIRM_A},{name},LCO \N{GRINNING FACE}\n", encoding="utf-8")
    import_manifest(stated, manifest)
    text = "".join(read_pages(order(stated, name).content))
    assert squeeze("글꼴에 없는 문자는 코드로 표시했습니다: [U+1F600]") in text
    assert "\x00" not in text
    assert "\N{REPLACEMENT CHARACTER}" not in text


def test_received_date_comes_from_the_manifest(stated: Home, tmp_path: Path) -> None:
    """Dates of receipt and condition of a cell are what further columns of its manifest say."""
    name = cells_of(stated)[0]
    manifest = tmp_path / "received.csv"
    manifest.write_text(f"firm,cell_id,접수일,condition\n{FIRM_A},{name},2026-02-20,intact\n", encoding="utf-8")
    import_manifest(stated, manifest)
    items = facts_of(stated, name).tables["items"].row(0, named=True)
    assert (items["received"], items["condition"], items["sampled"]) == ("2026-02-20", "intact", None)


def test_paths_of_sources_are_names_alone(bare: Home) -> None:
    """Of a raw file's path only the name is told: a folder may be another firm's, or the laboratory's own business."""
    facts = facts_of(bare, lot_of(bare))
    paths = [row["path"] for row in bare.registry.rows(SOURCE_FILE.select())]
    assert any("/" in path for path in paths)
    assert not any("/" in name or "\\" in name for name in facts.tables["sources"]["name"])


def test_pdf_takes_less_than_a_second(bare: Home) -> None:
    """The PDF of a cell or a lot takes less than a second, facts included, once the fonts are open."""
    order(bare, cells_of(bare)[0])
    for name in (cells_of(bare)[0], lot_of(bare)):
        order(bare, name, language="en")
        shutil.rmtree(bare.folder / "issued")
        started = time.process_time()
        order(bare, name, language="en")
        assert time.process_time() - started < 1.0


def test_pdf_is_an_archive_document(bare: Home) -> None:
    """The PDF is tagged PDF/A with a title and the date of issue, and names its own fonts alone."""
    made = order(bare, cells_of(bare)[0])
    reader = PdfReader(io.BytesIO(made.content))
    assert reader.metadata is not None
    assert made.issue.identity in str(reader.metadata.title)
    assert "pdfaid" in made.content.decode("latin-1")
    assert reader.metadata.creation_date is not None
    assert reader.metadata.creation_date.timestamp() == made.issue.issued_unix_second
    fonts = {
        str(font.get_object()["/BaseFont"])
        for page in reader.pages
        for font in page["/Resources"].get("/Font", {}).values()
    }
    assert all("NanumGothic" in font for font in fonts)


def test_typesetter_has_no_other_fonts(bare: Home) -> None:
    """The template compiles without a warning about fonts for every word of a report."""
    facts = facts_of(bare, cells_of(bare)[0])
    issue = order(bare, cells_of(bare)[0]).issue
    document = make_document(facts, issue, "ko")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert typeset(document, 0).startswith(b"%PDF-")


def test_chart_is_drawn_with_lines_that_differ() -> None:
    """The chart has a line per cell with its own dash or marker, ticks at round values, and the same bytes again."""
    cycles = pl.DataFrame(
        {
            "cell_id": ["a"] * 3 + ["b"] * 3,
            "cycle": [1, 2, 3] * 2,
            "class": ["ageing"] * 6,
            "capacity_retention": [1.0, 0.9, 0.7, 1.0, 0.95, 0.9],
            "coulombic_efficiency": [0.99] * 6,
            "discharging_capacity_ah": [1e-6] * 6,
        }
    )
    say = learn_words("en")
    svg = draw_fade(cycles, 0.8, say)
    assert svg == draw_fade(cycles, 0.8, say)
    assert "End of life 80 %" in svg
    assert svg.count('stroke-width="1.2"') == 6
    assert "stroke-dasharray" in svg
    assert make_ticks(68, 101, 5) == [70, 80, 90, 100]
    assert draw_fade(cycles.clear(), 0.8, say) == ""


def test_numbers_in_a_column_can_be_compared() -> None:
    """Numbers of a column have one number of decimals; units take the prefix that suits most; none stays empty."""
    assert write_column([99.69, 100.1, None, 0.0]) == ["99.69", "100.10", "", "0"]
    assert choose_scale([4.7e-5, 5e-5, None], "Ah") == ("μAh", pytest.approx(1e6))
    assert choose_scale([0.5], "%") == ("%", 100.0)
    assert (write_number(1.5e-7), write_number(None), write_number(float("nan"))) == ("1.500e-07", "", "")
    assert [write_duration(second) for second in (12.0, 600.0, 36000.0, 172800.0)] == [
        "12.0 s",
        "10.0 min",
        "10.0 h",
        "2.00 d",
    ]


def find_sentences() -> set[str]:
    """Return every sentence that the reports' code says."""
    found: set[str] = set()
    for path in (PORTAL / "reports").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                found |= {str(node.args[0].value)} if name in {"say", "N_"} else set()
    return found


@pytest.mark.parametrize("language", ["ko", "en"])
def test_every_sentence_of_a_report_is_translated(language: str) -> None:
    """Each sentence that a report says stands in the reports' own catalogue, and no other does."""
    with (PORTAL / "locale" / language / "report.po").open("rb") as file:
        known = {str(message.id): str(message.string) for message in read_po(file) if message.id}
    assert known.keys() == find_sentences()
    assert all(known.values())


def test_every_note_has_its_sentence() -> None:
    """Each code of a note that code makes has a sentence."""
    made: set[str] = set()
    for name in ("notes.py", "background.py"):
        text = (PORTAL / "reports" / name).read_text("utf-8")
        made |= set(re.findall(r'(?:Note|_note_cells|_tell_note)\((?:page, )?"(\w+)"', text))
    assert made == SENTENCES.keys()


@pytest.mark.parametrize(
    "given",
    [
        {"labor": "x"},
        {"laboratory": 3},
        {"laboratory": " "},
        {"time_relative": 2},
        {"time_relative": True},
        {"firm": []},
        {"firm": {"A": {"phone": "1"}}},
        {"calibration": [{"channel": "*"}]},
        {"calibration": [{"channel": "*", "quantity": "current", "certificate": "1", "due": "tomorrow"}]},
    ],
)
def test_wrong_statements_of_a_site_are_refused(given: dict[str, Any]) -> None:
    """A statement that is unknown or cannot be is refused when the home is opened, not when a report is made."""
    with pytest.raises(UsageError, match="report"):
        parse_site(given)


def test_brackets_in_a_channels_name_are_no_pattern() -> None:
    """A calibration is found by a pattern in which brackets, which channels' names hold, mean themselves."""
    told = {"channel": "CH[01]-*", "quantity": "current", "certificate": "1"}
    site = parse_site({"calibration": [told]})
    assert site.calibrations_of("CH[01]-3") == [told]
    assert site.calibrations_of("CH0-3") == []
    assert site.calibrations_of(None) == []


@pytest.mark.parametrize(("ending", "media"), [("pdf", "application/pdf"), ("zip", "application/zip")])
def test_portal_sends_reports(reports_site: Site, bare: Home, ending: str, media: str) -> None:
    """The portal sends the bytes that the command line writes, named by number and language, and knows its own ETag."""
    name = cells_of(bare)[0]
    client = reports_site.client("a")
    answer = client.get(f"/api/v1/reports/{name}", params={"format": ending, "lang": "en"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == media
    made = order(bare, name, "zip" if ending == "zip" else "pdf", "en")
    assert answer.content == made.content
    assert made.name in answer.headers["content-disposition"]
    again = client.get(
        f"/api/v1/reports/{name}",
        params={"format": ending, "lang": "en"},
        headers={"if-none-match": answer.headers["etag"]},
    )
    assert (again.status_code, again.content) == (304, b"")


def test_portal_hides_what_is_not_the_callers(reports_site: Site, bare: Home) -> None:
    """Another firm's cell, lot and list of reports are 404 as what does not exist, and without a token there is 401."""
    client = reports_site.client("a")
    other = cells_of(bare, FIRM_B)[0]
    unknown = client.get("/api/v1/reports/nothing")
    for answer in (
        client.get(f"/api/v1/reports/{other}"),
        client.get(f"/api/v1/reports/{other}", params={"firm": FIRM_B}),
        client.get("/api/v1/reports", params={"firm": FIRM_B}),
    ):
        assert (answer.status_code, answer.json()) == (404, unknown.json())
    assert reports_site.client().get(f"/api/v1/reports/{other}").status_code == 401


def test_portal_lists_what_was_issued(reports_site: Site, bare: Home) -> None:
    """A firm reads the list of its own reports; a technician names the firm first."""
    name = cells_of(bare)[0]
    made = order(bare, name)
    listed = reports_site.client("a").get("/api/v1/reports").json()
    assert made.issue.number in {row["number"] for row in listed}
    technician = reports_site.client("technician")
    assert technician.get(f"/api/v1/reports/{name}").status_code == 422
    assert technician.get(f"/api/v1/reports/{name}", params={"firm": FIRM_A}).status_code == 200
    assert reports_site.client("b").get("/api/v1/reports").json() == []


def test_portal_refuses_other_formats(reports_site: Site, bare: Home) -> None:
    """A format or language that there is not is refused as such."""
    for wrong in ({"format": "docx"}, {"lang": "de"}):
        assert reports_site.client("a").get(f"/api/v1/reports/{cells_of(bare)[0]}", params=wrong).status_code == 422


@pytest.mark.parametrize("name", ["cell", "lot"])
def test_book_is_made_of_the_facts_alone(bare: Home, name: str) -> None:
    """The workbook's bytes depend on nothing but facts, number and language."""
    facts = facts_of(bare, cells_of(bare)[0] if name == "cell" else lot_of(bare))
    issue = issue_report(bare.registry, FIRM_A, facts.subject["name"], facts.parts())
    assert make_book(facts, issue, "ko") == make_book(facts, issue, "ko")
    assert make_book(facts, issue, "ko") != make_book(facts, issue, "en")
