"""The recipe: every threshold, policy and choice of method behind every number, in one value with a version and a hash.

The platform's default is what the dataclasses say. A home changes it in ``recipe.toml``, a firm in
``recipes/<firm>.toml`` on top of that; both hold only what differs::

    version = "platform-2"

    [life]
    end_of_life = 0.7

Every result names the recipe that it was made with, ``version@hash``, and the registry keeps the text behind each hash:
the same input and the same recipe give the same numbers.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from warehouse.alerts.recipe import AlertsRecipe
from warehouse.derivation import DerivationRecipe
from warehouse.diffusion.recipe import DiffusionRecipe
from warehouse.errors import UsageError
from warehouse.impedance.recipe import ImpedanceRecipe
from warehouse.life.recipe import LifeRecipe
from warehouse.loads.recipe import LoadsRecipe
from warehouse.replicates.recipe import ReplicatesRecipe
from warehouse.requirements.recipe import RequirementsRecipe
from warehouse.storage.recipe import StorageRecipe
from warehouse.wafers.recipe import WafersRecipe

FILE_NAME: Final = "recipe.toml"
FIRMS_FOLDER: Final = "recipes"
HASH_DIGITS: Final = 12
# Made once: a night hashes hundreds of thousands of small values.
ENCODER: Final = json.JSONEncoder(sort_keys=True, ensure_ascii=False, default=str)
# Sections that the figures compared between firms are made by.
COMPARED: Final = ("derivation", "loads", "impedance", "replicates", "life")
LIKE: Final[Mapping[type, tuple[type, ...]]] = {float: (int, float), int: (int,), str: (str,), bool: (bool,)}
Value = str | bool | int | float | tuple[Any, ...]


@dataclass(frozen=True)
class Recipe:
    """One recipe: a section for each part of the software that has thresholds.

    Args:
        version: what people call it; the hash tells apart what they forgot to rename.
        derivation: steps, cycles and classes.
        loads: what is read off the records of a load.
        impedance: spectra.
        replicates: groups of like cells.
        storage: self-discharge, float and calendar ageing.
        diffusion: titrations.
        wafers: yield, uniformity, splits.
        requirements: application profiles.
        life: a cell's life: reference, end of life, fade laws, knees.
        alerts: when somebody should look.
    """

    version: str = "platform-1"
    derivation: DerivationRecipe = field(default_factory=DerivationRecipe)
    loads: LoadsRecipe = field(default_factory=LoadsRecipe)
    impedance: ImpedanceRecipe = field(default_factory=ImpedanceRecipe)
    replicates: ReplicatesRecipe = field(default_factory=ReplicatesRecipe)
    storage: StorageRecipe = field(default_factory=StorageRecipe)
    diffusion: DiffusionRecipe = field(default_factory=DiffusionRecipe)
    wafers: WafersRecipe = field(default_factory=WafersRecipe)
    requirements: RequirementsRecipe = field(default_factory=RequirementsRecipe)
    life: LifeRecipe = field(default_factory=LifeRecipe)
    alerts: AlertsRecipe = field(default_factory=AlertsRecipe)

    @cached_property
    def sha256(self) -> str:
        """Hash over every value."""
        return hash_values(asdict(self))

    @cached_property
    def derivation_hash(self) -> str:
        """Hash over what steps and cycles are derived by."""
        return hash_values(asdict(self.derivation))[:HASH_DIGITS]

    @cached_property
    def label(self) -> str:
        """What results are stamped with: version and hash."""
        return f"{self.version}@{self.sha256[:HASH_DIGITS]}"

    @cached_property
    def method(self) -> str:
        """What figures must be made by to be compared between firms: version, and hash of the sections behind them."""
        sections = {name: values for name, values in self._sections() if name in COMPARED}
        return f"{self.version}@{hash_values(sections)[:HASH_DIGITS]}"

    @cached_property
    def parameters(self) -> dict[str, Any]:
        """What a named query may ask for: ``section_name`` of every value, ``recipe`` for the label, and ``method``."""
        flat = {f"{section}_{name}": value for section, values in self._sections() for name, value in values.items()}
        return {**flat, "recipe": self.label, "method": self.method}

    def to_toml(self) -> str:
        """Return every value as TOML."""
        parts = [f"version = {_write_value(self.version)}\n"]
        for section, values in self._sections():
            lines = (f"{name} = {_write_value(value)}\n" for name, value in values.items())
            parts.append(f"\n[{section}]\n{''.join(lines)}")
        return "".join(parts)

    def _sections(self) -> list[tuple[str, dict[str, Any]]]:
        return [(name, values) for name, values in asdict(self).items() if isinstance(values, dict)]


def hash_values(values: object) -> str:
    """Return the SHA-256 of plain values, in whatever order their keys stand."""
    return hashlib.sha256(ENCODER.encode(values).encode()).hexdigest()


class Recipes:
    """The recipes of a home, read once.

    Args:
        folder: the home.

    Raises:
        UsageError: a file is no TOML, names what is unknown, or a value of another kind.
    """

    def __init__(self, folder: Path) -> None:
        self.platform = read_recipe(folder / FILE_NAME, Recipe())
        files = sorted((folder / FIRMS_FOLDER).glob("*.toml"))
        self.of_firms: Mapping[str, Recipe] = {file.stem: read_recipe(file, self.platform) for file in files}

    def of(self, firm: str | None) -> Recipe:
        """Return the recipe that a firm's numbers are made with."""
        return self.of_firms.get(firm or "", self.platform)


def read_recipe(path: Path, base: Recipe) -> Recipe:
    """Return a recipe with what a file says put over it; the recipe itself where there is no file.

    Raises:
        UsageError: the file is no TOML, names what is unknown, or a value of another kind.
    """
    if not path.exists():
        return base
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
        return change_recipe(base, given)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, ValueError) as error:
        raise UsageError(f"{path}: {error}") from error


def change_recipe(base: Recipe, given: Mapping[str, Any]) -> Recipe:
    """Return a recipe with some values changed.

    Args:
        base: the recipe to start from.
        given: ``version``, and tables of values by section.

    Raises:
        ValueError: a section or value is unknown, or of another kind than the one it replaces.
    """
    changes: dict[str, Any] = {}
    known = {one.name: getattr(base, one.name) for one in fields(base)}
    for name, value in given.items():
        if name not in known:
            raise ValueError(f"there is no section {name!r}; there are {', '.join(known)}")
        if name == "version":
            changes[name] = _accept(name, value, known[name])
        elif isinstance(value, Mapping):
            changes[name] = _change_section(name, known[name], value)
        else:
            raise ValueError(f"{name!r} must be a table")
    return replace(base, **changes)


def _change_section(section: str, base: Any, given: Mapping[str, Any]) -> Any:
    known = {one.name: getattr(base, one.name) for one in fields(base)}
    unknown = sorted(given.keys() - known.keys())
    if unknown:
        raise ValueError(f"[{section}] has no {', '.join(unknown)}; it has {', '.join(known)}")
    return replace(base, **{name: _accept(f"{section}.{name}", value, known[name]) for name, value in given.items()})


def _accept(name: str, value: Any, old: Any) -> Value:
    """Return a value of the kind of the one that it replaces."""
    if isinstance(old, tuple) and isinstance(value, list) and (not old or value):
        return tuple(_accept(name, each, old[0]) if old else each for each in value)
    kinds = LIKE.get(type(old), ())
    # A bool is an int to Python, not to a person.
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise ValueError(f"{name} cannot be {value!r}; it is now {old!r}")
    accepted: Value = type(old)(value)
    return accepted


def _write_value(value: Value) -> str:
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_write_value, value))}]"
    # JSON's strings, numbers and booleans are TOML's.
    return json.dumps(value, ensure_ascii=False)
