from __future__ import annotations

import ast
import re
import tomllib
from importlib import resources
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from jinja2.ext import extract_from_ast

from portal.templating import environment, format_kst, format_number, format_si
from portal.translation import LANGUAGES, catalogue, choose_language, translator
from warehouse.ask import questions

PORTAL = Path(__file__).parent.parent / "portal"
# What says an English sentence in the reader's language: ``_`` everywhere, ``Text`` in charts.
SAYING = frozenset({"_", "Text"})
# A setting as life.end_of_life, or a result as capacity_retention.
SETTING = re.compile(r"[a-z]+(?:[._][a-z]+)+")
HANGUL = re.compile(r"[가-힣]")
# Names and abbreviations that are the same in Korean.
SAME_IN_KOREAN = re.compile(r"[A-Z][A-Za-z0-9 /.,²·()%-]*|[a-zµ]{1,3}|\{\w+\}.*")


def find_sentences() -> dict[str, str]:
    """Return every sentence that templates and code say, with the file that says it."""
    found: dict[str, str] = {}
    for path in sorted((PORTAL / "templates").rglob("*.html")):
        tree = environment().parse(path.read_text("utf-8"))
        for _, _, message in extract_from_ast(tree, ("_",)):
            # With values the sentence comes first, and they behind it.
            sentence = message[0] if isinstance(message, tuple) else message
            found |= {sentence: path.name} if sentence else {}
    for path in sorted(PORTAL.rglob("*.py")):
        found |= dict.fromkeys(_in_code(ast.parse(path.read_text("utf-8"))), path.name)
    return found


def _in_code(tree: ast.AST) -> list[str]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in SAYING and node.args:
            in_korean = any(word.arg == "ko" for word in node.keywords)
            first = node.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str) and not in_korean:
                found.append(first.value)
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_is_in_the_catalogue(language: str) -> None:
    """Each sentence that a page or a chart says stands in the catalogue of each language."""
    known = catalogue("ko" if language == "ko" else "en")
    sentences = find_sentences()
    assert len(sentences) > 30
    assert {sentence: place for sentence, place in sentences.items() if sentence not in known} == {}


def test_both_catalogues_hold_the_same() -> None:
    """What one language can say, the other can, and English says the key itself."""
    assert catalogue("ko").keys() == catalogue("en").keys()


def told_by_warehouse() -> dict[str, str]:
    """Return what the warehouse says of its questions: what they ask, their columns, formulas and sources."""
    return {
        sentence: question.name
        for question in questions().values()
        for sentence in (
            question.asks,
            *(meaning for _, _, meaning in question.columns),
            *(text for _, text in question.notes),
        )
    }


def test_why_this_number_speaks_korean() -> None:
    """Each question, column, formula, condition and source of the warehouse is said in Korean under the numbers."""
    told = told_by_warehouse()
    assert len(told) > 900
    assert {sentence: name for sentence, name in told.items() if sentence not in catalogue("ko")} == {}


def test_sources_of_shipped_requirements_speak_korean() -> None:
    """Where an example's requirement is from is said in Korean beside its verdict."""
    sets = sorted((resources.files("warehouse.requirements") / "sets").iterdir(), key=str)
    told = {
        one["source"]
        for path in sets
        if path.name.endswith(".toml")
        for one in tomllib.loads(path.read_text("utf-8"))["requirement"]
    }
    assert len(told) > 20
    assert told - catalogue("ko").keys() == set()


def test_formulas_keep_their_names() -> None:
    """A formula in Korean names the very settings and results that it names in English."""
    for question in questions().values():
        for kind, text in question.notes:
            if kind == "formula":
                assert set(SETTING.findall(text)) <= set(SETTING.findall(catalogue("ko")[text])), text


def test_korean_is_korean() -> None:
    """A sentence in the Korean catalogue is in Korean, but for names and signs."""
    left = {key for key, said in catalogue("ko").items() if not HANGUL.search(said)}
    assert {sentence for sentence in left if not SAME_IN_KOREAN.fullmatch(sentence)} == set()


def test_names_in_braces_are_the_same() -> None:
    """A translation has the very names in braces that its sentence has."""
    for language in LANGUAGES:
        for key, said in catalogue(language).items():
            assert set(re.findall(r"\{\w+\}", key)) == set(re.findall(r"\{\w+\}", said)), key


@pytest.mark.parametrize(
    "path", sorted((PORTAL / "locale").rglob("*.po")), ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_catalogue_is_well_formed(path: Path) -> None:
    """A catalogue is a file that any tool for translators reads, with no sentence twice and none doubtful."""
    with path.open("rb") as file:
        messages = read_po(file, locale=path.parent.name, abort_invalid=True)
    keys = re.findall(r'^msgid "(.+)"$', path.read_text("utf-8"), re.MULTILINE)
    assert len(keys) == len(set(keys))
    assert not any(message.fuzzy for message in messages if message.id)


@pytest.mark.parametrize(
    ("asked", "kept", "accepted", "spoken"),
    [
        (None, None, "", "ko"),
        ("en", "ko", "ko", "en"),
        (None, "en", "ko", "en"),
        (None, None, "en-GB,en;q=0.9,ko;q=0.8", "en"),
        (None, None, "de,ko;q=0.5,en;q=0.4", "ko"),
        ("xx", "../..", "q;q=x", "ko"),
    ],
)
def test_language_is_chosen(asked: str | None, kept: str | None, accepted: str, spoken: str) -> None:
    """The address counts before an earlier choice, that before the browser's wishes, and Korean is spoken else."""
    assert choose_language(asked, kept, accepted) == spoken


def test_unknown_sentence_stays_english() -> None:
    """A sentence that no catalogue has is said in English, values put in."""
    assert translator("ko")("{n} zebras", n=3) == "3 zebras"


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (1.234e-5, "Ah", "12.34 µAh"),
        (0.0, "A", "0 A"),
        (9.9996e-7, "A", "1.000 µA"),
        (3.7001, "V", "3.700 V"),
        (1500.0, "Ω", "1.500 kΩ"),
        (-2.5e-9, "A", "-2.500 nA"),
        (25.0, "°C", "25.00 °C"),
        (None, "V", "\N{EN DASH}"),
        (float("nan"), "V", "\N{EN DASH}"),
        (1e-20, "A", "1e-08 pA"),
    ],
)
def test_numbers_take_the_prefix_that_suits(value: float | None, unit: str, shown: str) -> None:
    """A number is written with four digits and the SI prefix of its size."""
    assert format_si(value, unit) == shown


def test_plain_numbers_and_times() -> None:
    """Plain numbers have four significant digits, and moments are told in Korean time."""
    assert [format_number(value) for value in (0.98765, 1234567.0, 0.0)] == ["0.9877", "1,235,000", "0"]
    assert format_kst(0) == "1970-01-01 09:00 KST"
