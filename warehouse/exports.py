"""Everything that a firm owns, as files that need no Cellar: Parquet, a manifest, and a script for DuckDB.

Raw records lie test by test in ``measurements/`` and ``spectra/``, every other named question in a file of its name;
columns have the names of the Battery Data Format. The folder is made beside its place and renamed, so that there is a
whole export or none; an export of the same data has the same bytes.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from warehouse.ask import PER_TEST, Question, questions, quote
from warehouse.errors import DamageError, UsageError
from warehouse.files import hash_file, make_token, sync_file, sync_folder
from warehouse.registry import FIRM
from warehouse.schema import SCHEMA_VERSION

if TYPE_CHECKING:
    from warehouse.home import Home

MANIFEST: Final = "manifest.json"
SCRIPT: Final = "load.sql"
MADE_BY: Final = "cellar export"
ROW_GROUP: Final = 262_144
SAFE: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."
HERE: Final = -100
EXCHANGE: Final = 2
HEAD: Final = """-- The data of firm {firm}, as views: run this inside its folder, as  duckdb -init load.sql
-- Columns and their units are in manifest.json.
"""


@dataclass(frozen=True)
class Exported:
    """One file of an export."""

    path: str
    question: str
    sha256: str
    rows: int
    size: int
    columns: list[str]


@dataclass(frozen=True)
class Export:
    """An export: its folder, its files, and whether anything had changed since the last one."""

    folder: Path
    files: tuple[Exported, ...]
    changed: bool


def export_firm(home: Home, firm: str, folder: Path, advance: Callable[[int, int], None] | None = None) -> Export:
    """Write everything that a firm owns.

    Args:
        home: the platform.
        firm: code of the firm.
        folder: where to; absent, empty, or an earlier export of the same firm, which is replaced.
        advance: is told how many questions are done, and of how many.

    Raises:
        UsageError: there is no such firm, or the folder holds something else.
        DamageError: a written file is not what was written.
        OSError: the disk is full or failed.
    """
    target = folder.absolute()
    if home.registry.row(FIRM, code=firm) is None:
        raise UsageError(f"there is no firm {firm!r}")
    before = _read_earlier(target, firm)
    temporary = target.parent / f".{target.name}.{make_token()}.tmp"
    try:
        temporary.mkdir(parents=True)
        files = tuple(_write_all(home, firm, temporary, advance or (lambda _done, _of: None)))
        told = json.dumps(_describe(firm, files), ensure_ascii=False, indent=1) + "\n"
        _write_text(temporary / SCRIPT, _write_script(firm, files))
        _write_text(temporary / MANIFEST, told)
        changed = told != before or not _is_whole(target, files)
        if changed:
            _put_in_place(temporary, target)
    finally:
        # In its place by now, or worth nothing.
        shutil.rmtree(temporary, ignore_errors=True)
    return Export(target, files, changed)


def _read_earlier(target: Path, firm: str) -> str:
    """Return the manifest of the export that is there, empty for none.

    Raises:
        UsageError: something else is there.
    """
    if not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return ""
    try:
        text = (target / MANIFEST).read_text(encoding="utf-8")
        found = json.loads(text)
        maker, owner = found["made_by"], found["firm"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{target} is there and is no export; name another folder") from error
    if maker != MADE_BY or owner != firm:
        raise UsageError(f"{target} is the export of firm {owner}; name another folder")
    return text


def _is_whole(target: Path, files: tuple[Exported, ...]) -> bool:
    with suppress(OSError):
        return all(hash_file(target / file.path) == file.sha256 for file in files)
    return False


def _write_all(home: Home, firm: str, folder: Path, advance: Callable[[int, int], None]) -> Iterator[Exported]:
    tests = home.query("tests", firm=firm)["test_id"].sort().to_list()
    for done, question in enumerate(questions().values()):
        advance(done, len(questions()))
        if question.name not in PER_TEST:
            yield _write_table(folder, f"{question.name}.parquet", question, home.query(question.name, firm=firm))
            continue
        for test in tests:
            frame = home.query(question.name, firm=firm, test=test)
            if frame.height:
                yield _write_table(folder, f"{question.name}/{_file_name(test)}.parquet", question, frame)
    advance(len(questions()), len(questions()))


def _write_table(folder: Path, path: str, question: Question, frame: pl.DataFrame) -> Exported:
    target = folder / path
    target.parent.mkdir(exist_ok=True)
    units = json.dumps({name: unit for name, unit, _ in question.columns if unit}, ensure_ascii=False)
    about = {"cellar.schema": str(SCHEMA_VERSION), "cellar.question": question.name, "cellar.units": units}
    frame.write_parquet(target, compression="zstd", row_group_size=ROW_GROUP, metadata=about)
    sync_file(target)
    found = pl.scan_parquet(target).select(pl.len()).collect().item()
    if found != frame.height:
        raise DamageError(f"{target}: wrote {frame.height} rows, read back {found}")
    return Exported(path, question.name, hash_file(target), frame.height, target.stat().st_size, frame.columns)


def _describe(firm: str, files: tuple[Exported, ...]) -> dict[str, Any]:
    used = [question for question in questions().values() if any(file.question == question.name for file in files)]
    return {
        "made_by": MADE_BY,
        "firm": firm,
        "schema": SCHEMA_VERSION,
        "conventions": "SI units; positive current charges the cell; fractions, not percent; times are UTC",
        "files": [asdict(file) for file in files],
        "tables": {
            question.name: {
                "asks": question.asks,
                "columns": [{"name": name, "unit": unit, "description": text} for name, unit, text in question.columns],
            }
            for question in used
        },
    }


def _write_script(firm: str, files: tuple[Exported, ...]) -> str:
    lines = [HEAD.format(firm=firm)]
    for name in dict.fromkeys(file.question for file in files):
        mine = [quote(file.path) for file in files if file.question == name]
        lines.append(f"CREATE OR REPLACE VIEW {name} AS SELECT * FROM read_parquet([{', '.join(mine)}]);\n")  # noqa: S608 names are ours, paths are quoted
    return "".join(lines)


def _file_name(test: str) -> str:
    return "".join(letter if letter in SAFE else "_" for letter in test)


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    sync_file(path)


def _put_in_place(temporary: Path, target: Path) -> None:
    """Give a finished folder its name; what had it before is gone afterwards, and never in between."""
    sync_folder(temporary)
    if target.exists() and any(target.iterdir()):
        if not _exchange(temporary, target):
            # The system cannot do both at once: for a moment there is none.
            aside = temporary.with_suffix(".old")
            target.rename(aside)
            temporary.rename(target)
            shutil.rmtree(aside)
    else:
        temporary.replace(target)
    sync_folder(target.parent)


def _exchange(one: Path, other: Path) -> bool:
    """Let two folders change names in one step, where the system can; says whether it did."""
    rename = getattr(ctypes.CDLL(None), "renameat2", None) if os.name == "posix" else None
    return rename is not None and rename(HERE, os.fsencode(one), HERE, os.fsencode(other), EXCHANGE) == 0
