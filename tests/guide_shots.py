"""The pictures of the guides: ``python tests/guide_shots.py`` takes them from a demonstration in a real browser."""

from __future__ import annotations

import sys
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from browsing import draw_charts, log_in, open_browser, serve
from portal_lab import BROKEN, QUICK, wait_for, watch
from portal_site import FIRM_A, Site, open_site

from flows.demo import LAB, _write_specifications
from flows.ingest import ingest_paths
from flows.nightly import run_night
from flows.virtual_lab import simulate
from warehouse.home import Home
from warehouse.manifest import import_manifest
from warehouse.sources import count_states, list_quarantine

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FOLDER: Final = Path(__file__).parents[1] / "docs" / "guides"
LARGEST_BYTES: Final = 120_000
SIZE: Final = {"width": 1160, "height": 560}


@dataclass(frozen=True)
class Shot:
    """A picture.

    Args:
        name: of its file, without the ending.
        who: whose token logs in.
        path: the page.
        at: what to scroll to, as a CSS selector.
    """

    name: str
    who: str
    path: str
    at: str | None = None


SHOTS: Final = (
    Shot("overview", "a", "/overview", "#cells-title"),
    Shot("cell", "a", "/cells/{cell}", "#fade"),
    Shot("wafer", "a", "/wafers/one?lot={lot}&wafer={wafer}", "#map"),
    Shot("receipts", "technician", "/receipts"),
    Shot("quarantine", "technician", "/quarantine/{source}"),
)


def main() -> int:
    """Take every picture; return 1 if one is too large for the repository."""
    with tempfile.TemporaryDirectory() as folder:
        site = open_site(_build_home(Path(folder) / "home"))
        names = _name_things(site)
        with watch(site.folder), open_browser() as browser, serve(site.app) as address:
            large = [shot.name for shot in SHOTS if _take(browser, address, site, shot, names) > LARGEST_BYTES]
        site.close()
    sys.stderr.writelines(f"{name}.png is larger than {LARGEST_BYTES} bytes\n" for name in large)
    return int(bool(large))


def _build_home(folder: Path) -> Path:
    """Make a home like the demonstration's, with a few files that are dropped last."""
    lab = simulate(folder.parent / "lab", LAB)
    folder.mkdir()
    (folder / "settings.toml").write_text(QUICK)
    *early, late, later = lab.files
    with closing(Home(folder)) as home:
        for manifest in (lab.manifest, lab.wafers, *_write_specifications(folder.parent)):
            if manifest is not None:
                import_manifest(home, manifest)
        list(ingest_paths(home, early))
        run_night(home)
        with watch(folder):
            for number, path in enumerate((early[-1], late, later, None), start=1):
                _drop(folder / "inbox", path)
                seen = len(early) + number
                # One after the other, so that the picture has them in this order.
                wait_for(lambda seen=seen: count_states(home)["seen"] == seen)
    return folder


def _drop(inbox: Path, path: Path | None) -> None:
    """Drop a file where its cell's belong, or a broken one."""
    place = inbox / (path.relative_to(path.parents[2]) if path else f"{FIRM_A}/broken.mpt")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(path.read_bytes() if path else BROKEN)


def _name_things(site: Site) -> dict[str, str]:
    """Return the cell, wafer and source that the pictures show."""
    home: Home = site.app.state.asking.home
    shortest = home.query("summary", firm=FIRM_A).sort("last_capacity_retention").row(0, named=True)
    cell = home.query("cells", firm=FIRM_A, cell=shortest["cell_id"]).row(0, named=True)
    return {
        "cell": quote(cell["cell_id"], safe=""),
        "lot": cell["lot"],
        "wafer": cell["wafer"],
        "source": list_quarantine(home)[0]["sha256"],
    }


def _take(browser: Browser, address: str, site: Site, shot: Shot, names: dict[str, str]) -> int:
    """Take one picture in English; return its size in bytes."""
    page = browser.new_page(viewport=SIZE, locale="en-GB")
    log_in(page, address, site.tokens[shot.who])
    page.goto(address + shot.path.format(**names))
    if shot.at:
        draw_charts(page)
        page.locator(shot.at).evaluate("(place) => place.scrollIntoView({block: 'start'})")
    # Charts animate their first drawing.
    page.wait_for_timeout(800)
    picture = page.screenshot(path=FOLDER / f"{shot.name}.png")
    page.close()
    return len(picture)


if __name__ == "__main__":
    raise SystemExit(main())
