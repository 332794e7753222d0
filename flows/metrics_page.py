"""``docs/metrics.md``: every metric with formula, unit, conditions and source, from where it is computed.

Four sources: the hand-written texts of ``docs/metrics/``, the heads of the named queries, the docstrings of the
packages that compute what SQL cannot, and the recipe.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from importlib import import_module
from inspect import cleandoc
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType
from typing import Any, Final

from warehouse.ask import NOTES, Question, questions
from warehouse.recipe import Recipe
from warehouse.results import PACKAGES
from warehouse.schema import F64, FLAG, I64, STEP_TYPE, TABLES, TEXT

ROOT: Final = Path(__file__).resolve().parents[1]
TEXTS: Final = ROOT / "docs" / "metrics"
# Questions about what was measured, or about what is kept, not about what is computed of it.
NO_METRICS: Final = ("alerts", "cells", "measurements", "quality", "spectra", "tests")
RECIPE_HEAD: Final = "| name | value | meaning |\n| --- | --- | --- |\n"
NOTE_LINE: Final = re.compile(rf"^({'|'.join(NOTES)}): (.*(?:\n    .*)*)", re.MULTILINE)
ARGUMENT: Final = re.compile(r"^ {4}(\w+): (.*(?:\n {8,}\S.*)*)", re.MULTILINE)
COLUMNS: Final = [column for table in TABLES for column in table.columns]
# A column that is a label, a key or an answer of yes and no wherever it stands.
LABELS: Final = frozenset(one.name for one in COLUMNS if one.key or one.dtype in {TEXT, FLAG, STEP_TYPE}) - frozenset(
    one.name for one in COLUMNS if not one.key and one.dtype in {F64, I64}
)


def write_metrics() -> str:
    """Return the page below its first line."""
    explained = "".join(_include(path) for path in sorted(TEXTS.glob("*.md")))
    asked = "".join(_describe_question(one) for one in metric_questions())
    computed = "".join(_describe_package(name) for name in ("statistics", *PACKAGES))
    return (
        f"{explained}# Questions\n{asked}\n# Computations\n\n"
        f"What the packages say of themselves that SQL cannot compute; their results are tables of their own.\n"
        f"{computed}\n# Recipe\n{''.join(_describe_recipe())}"
    )


def metric_questions() -> list[Question]:
    """Return the questions whose answers hold metrics."""
    return [one for one in questions().values() if one.name not in NO_METRICS]


def _include(path: Path) -> str:
    """Return a hand-written text, its links as seen from one folder above."""
    return path.read_text(encoding="utf-8").replace("](../", "](").rstrip() + "\n\n"


def _describe_question(question: Question) -> str:
    notes = "".join(_describe_note(kind, text) for kind, text in sorted(question.notes, key=_place))
    units = [(name, unit, meaning) for name, unit, meaning in question.columns if is_metric(name, unit)]
    rows = "".join(f"| `{name}` | {unit} | {_escape(meaning)} |\n" for name, unit, meaning in units)
    table = f"\n| column | unit | meaning |\n| --- | --- | --- |\n{rows}" if rows else ""
    return f"\n## {question.name}\n\n{question.asks}\n\n{notes}{table}"


def is_metric(name: str, unit: str) -> bool:
    """Whether a column holds a figure, and not a label, a key or a reason."""
    return bool(unit) or name not in LABELS


def _place(note: tuple[str, str]) -> int:
    return NOTES.index(note[0])


def _describe_note(kind: str, text: str) -> str:
    return f"* *{kind}*: {' '.join(text.split())}\n"


def _describe_package(name: str) -> str:
    """Return what a package, and each module of it that says how its figures come about, say of themselves."""
    package = import_module(f"warehouse.{name}")
    modules = [package, *_list_modules(package)]
    told = [_describe_module(module) for module in modules if module is package or NOTE_LINE.search(_document(module))]
    return "".join(told)


def _list_modules(package: ModuleType) -> Iterator[ModuleType]:
    for found in iter_modules(getattr(package, "__path__", ())):
        yield import_module(f"{package.__name__}.{found.name}")


def _describe_module(module: ModuleType) -> str:
    document = _document(module)
    lead = document.partition("\n\n")[0].replace("\n", " ")
    notes = "".join(_describe_note(found[1], found[2]) for found in NOTE_LINE.finditer(document))
    separate = f"\n{notes}" if notes else ""
    return f"\n## {module.__name__}\n\n{lead.replace('``', '`')}\n{separate}"


def _document(module: ModuleType) -> str:
    return (module.__doc__ or "").strip()


def _describe_recipe() -> Iterator[str]:
    recipe = Recipe()
    yield (
        f"\nThe platform's default, `{recipe.label}`. A home changes it in `recipe.toml`, a firm in "
        "`recipes/<firm>.toml`; both hold only what differs.\n"
    )
    sections = _parse_arguments(recipe)
    for one in fields(recipe):
        section = getattr(recipe, one.name)
        if isinstance(section, str):
            continue
        meaning = sections[one.name]
        yield f"\n## {one.name}\n\n{meaning[0].upper()}{meaning[1:]}\n\n{RECIPE_HEAD}"
        meanings = _parse_arguments(section)
        for value in fields(section):
            shown = _escape(_write_value(getattr(section, value.name)))
            yield f"| `{one.name}.{value.name}` | {shown} | {_escape(meanings.get(value.name, ''))} |\n"


def _parse_arguments(documented: Any) -> dict[str, str]:
    """Return what a dataclass's docstring says of its fields."""
    arguments = cleandoc(type(documented).__doc__ or "").partition("Args:\n")[2]
    return {found[1]: " ".join(found[2].split()) for found in ARGUMENT.finditer(arguments)}


def _write_value(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(_write_value, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _escape(text: str) -> str:
    return text.replace("|", "\\|")
