"""What the first callers after a start would else wait for, a second and more: words, pages, a report's characters."""

from __future__ import annotations

from contextlib import suppress

from portal.reports.glyphs import known_characters
from portal.templating import environment
from portal.translation import LANGUAGES, catalogue
from warehouse.errors import UsageError


def warm_up() -> None:
    """Make it."""
    for language in LANGUAGES:
        catalogue(language)
    for name in environment().list_templates(extensions=["html"]):
        environment().get_template(name)
    # Whoever asks for a report is told if its font is missing.
    with suppress(UsageError):
        known_characters()
