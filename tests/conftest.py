"""What every test may ask for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from corpus_files import corpus_folder


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of real cycler files; its absence skips a test here and fails it in CI."""
    folder = corpus_folder()
    if not (folder / "INDEX.tsv").is_file():
        reason = f"no corpus at {folder}; CELLAR_CORPUS names another place"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return folder
