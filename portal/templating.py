"""Pages: Jinja2 templates with who asks, the language and its words, and numbers as people read them."""

from __future__ import annotations

import hashlib
import math
from datetime import UTC, datetime
from functools import cache, partial
from importlib import resources
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse

from portal.translation import LANGUAGES, Language, choose_language, translator
from warehouse.warned import tell_warning

if TYPE_CHECKING:
    from starlette.requests import Request

LANGUAGE_COOKIE: Final = "cellar_language"
KST: Final = ZoneInfo("Asia/Seoul")
OF_PATHS: Final = "/!$&'()*+,;=:@~"
DASH: Final = "\N{EN DASH}"
DIGITS: Final = 4
PREFIXES: Final = {-12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G"}
# Units that take no prefix: time in hours or days, angles, fractions.
PLAIN_UNITS: Final = frozenset({"", "d", "h", "%", "°C", "°"})
# Powers of ten within which people read digits.
SMALLEST_SIZE: Final = -3
LARGEST_SIZE: Final = 8
YEAR: Final = 365 * 24 * 3600


def render(request: Request, template: str, **values: Any) -> HTMLResponse:
    """Return a page.

    Args:
        request: the request.
        template: its path below ``templates/``.
        values: what the template names; ``code`` is the HTTP status, 200 by default. Besides these it gets ``request``,
            ``caller`` (None before log-in), ``language``, ``_``, ``si``, ``number``, ``kst``, ``address``, ``static``
            and ``warned``.
    """
    language = language_of(request)
    code = values.pop("code", 200)
    shared = {"request": request, "caller": getattr(request.state, "caller", None), "language": language}
    shared |= {"_": translator(language), "si": format_si, "number": format_number, "kst": format_kst}
    shared |= {"address": partial(change_address, request), "static": static_address}
    shared |= {"warned": partial(say_warning, language)}
    response = HTMLResponse(environment().get_template(template).render({**shared, **values}), code)
    # Only a choice that was made is kept; what the browser accepts may change.
    if request.query_params.get("lang") in LANGUAGES:
        response.set_cookie(LANGUAGE_COOKIE, language, max_age=YEAR, httponly=True, samesite="lax")
    return response


def language_of(request: Request) -> Language:
    """Return the language to answer in: what the address asks for, an earlier visit chose, or the browser accepts."""
    kept = request.cookies.get(LANGUAGE_COOKIE)
    return choose_language(request.query_params.get("lang"), kept, request.headers.get("accept-language", ""))


def say_warning(language: Language, sentence: str) -> tuple[str, Language]:
    """Return a warning in a language, and the language it is in: English, where no template has it."""
    said = tell_warning(sentence) if language == "ko" else sentence
    return said, "en" if said == sentence else "ko"


def change_address(request: Request, **changes: object) -> str:
    """Return the address of this page with parameters changed; None takes one out."""
    # A parameter may stand several times, as the cells of a comparison do.
    kept = [(name, value) for name, value in request.query_params.multi_items() if name not in changes]
    kept += [(name, str(value)) for name, value in changes.items() if value is not None]
    # A name in the path may hold what ends a path.
    return quote(request.url.path, safe=OF_PATHS) + (f"?{urlencode(kept)}" if kept else "")


@cache
def environment() -> Environment:
    """Return the environment of all templates: everything is escaped, and an unknown name is an error."""
    return Environment(
        loader=PackageLoader("portal"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


@cache
def static_address(name: str) -> str:
    """Return the address of a file of ``static/``, with its hash so that browsers keep it until it changes."""
    file = resources.files("portal") / "static" / name
    digest = hashlib.sha256(file.read_bytes()).hexdigest()[:12] if file.is_file() else ""
    return f"/static/{name}" + (f"?v={digest}" if digest else "")


def format_number(value: float | None, digits: int = DIGITS) -> str:
    """Write a number with so many significant digits; a dash where there is none."""
    if value is None or not math.isfinite(value):
        return DASH
    if value == 0:
        return "0"
    size = _size(value, digits)
    places = digits - 1 - size
    is_readable = SMALLEST_SIZE <= size <= LARGEST_SIZE
    return f"{round(value, places):,.{max(places, 0)}f}" if is_readable else f"{value:.{digits}g}"


def format_si(value: float | None, unit: str = "", digits: int = DIGITS) -> str:
    """Write a value with the SI prefix that suits its size: ``12.3 µAh``."""
    if value is None or not math.isfinite(value):
        return DASH
    power = 0
    if value and unit not in PLAIN_UNITS:
        power = max(min(3 * (_size(value, digits) // 3), max(PREFIXES)), min(PREFIXES))
    return f"{format_number(value / 10.0**power, digits)} {PREFIXES[power]}{unit}".rstrip()


def format_kst(unix_second: float | None) -> str:
    """Write a moment as people in Korea read it: ``2026-03-02 09:00 KST``."""
    if unix_second is None:
        return DASH
    moment = datetime.fromtimestamp(unix_second, UTC).astimezone(KST)
    return f"{moment:%Y-%m-%d %H:%M} KST"


def _size(value: float, digits: int) -> int:
    """Return the power of ten of a number as it is written: 999.96 with four digits is 1,000."""
    return int(f"{value:.{digits - 1}e}".partition("e")[2])
