"""A technician may name the wrong format for a file: whatever it holds, the answer is a reading or a refusal."""

from __future__ import annotations

import random
from contextlib import suppress
from pathlib import Path
from typing import Final

import pytest

import parsers
from warehouse.errors import QuarantineError

SIGNS: Final = random.Random(7)  # noqa: S311 contents that are the same in each run
CONTENTS: Final = {
    "every byte": bytes(range(256)) * 4,
    "a carriage return outside quotes": b"a\rb,c\n1,2\n",
    "a quote without end": b'a,"b\r' + b"x" * 140_000,
    "a cell longer than the csv module takes": b"x" * 140_000 + b"\n",
    "headings of another maker": b"Potential (V)\r\tCurrent (A)\n",
    "half a UTF-16 sign": b"\xff\xfe\r\x00a\r\x00\n",
    "Korean text": "값\r전압\n".encode("cp949"),
    **{f"noise {number}": bytes(SIGNS.choices(b'\r\n",;\t\0aZ1.', k=200)) for number in range(8)},
}


@pytest.mark.parametrize("name", parsers.formats())
def test_any_content_read_as_any_format_is_read_or_refused(tmp_path: Path, name: str) -> None:
    """No error but a quarantine's leaves a reader that is handed what is not of its format."""
    for label, content in CONTENTS.items():
        path = tmp_path / label.replace(" ", "_")
        path.write_bytes(content)
        with suppress(QuarantineError):
            parsers.read_as(path, name)


@pytest.mark.parametrize("name", ["novonix_csv", "parstat_txt"])
def test_binary_content_is_refused_with_its_name(tmp_path: Path, name: str) -> None:
    """A carriage return where headings should stand is told as a broken file, not as an error of a module below."""
    path = tmp_path / "file"
    path.write_bytes(b"a\rb,c\n1,2\n")
    with pytest.raises(QuarantineError) as refusal:
        parsers.read_as(path, name)
    assert refusal.value.path == "file"
