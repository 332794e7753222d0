"""Receipts for people: one drop's fate in plain words, in Korean and English, and as a small file beside the inbox."""

from __future__ import annotations

import logging
import os
import re
import time
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from itertools import count
from pathlib import Path, PurePath, PureWindowsPath
from typing import TYPE_CHECKING, Any, Final

from flows.accounts import Receipt
from warehouse.files import publish_file, temporary_beside
from warehouse.sentences import STATES, split_reason
from warehouse.sources import newest_receipts, receipts_after
from warehouse.warned import tell_warning

if TYPE_CHECKING:
    from warehouse.home import Home

log: Final = logging.getLogger("cellar.receipts")

LONGEST_NAME_BYTES: Final = 255
UNFIT: Final = '<>:"/\\|?*'
# Windows takes these for devices, whatever follows the first dot.
DEVICES: Final = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
WRITTEN: Final = re.compile(rf"\.\d{{8}}-\d{{6}}(-\d+)?\.({'|'.join(STATES)})\.txt")
SECONDS_PER_DAY: Final = 86_400.0
FOLLOW_SECONDS: Final = 1.0
HASH_DIGITS: Final = 12
# Nobody wants to be told of what the system itself leaves lying about.
UNTOLD: Final = frozenset({"system_file"})

LABELS: Final[dict[str, tuple[str, str]]] = {
    "file": ("파일", "File"),
    "at": ("처리 시각", "Time"),
    "owner": ("기업 / 셀", "Firm / cell"),
    "format": ("형식", "Format"),
    "data": ("데이터", "Data"),
    "test": ("시험", "Test"),
    "period": ("측정 기간", "Measured"),
    "warning": ("주의", "Warning"),
    "where": ("위치", "Place"),
    "happened": ("내용", "What happened"),
    "to_do": ("할 일", "What to do"),
    "hash": ("번호", "Number"),
}
NOBODYS: Final = (
    "미지정 (운영자가 지정할 때까지 어느 기업에도 보이지 않습니다)",
    "not assigned (no firm sees it until an operator assigns it)",
)
NO_CELL: Final = ("셀 미지정", "no cell yet")
COUNTS: Final[dict[str, tuple[str, str]]] = {
    "rows": ("{:,}행", "{:,} rows"),
    "new_rows": ("새로 추가 {:,}행", "{:,} of them new"),
    "cycles": ("{:,}사이클", "{:,} cycles"),
    "spectra": ("임피던스 {:,}점", "{:,} impedance points"),
}


def write_receipt_file(home: Home, receipt: Receipt) -> Path | None:
    """Write a receipt as a text file into the site's receipts folder; returns where, or None.

    Never fails: that the registry has the receipt is what counts, and a folder that is full or gone stops no drop.
    """
    if not home.settings.receipts or (receipt["reason"] or {}).get("code") in UNTOLD:
        return None
    at = datetime.fromtimestamp(receipt.get("at_unix_second", time.time()), home.settings.zone_info)
    folder = home.folder / home.settings.receipts
    try:
        # Notepad of a Korean Windows takes a file without a mark for its own code page, an older one needs both ends.
        return _write(
            folder, receipt, at, render_receipt(receipt, at).replace("\n", "\r\n").encode("utf-8-sig", "replace")
        )
    except OSError as error:
        log.warning("no receipt file for %s: %s", receipt["path"], error)
        return None


def render_receipt(receipt: Receipt, at: datetime) -> str:
    """Return a receipt as text, in Korean and below that in English.

    Args:
        receipt: the receipt.
        at: when it was made, in the site's zone.
    """
    korean, english = (_render(receipt, at, language) for language in (0, 1))
    return f"{korean}\n{'-' * 60}\n\n{english}"


def name_receipt_file(shown: str, state: str, at: datetime, number: int = 1) -> str:
    """Return the name of a receipt file: the drop's, made safe for every system, with time and state behind it.

    Args:
        shown: the drop's path as the user knows it.
        state: what became of it.
        at: when.
        number: tells apart what is otherwise called the same.
    """
    tail = f".{at:%Y%m%d-%H%M%S}{f'-{number}' if number > 1 else ''}.{state}.txt"
    name = unicodedata.normalize("NFC", _file_name(shown))
    safe = "".join("_" if letter in UNFIT or unicodedata.category(letter)[0] == "C" else letter for letter in name)
    safe = safe.lstrip(". ") or "file"
    safe = f"_{safe}" if DEVICES.fullmatch(safe) else safe
    # Cut between characters, not between bytes.
    room = LONGEST_NAME_BYTES - len(tail.encode())
    return safe.encode()[:room].decode(errors="ignore") + tail


def prune_receipt_files(home: Home, now: float | None = None) -> int:
    """Remove receipt files that are older than the site keeps them; returns how many. Other files are left alone."""
    folder = home.folder / home.settings.receipts
    if not home.settings.receipts or not folder.is_dir():
        return 0
    oldest = (now if now is not None else time.time()) - home.settings.receipts_days * SECONDS_PER_DAY
    removed = 0
    try:
        for entry in os.scandir(folder):
            if WRITTEN.search(entry.name) and entry.is_file() and entry.stat().st_mtime < oldest:
                Path(entry.path).unlink(missing_ok=True)
                removed += 1
    except OSError as error:
        log.warning("old receipt files stay: %s", error)
    return removed


def follow_receipts(home: Home, wait: Callable[[float], None] = time.sleep) -> Iterator[Receipt]:
    """Yield every receipt that comes from now on, without end."""
    newest = newest_receipts(home, 1)
    last: int = newest[0]["receipt_id"] if newest else 0
    while True:
        for receipt in receipts_after(home, last):
            last = receipt["receipt_id"]
            yield receipt
        wait(FOLLOW_SECONDS)


def _write(folder: Path, receipt: Receipt, at: datetime, raw: bytes) -> Path:
    temporary = temporary_beside(folder / "receipt")
    try:
        temporary.write_bytes(raw)
        final = _reserve(folder, receipt, at)
        try:
            publish_file(temporary, final)
        except OSError:
            # Its name alone says that something came, and nothing of what.
            final.unlink(missing_ok=True)
            raise
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
    return final


def _reserve(folder: Path, receipt: Receipt, at: datetime) -> Path:
    """Take a name that nobody has, so that two processes never write over each other."""
    for number in count(1):
        final = folder / name_receipt_file(receipt["path"], receipt["state"], at, number)
        with suppress(FileExistsError):
            final.open("x").close()
            break
    return final


def _file_name(shown: str) -> str:
    inside = shown.rpartition("!")[2]
    return (PureWindowsPath(inside) if "\\" in inside and "/" not in inside else PurePath(inside)).name


def _render(receipt: Receipt, at: datetime, language: int) -> str:
    words = STATES[receipt["state"]]
    word, means = ((words.ko, words.ko_means), (words.en, words.en_means))[language]
    lines = [f"{LABELS[name][language]}: {text}" for name, text in _facts(receipt, at, language)]
    return "\n".join([f"[{word}] {_file_name(receipt['path'])}", means, "", *lines, ""])


def _facts(receipt: Receipt, at: datetime, language: int) -> Iterator[tuple[str, str]]:
    yield "file", receipt["path"]
    yield "at", f"{at:%Y-%m-%d %H:%M:%S %Z}"
    if receipt["test_id"]:
        yield from _facts_of_test(receipt, at, language)
    elif receipt["format"]:
        yield "format", receipt["format"]
    for warning in receipt["warnings"]:
        yield "warning", (tell_warning(warning), warning)[language]
    reason = receipt["reason"]
    if reason is not None:
        happened, to_do = split_reason(reason, ("ko", "en")[language])
        yield "happened", happened
        if reason["where"]:
            yield "where", reason["where"]
        if to_do:
            yield "to_do", to_do
    if receipt["sha256"]:
        yield "hash", receipt["sha256"][:HASH_DIGITS]


def _facts_of_test(receipt: Receipt, at: datetime, language: int) -> Iterator[tuple[str, str]]:
    owner = f"{receipt['firm']} / {receipt['cell_id'] or NO_CELL[language]}" if receipt["firm"] else NOBODYS[language]
    yield "owner", owner
    yield "format", receipt["format"] or "?"
    counts = ((words[language], receipt[key]) for key, words in COUNTS.items())
    yield "data", ", ".join(words.format(number) for words, number in counts if number)
    yield "test", f"{receipt['test_id']} ({('개정', 'revision')[language]} {receipt['revision']})"
    period = [_local(receipt[end], at) for end in ("first_time", "last_time")]
    if all(period):
        yield "period", " ~ ".join(period)


def _local(iso: Any, at: datetime) -> str:
    return f"{datetime.fromisoformat(iso).astimezone(at.tzinfo):%Y-%m-%d %H:%M:%S}" if iso else ""
