"""Sets of requirements: what is understood, what is refused, and how a firm's own are kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.cli import app
from warehouse.errors import UsageError
from warehouse.home import Home
from warehouse.identity import add_firm
from warehouse.marts import read_generation
from warehouse.requirements.profiles import parse_profile, shipped_profiles
from warehouse.requirements.quantities import QUANTITIES
from warehouse.requirements.shelf import find_profile, import_profile, list_profiles
from warehouse.requirements.units import to_unit

GOOD = """
name = "own"
title = { en = "Own", ko = "자체" }

[[requirement]]
name = "capacity"
quantity = "capacity"
operator = ">="
value = 50
unit = "µAh"
statistic = "each"
conditions = { temperature_celsius = 37 }
source = "contract 12"
"""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = Home(tmp_path / "home")
    add_firm(made, "ACME", "Acme")
    yield made
    made.close()


def write(folder: Path, text: str = GOOD) -> Path:
    path = folder / "own.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_set_is_read_in_si() -> None:
    """50 µAh are exactly 0.00005 Ah, and what is left out of a set has its default."""
    profile = parse_profile(GOOD, "own.toml")
    (requirement,) = profile.requirements
    assert (requirement.limit, requirement.operator, requirement.statistic) == (5e-5, "at_least", "each")
    assert requirement.conditions == {"temperature_celsius": 37.0}
    assert (profile.version, profile.decision_rule, profile.example) == (1, "", False)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ('name = "own"', "name = own", "own.toml"),
        ('title = { en = "Own", ko = "자체" }', 'title = { en = "Own" }', "title must be"),
        ("[[requirement]]", "[requirement]", "there is no [[requirement]]"),
        ('quantity = "capacity"', 'quantity = "capasity"', "requirement 1 (capacity): quantity cannot be 'capasity'"),
        ('operator = ">="', 'operator = ">"', "operator cannot be '>'"),
        ('statistic = "each"', 'statistic = "mean"', "statistic cannot be 'mean'"),
        ('unit = "µAh"', 'unit = "V"', "unit 'V' is no unit of capacity, which is Ah"),
        ('unit = "µAh"', 'unit = "furlong"', "unit 'furlong' is no unit of capacity"),
        ("value = 50", 'value = "50"', "value must be a float, not '50'"),
        ("value = 50", "value = true", "value must be a float, not True"),
        ('source = "contract 12"', "", "source must be a str, not None"),
        ("temperature_celsius = 37", "warmth = 37", "condition warmth: there is no such condition"),
        ("temperature_celsius = 37", "storage_day = 37", "condition storage_day: this quantity has none of that name"),
        ("temperature_celsius = 37", 'temperature_celsius = "37"', "temperature_celsius must be a number, not '37'"),
        ("conditions = { temperature_celsius = 37 }", "conditions = 37", "conditions must be a table"),
        ('source = "contract 12"', 'source = "x"\nremark = "y"', "remark is not understood"),
        ('name = "own"\n', 'name = "own"\nowner = "x"\n', "owner is not understood"),
        ('name = "own"\n', 'name = "own"\ndecision_rule = "luck"\n', "decision_rule cannot be 'luck'"),
        ('name = "own"\n', 'name = "own"\nversion = 0\n', "version must be a whole number from 1"),
        ('name = "own"\n', "", "name must be a text"),
    ],
)
def test_what_is_not_understood_is_refused(before: str, after: str, told: str) -> None:
    """A set that says something unknown is refused as a whole, with the file, the requirement and the field."""
    text = GOOD.replace(before, after)
    assert text != GOOD
    with pytest.raises(UsageError) as caught:
        parse_profile(text, "own.toml")
    assert "own.toml" in str(caught.value)
    assert told in str(caught.value)


def test_two_requirements_of_one_name_are_refused() -> None:
    """A name stands for one requirement of its set."""
    with pytest.raises(UsageError, match="several requirements named capacity"):
        parse_profile(GOOD + GOOD[GOOD.index("[[requirement]]") :], "own.toml")


@pytest.mark.parametrize(
    ("value", "unit", "wanted", "expected"),
    [
        (69, "µAh/cm²", "Ah/m²", 0.69),
        (1, "µWh/mm³", "Wh/m³", 1000.0),
        (200, "Wh/L", "Wh/m³", 200000.0),
        (50, "Ω·cm²", "Ω·m²", 0.005),
        (2.5, "%/year", "1/a", 0.025),
        (10, "min", "s", 600.0),
        (4, "mV", "Ah", None),
    ],
)
def test_units_of_people_become_si(value: float, unit: str, wanted: str, expected: float | None) -> None:
    """Units as data sheets write them, exactly; a unit of another kind is none."""
    assert to_unit(value, unit, wanted) == expected


def test_four_sets_are_shipped() -> None:
    """Implant, defence, aerospace and IoT come as examples, with the source of every requirement in both languages."""
    profiles = shipped_profiles()
    assert [one.name for one in profiles] == ["aerospace", "bio_implant", "defence", "iot_backup"]
    for profile in profiles:
        assert profile.example
        assert len(profile.requirements) >= 5
        for requirement in profile.requirements:
            assert requirement.source.startswith("Example.")
            assert requirement.note["en"]
            assert requirement.note["ko"]


def test_what_is_not_verified_says_so() -> None:
    """A shipped value that is from memory or from a maker's promise is called unverified, or to be verified."""
    sources = [one.source for profile in shipped_profiles() for one in profile.requirements]
    marked = [source for source in sources if "unverified" in source or "verify" in source]
    # What is left is the platform's own choice, a definition, or arithmetic on a measured event.
    assert len(marked) >= len(sources) - 4


def test_the_issues_conditions_are_asked_for() -> None:
    """The shipped sets ask about temperature, depth, pulses, life, self-discharge and sterilisation."""
    asked = {name for profile in shipped_profiles() for one in profile.requirements for name in one.conditions}
    assert {"temperature_celsius", "depth_of_discharge", "pulse_second", "storage_day", "exposure_celsius"} <= asked
    quantities = {one.quantity for profile in shipped_profiles() for one in profile.requirements}
    assert {"life", "self_discharge", "pulse_voltage", "capacity_after_exposure"} <= quantities <= QUANTITIES.keys()


def test_a_firms_set_is_kept_by_version(home: Home, tmp_path: Path) -> None:
    """The first text is version 1, the same text again is no version, another one is version 2; both are kept."""
    path = write(tmp_path)
    assert [import_profile(home, path, "ACME")[1] for _ in range(2)] == [True, False]
    profile, new = import_profile(home, write(tmp_path, GOOD.replace("50", "60")), "ACME")
    assert (profile.version, new) == (2, True)
    own = [row for row in list_profiles(home, "ACME") if row["firm"] == "ACME"]
    assert [(row["profile"], row["version"], row["requirements"]) for row in own] == [("own", 1, 1), ("own", 2, 1)]


def test_a_set_is_found_in_any_version(home: Home, tmp_path: Path) -> None:
    """The latest is found by default, an older one by its number, a shipped one where the firm has none."""
    import_profile(home, write(tmp_path), "ACME")
    import_profile(home, write(tmp_path, GOOD.replace("50", "60")), "ACME")
    assert find_profile(home, "own", "ACME").requirements[0].limit == 6e-5
    assert find_profile(home, "own", "ACME", 1).requirements[0].limit == 5e-5
    assert find_profile(home, "defence", "ACME").example


@pytest.mark.parametrize(("name", "firm"), [("own", "OTHER"), ("own", None), ("nothing", "ACME")])
def test_another_firms_set_is_not_found(home: Home, tmp_path: Path, name: str, firm: str | None) -> None:
    """A set of one firm is none of another's, nor of nobody's."""
    import_profile(home, write(tmp_path), "ACME")
    with pytest.raises(UsageError, match="there is no set"):
        find_profile(home, name, firm)


def test_an_import_outdates_the_score_sheets(home: Home, tmp_path: Path) -> None:
    """A firm's results are stale once its requirements change."""
    with home.registry.snapshot() as moment:
        before = read_generation(moment, "ACME")
    import_profile(home, write(tmp_path), "ACME")
    with home.registry.snapshot() as moment:
        assert read_generation(moment, "ACME") == before + 1


def test_what_cannot_be_imported_changes_nothing(home: Home, tmp_path: Path) -> None:
    """A missing file, bytes that are no text, an unknown firm, and a set that calls itself an example are refused."""
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe\x00")
    bad = [(tmp_path / "missing.toml", "ACME"), (binary, "ACME"), (write(tmp_path), "NOBODY")]
    for path, firm in bad:
        with pytest.raises(UsageError):
            import_profile(home, path, firm)
    with pytest.raises(UsageError, match="example is kept"):
        import_profile(home, write(tmp_path, "example = true\n" + GOOD), "ACME")
    assert all(row["firm"] is None for row in list_profiles(home))


def say(*arguments: str) -> str:
    """Run a command and return what it says."""
    said = CliRunner().invoke(app, list(arguments))
    assert said.exit_code == 0, said.output
    return said.stdout


def test_commands_import_list_and_show(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``cellar profiles``: a set is imported as version 1, listed beside the shipped ones, and shown as written."""
    monkeypatch.setenv("CELLAR_HOME", str(home.folder))
    path = write(tmp_path)
    imported = json.loads(say("profiles", "import", str(path), "--firm", "ACME", "--json"))
    assert imported == {"profile": "own", "version": 1, "requirements": 1, "new": True}
    assert "own version 1: 1 requirements, known already" in say("profiles", "import", str(path), "--firm", "ACME")
    listed = json.loads(say("profiles", "list", "--firm", "ACME", "--json"))
    assert [row["profile"] for row in listed] == ["aerospace", "bio_implant", "defence", "iot_backup", "own"]
    assert "shipped" in say("profiles", "list")
    assert say("profiles", "show", "own", "--firm", "ACME") == GOOD


def test_a_shown_example_can_be_changed_and_imported(home: Home, tmp_path: Path) -> None:
    """What a shipped set is written as becomes a firm's own once it no longer calls itself an example."""
    text = find_profile(home, "defence").document.replace("example = true\n", "")
    profile, new = import_profile(home, write(tmp_path, text), "ACME")
    assert (profile.name, profile.version, new) == ("defence", 1, True)
    assert find_profile(home, "defence", "ACME").example is False
