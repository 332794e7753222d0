"""The warehouse: schema, archive, registry, steps, cycles, store and questions; it knows tables and no vendor.

::

    from warehouse import open_home
    home = open_home("cellar-home")
    home.query("fade", firm="ACME")
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from warehouse.home import Home, open_home

__all__ = ["Home", "open_home"]


def __getattr__(name: str) -> object:
    """Import the home only when it is asked for: the parsers need the schema alone, without a database."""
    if name in __all__:
        from warehouse import home  # noqa: PLC0415 that is the point

        return getattr(home, name)
    raise AttributeError(name)
