"""Warnings in Korean: every sentence of the readers has its template, and comes out where technicians read it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from babel.messages.pofile import read_po
from reader_warnings import ROOT, Code, follow_all, follow_readers

import parsers
from flows.accounts import blank_receipt
from flows.console import word_warnings
from flows.receipts import render_receipt
from portal.reports import background
from portal.reports.blocks import Page
from portal.reports.words import learn_words
from portal.templating import say_warning
from portal.translation import Language
from warehouse.warned import CATALOGUE, Template, find_gaps, list_templates, split_template, tell_warning

HANGUL = re.compile(r"[가-힣]")
# Which of its two forms a particle takes is known of a fixed word alone.
PARTICLE = re.compile(r"\}(은|는|이|가|을|를|과|와|으로|로)(?![가-힣])")
# Said by a library that we call, of versions of its own formats.
OF_LIBRARY = ("nda_version {version} ", "BTS9 ")
AT = datetime(2026, 3, 2, tzinfo=UTC)


def fill(template: str) -> str:
    """Return a sentence of a template of the source: a number in each gap."""
    fixed, _ = split_template(template)
    return "17".join(fixed)


def all_texts() -> set[tuple[str, ...]]:
    """Return the fixed words of every text in the code that warnings come from."""
    code = Code(*(ROOT / folder for folder in ("parsers", "warehouse", "flows")))
    texts = {text for node in code.nodes if (text := code.text(node)) and " " in text}
    return {split_template(text)[0] for text in texts if is_template(text)}


def is_template(text: str) -> bool:
    """Say whether a text can be one: braces of other things are not balanced."""
    try:
        split_template(text)
    except ValueError:
        return False
    return True


# The catalogue


def test_walk_finds_the_warnings_of_every_kind_of_reader() -> None:
    """The walk through the readers' source ends at texts, but for what a library says; it is not blind."""
    found = follow_readers()
    assert [place for place in found.lost if "entry.message" not in place] == []
    assert len(found.sentences) > 70
    # Through a constant, a list that grows in a helper, a loop over functions, and a tuple that is taken apart.
    assert "the clock restarts with table {name}; its times go on from the table before, " in " ".join(found.sentences)
    assert "Ah and Wh do not follow the current: the test plan set them back; they are left out" in found.sentences
    assert "step_index stands beside step_id and is left out" in found.sentences
    assert "no place for the temperatures {}" in found.sentences
    assert "its records" in found.phrases


def test_walk_finds_what_others_add() -> None:
    """Gate, owner and wafer map add to the readers' warnings; only a doubt about a continuation comes another way."""
    found = follow_all()
    assert sorted(place.partition(":")[0] for place in found.lost) == ["parsers._neware", "warehouse.links"]
    added = found.sentences.keys() - follow_readers().sentences.keys()
    assert {"{}, but {} was named and is believed", "the manifest contradicts the rows: {}"} < added
    doubt = "it may continue T1, as the channel is the same and the name counts on, and is not linked: its first "
    assert HANGUL.search(tell_warning(f"{doubt}voltage 3.1 V does not join 3.7 V, and no counter goes on"))


def test_every_warning_has_its_template() -> None:
    """Each sentence that readers, gate and flows may warn with, and each phrase within one, is told in Korean."""
    found = follow_all()
    said = found.sentences | found.phrases
    assert {text: place for text, place in said.items() if not HANGUL.search(tell_warning(fill(text)))} == {}


def test_every_template_is_of_a_sentence_that_is_said() -> None:
    """No template outlives its sentence: its words stand somewhere in the code, or in the library's."""
    texts = all_texts()
    left = [one.english for one in list_templates() if not one.english.startswith(OF_LIBRARY)]
    assert [text for text in left if not any(covers(fixed, text) for fixed in texts)] == []


def covers(fixed: tuple[str, ...], text: str) -> bool:
    """Say whether a text of the code may say a template's sentence; of gaps alone it may say anything."""
    return len("".join(fixed).strip()) > 3 and find_gaps(fixed, text) is not None


@pytest.mark.parametrize("one", list_templates(), ids=lambda one: one.english[:40])
def test_gaps_agree(one: Template) -> None:
    """A Korean sentence has the gaps of its English one, each once, and no particle that depends on a gap's words."""
    assert sorted(split_template(one.korean)[1]) == sorted(set(one.names))
    assert len(one.names) == len(set(one.names))
    assert HANGUL.search(one.korean)
    assert PARTICLE.search(one.korean) is None


def test_catalogue_is_well_formed() -> None:
    """The catalogue is a file that tools for translators read, with no sentence twice and none doubtful."""
    path = ROOT / "warehouse" / CATALOGUE
    with path.open("rb") as file:
        messages = [one for one in read_po(file, locale="ko", abort_invalid=True) if one.id]
    keys = re.findall(r'^msgid "(.+)"$', path.read_text("utf-8"), re.MULTILINE)
    assert len(keys) == len(messages) == len({split_template(key)[0] for key in keys})
    assert not any(one.fuzzy for one in messages)


# Telling


def test_what_stands_in_the_gaps_stays() -> None:
    """Numbers and names go into the Korean sentence as the file has them."""
    told = tell_warning("the header announces 12 points, the file holds 10")
    assert told == "헤더에는 12점이라고 적혀 있으나 파일에는 10점이 있습니다."
    assert "{odd}, 100 % 'x'" in tell_warning("columns in unknown units are left out: {odd}, 100 % 'x'")


def test_claims_are_told_within_their_sentence() -> None:
    """What a rule says of an owner is a sentence within the one that says who was believed."""
    told = tell_warning("file (sample 'C 7') says cell C 7 of FIRM-A, but FIRM-B/D1 was named and is believed")
    claim, belief = told.split(". ")
    assert claim == "파일 내용(sample 'C 7')에 따르면 FIRM-A 기업의 셀 C 7입니다"
    assert belief == "그러나 직접 지정한 FIRM-B/D1에 따라 등록했습니다."


def test_phrases_in_gaps_are_told_too() -> None:
    """A phrase that a reader puts into a gap is Korean as well; a column that is called like a word is not touched."""
    assert "기록 중간에" in tell_warning(
        "the file ends inside its records at byte 9; all before was read; it is probably still being written"
    )
    assert tell_warning("columns that are not known are passed over: file, name").endswith(": file, name")


def test_unknown_sentence_stays_english() -> None:
    """What no template fits is returned as it is: of an older version, of a library, or nothing at all."""
    for sentence in ("", "{", "17", "a sentence that nobody has translated {}", "the file is empty, nearly"):
        assert tell_warning(sentence) == sentence


def test_the_fullest_template_wins() -> None:
    """Where two templates fit, the one with more fixed words tells the sentence."""
    assert tell_warning("total cycle 3, charge") == "총 사이클 3, 충전"
    assert tell_warning("total cycle 3, rest") == "총 사이클 3, rest"


def test_a_file_cannot_make_telling_slow() -> None:
    """A column's name made of a template's own words, over and over, is told like any other."""
    name = ", which is no count; left out" * 2000
    assert tell_warning(f"columns in unknown units are left out: {name}").endswith(name)
    nested = "the manifest contradicts the rows: " * 2000
    assert tell_warning(nested).startswith("명세표가 데이터와 모순됩니다.")


# Where technicians read it

REAL = {
    "the header announces 12 points, the file holds 10": "파일에는 10점이 있습니다.",
    "columns in unknown units are left out: Pressure / furlong": "열을 제외했습니다: Pressure / furlong",
    "the last line of 000001 is cut off and left out": "000001 파일의 마지막 줄이 잘려 있어 제외했습니다.",
    "columns with unknown ids are left out: 7, 9": "알 수 없는 번호의 열을 제외했습니다: 7, 9",
    "nobody has translated this": "nobody has translated this",
}


def test_receipt_tells_warnings_in_both_languages() -> None:
    """The Korean half of a receipt has each warning in Korean, the English half as it was written."""
    korean, english = render_receipt(blank_receipt("a.z", "ab" * 32, "committed") | {"warnings": list(REAL)}, AT).split(
        "-" * 60
    )
    for sentence, said in REAL.items():
        assert re.search(rf"^주의: .*{re.escape(said)}$", korean, re.MULTILINE)
        assert f"Warning: {sentence}\n" in english
        assert (sentence in korean) == (sentence == said)


def test_commands_tell_warnings_in_both_languages() -> None:
    """At a terminal the Korean line stands below the English one, where there is one."""
    told = list(word_warnings(["the file is empty", "?"]))
    assert told == ["warning: the file is empty", "주의: 빈 파일입니다.", "warning: ?"]


def test_page_marks_the_language_of_a_warning() -> None:
    """What is said is marked as what it is, for a screen reader."""
    assert say_warning("ko", "the file is empty") == ("빈 파일입니다.", "ko")
    assert say_warning("ko", "?") == ("?", "en")
    assert say_warning("en", "the file is empty") == ("the file is empty", "en")


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("ko", ["T1: 판독기 메모: 빈 파일입니다.", "T1: 판독기 메모(원문): ?"]),
        ("en", [f"T1: note of the reader, as it was written: {text}" for text in ("the file is empty", "?")]),
    ],
)
def test_report_tells_warnings_in_its_language(language: Language, told: list[str]) -> None:
    """A Korean report has a reader's note in Korean, and says of the others that they are as they were written."""
    page = Page(learn_words(language), language, [])
    said = [background._tell_note(page, "warning", {"test": "T1", "text": text}) for text in ("the file is empty", "?")]
    assert said == told


# Real files of several makers, each with something to warn of
WARNING_FILES = (
    "bdf_csv/battery-data-alliance-battery-data-format__SINTEF__LiGrR2032__2024-04-30__25degC__Landt.bdf.csv",
    "biologic_mpr/EmpaEconversion-aurora-cycler-manager__commercial_cell_009__1761925606_C13.mpr",
    "gamry_dta/bcliang-gamry-parser__ocvcurve_data.dta",
    "maccor/jepegit-cellpy__maccor_two.txt",
    "neware_ndax/EmpaEconversion-fastnda__Unit27_Example_Corrupt.ndax",
    "novonix/BatLabLancaster-preparenovonix__example_data.csv",
    "eis_other/ECSHackWeek-impedance.py__exampleDataZPlot.z",
)


@pytest.mark.parametrize("name", WARNING_FILES, ids=lambda name: name.partition("/")[0])
def test_real_files_warn_in_korean(corpus: Path, name: str) -> None:
    """What a reader says of a real file stands in Korean in its receipt, and in English below."""
    reading = parsers.read(corpus / name, None, ZoneInfo("Asia/Seoul"), {})
    receipt = blank_receipt(name, "ab" * 32, "committed") | {"warnings": list(reading.warnings)}
    korean, english = render_receipt(receipt, AT).split("-" * 60)
    told = re.findall("^주의: (.*)$", korean, re.MULTILINE)
    assert len(told) == len(reading.warnings) > 0
    assert all(HANGUL.search(sentence) for sentence in told)
    assert all(f"Warning: {sentence}\n" in english for sentence in reading.warnings)
