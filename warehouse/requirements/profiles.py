"""Sets of requirements: what an application asks of a cell, in TOML.

::

    name = "bio_implant"
    title = { en = "Implant", ko = "체내 이식" }
    decision_rule = "guard_band"                   # or simple_acceptance; the recipe's where it is left out
    example = true                                 # for shipped sets alone

    [[requirement]]
    name = "capacity_at_body_temperature"
    quantity = "capacity_of_nominal"               # one of warehouse.requirements.quantities
    operator = ">="                                # or <=
    value = 0.9
    unit = "fraction"
    statistic = "each"                             # every cell, or the median of all
    conditions = { temperature_celsius = 37.0 }    # of warehouse.requirements.conditions
    source = "where this is from, and what of it is unverified"
    note = { en = "…", ko = "…" }
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final

from warehouse.errors import UsageError
from warehouse.requirements.conditions import CONDITIONS
from warehouse.requirements.quantities import QUANTITIES
from warehouse.requirements.units import to_unit

OPERATORS: Final = {">=": "at_least", "<=": "at_most"}
STATISTICS: Final = ("each", "median")
DECISION_RULES: Final = ("guard_band", "simple_acceptance")
SHIPPED: Final = "sets"
TEXT: Final = (str,)
NUMBER: Final = (int, float)
FIELDS: Final[Mapping[str, tuple[type, ...]]] = {
    "name": TEXT,
    "quantity": TEXT,
    "operator": TEXT,
    "value": NUMBER,
    "unit": TEXT,
    "statistic": TEXT,
    "source": TEXT,
}
FURTHER_FIELDS: Final = ("conditions", "note")
HEAD: Final = ("name", "title", "version", "example", "decision_rule", "requirement")


@dataclass(frozen=True)
class Requirement:
    """One requirement.

    Args:
        name: unique within its set.
        quantity: what is required, a key of ``QUANTITIES``.
        operator: at_least or at_most.
        limit: in the quantity's SI unit.
        statistic: each for every cell, or median.
        conditions: under which it holds, by name.
        source: where it is from.
        note: what it is for, by language.
    """

    name: str
    quantity: str
    operator: str
    limit: float
    statistic: str
    conditions: Mapping[str, float]
    source: str
    note: Mapping[str, str]


@dataclass(frozen=True)
class Profile:
    """A set of requirements.

    Args:
        name: of the set.
        version: of the set, from 1.
        title: by language.
        example: whether it is shipped as an example.
        decision_rule: guard_band, simple_acceptance, or empty for the recipe's.
        requirements: in their order.
        document: the text that it was read from.
    """

    name: str
    version: int
    title: Mapping[str, str]
    example: bool
    decision_rule: str
    requirements: tuple[Requirement, ...]
    document: str


@cache
def shipped_profiles() -> tuple[Profile, ...]:
    """Return the shipped example sets, by name."""
    files = sorted((resources.files(__package__) / SHIPPED).iterdir(), key=lambda file: file.name)
    return tuple(parse_profile(file.read_text("utf-8"), file.name) for file in files if file.name.endswith(".toml"))


def parse_profile(document: str, origin: str, version: int | None = None) -> Profile:
    """Read a set of requirements.

    Args:
        document: TOML.
        origin: whose text it is, for messages.
        version: of the set; the document's own by default.

    Raises:
        UsageError: it is no TOML, or says something that is not understood; names the requirement and the field.
    """
    try:
        given = tomllib.loads(document)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{origin}: {error}") from error
    _refuse_unknown(given, HEAD, origin)
    rows = given.get("requirement")
    if not isinstance(rows, list) or not rows:
        raise UsageError(f"{origin}: there is no [[requirement]]")
    requirements = tuple(_parse_requirement(row, f"{origin}: requirement {n}") for n, row in enumerate(rows, start=1))
    # Rows of the score sheet go by these names.
    names = [one.name for one in requirements]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise UsageError(f"{origin}: there are several requirements named {', '.join(doubled)}")
    rule = _take(given.get("decision_rule", ""), ("", *DECISION_RULES), f"{origin}: decision_rule")
    name, title = given.get("name"), given.get("title")
    if not isinstance(name, str) or not name:
        raise UsageError(f"{origin}: name must be a text, not {name!r}")
    number = version or given.get("version", 1)
    if not isinstance(number, int) or number < 1:
        raise UsageError(f"{origin}: version must be a whole number from 1, not {number!r}")
    words = _take_words(title, f"{origin}: title")
    return Profile(name, number, words, given.get("example") is True, rule, requirements, document)


def _parse_requirement(row: Any, place: str) -> Requirement:
    if not isinstance(row, Mapping):
        raise UsageError(f"{place} must be a table, not {row!r}")
    place = f"{place} ({row.get('name', 'without a name')})"
    _refuse_unknown(row, (*FIELDS, *FURTHER_FIELDS), place)
    for field, kinds in FIELDS.items():
        if isinstance(row.get(field), bool) or not isinstance(row.get(field), kinds):
            raise UsageError(f"{place}: {field} must be a {kinds[-1].__name__}, not {row.get(field)!r}")
    # Judged in SI, so that a limit in µAh and a capacity in Ah are never compared.
    quantity = QUANTITIES[_take(row["quantity"], tuple(QUANTITIES), f"{place}: quantity")]
    limit = to_unit(float(row["value"]), row["unit"], quantity.unit)
    if limit is None:
        kind = quantity.unit or "a fraction or number"
        raise UsageError(f"{place}: unit {row['unit']!r} is no unit of {row['quantity']}, which is {kind}")
    return Requirement(
        name=row["name"],
        quantity=row["quantity"],
        operator=OPERATORS[_take(row["operator"], tuple(OPERATORS), f"{place}: operator")],
        limit=limit,
        statistic=_take(row["statistic"], STATISTICS, f"{place}: statistic"),
        conditions=_parse_conditions(row.get("conditions", {}), quantity.conditions, place),
        source=row["source"],
        note=_take_words(row.get("note", {"en": "", "ko": ""}), f"{place}: note"),
    )


def _parse_conditions(given: Any, known: tuple[str, ...], place: str) -> dict[str, float]:
    """Return conditions; one that the quantity is never measured under would make it untestable."""
    if not isinstance(given, Mapping):
        raise UsageError(f"{place}: conditions must be a table, not {given!r}")
    for name, value in given.items():
        if name not in known:
            why = "this quantity has none of that name" if name in CONDITIONS else "there is no such condition"
            raise UsageError(f"{place}: condition {name}: {why}; it has {', '.join(known) or 'none'}")
        if isinstance(value, bool) or not isinstance(value, NUMBER):
            raise UsageError(f"{place}: condition {name} must be a number, not {value!r}")
    return {name: float(value) for name, value in given.items()}


def _refuse_unknown(given: Mapping[str, Any], known: tuple[str, ...], place: str) -> None:
    unknown = sorted(given.keys() - set(known))
    if unknown:
        raise UsageError(f"{place}: {', '.join(unknown)} is not understood; there are {', '.join(known)}")


def _take(value: Any, known: tuple[str, ...], place: str) -> str:
    if value not in known:
        raise UsageError(f"{place} cannot be {value!r}; it is one of {', '.join(filter(None, known))}")
    return str(value)


def _take_words(given: Any, place: str) -> dict[str, str]:
    if not isinstance(given, Mapping) or not all(isinstance(given.get(language), str) for language in ("en", "ko")):
        raise UsageError(f'{place} must be {{ en = "…", ko = "…" }}, not {given!r}')
    return {language: given[language] for language in ("en", "ko")}
