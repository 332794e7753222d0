"""Settings and home: every value has a default, and one that cannot be is told at once."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from warehouse.errors import UsageError
from warehouse.home import Home, open_home
from warehouse.settings import Settings, read_settings


def set_to(folder: Path, text: str) -> Settings:
    (folder / "settings.toml").write_text(text, encoding="utf-8")
    return read_settings(folder)


def test_defaults(tmp_path: Path) -> None:
    """Without a settings file the site is in Seoul and has one inbox."""
    assert read_settings(tmp_path) == Settings()
    assert (Settings().zone, Settings().inboxes) == ("Asia/Seoul", ("inbox",))


def test_given_values_are_taken(tmp_path: Path) -> None:
    """What is given replaces the default, and nothing else."""
    given = set_to(tmp_path, 'zone = "UTC"\ninboxes = ["a", "/srv/b"]\nscan_seconds = 3\n')
    assert given == Settings("UTC", ("a", "/srv/b"), 3)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("zone = ", "settings.toml"),
        ("colour = 1", "unknown settings colour"),
        ('zone = "Mars/Olympus"', "there is no time zone 'Mars/Olympus'"),
        ("zone = 9", "zone cannot be 9"),
        ('inboxes = "inbox"', "inboxes cannot be 'inbox'"),
        ("inboxes = [1]", "inboxes cannot be"),
        ('scan_seconds = "often"', "scan_seconds cannot be 'often'"),
        ("scan_seconds = 0", "scan_seconds cannot be 0"),
        ("settle_seconds = -1", "settle_seconds cannot be -1"),
        ("settle_seconds = nan", "settle_seconds cannot be nan"),
        ("settle_seconds = true", "settle_seconds cannot be True"),
    ],
)
def test_values_that_cannot_be_are_refused(tmp_path: Path, text: str, reason: str) -> None:
    """A setting that is unknown or cannot be is a usage error that names it."""
    with pytest.raises(UsageError, match=reason):
        set_to(tmp_path, text)


def test_template_is_the_defaults(tmp_path: Path) -> None:
    """The settings file of a new home, its comments taken away, says the defaults."""
    Home(tmp_path / "home").close()
    text = (tmp_path / "home" / "settings.toml").read_text(encoding="utf-8")
    assert set_to(tmp_path, text) == Settings()
    values = "\n".join(line.removeprefix("# ") for line in text.splitlines() if " = " in line)
    assert set_to(tmp_path, values) == Settings()


def test_home_has_its_folders(tmp_path: Path) -> None:
    """A new home has an inbox, an archive, tables, settings, and a registry from its first use."""
    with closing(Home(tmp_path / "home")) as home:
        _ = home.registry
        assert {path.name for path in home.folder.iterdir()} >= {
            *("inbox", "archive", "tables", "settings.toml", "registry.sqlite")
        }


def test_home_is_named_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """CELLAR_HOME and CELLAR_REGISTRY_URL name home and registry where nothing else does."""
    monkeypatch.setenv("CELLAR_HOME", str(tmp_path / "named"))
    monkeypatch.setenv("CELLAR_REGISTRY_URL", f"sqlite:///{tmp_path / 'elsewhere.sqlite'}")
    with closing(open_home()) as home:
        _ = home.registry
        assert home.folder == tmp_path / "named"
    assert (tmp_path / "elsewhere.sqlite").exists()
    assert not (tmp_path / "named" / "registry.sqlite").exists()
