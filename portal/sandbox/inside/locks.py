"""DuckDB's own locks: what it may open, load and take up, and that nobody changes that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import duckdb

    from portal.sandbox.inside.orders import Settings

# Set before there is an order.
EARLY: Final = {
    "temp_directory": "",
    "autoload_known_extensions": False,
    "autoinstall_known_extensions": False,
    "allow_community_extensions": False,
    "allow_extension_repositories": "forbidden",
    "allow_persistent_secrets": False,
    "python_enable_replacements": False,
    "python_scan_all_frames": False,
    "enable_progress_bar": False,
}


def set_early(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Limit what DuckDB takes, and what it loads."""
    for name, value in (EARLY | {"memory_limit": f"{settings.memory}B"}).items():
        _set(connection, name, value)


def lock(connection: duckdb.DuckDBPyConnection, folder: str, seconds: float) -> None:
    """Leave one folder to be read, and turn the key."""
    _set(connection, "max_execution_time", round(seconds * 1000))
    connection.execute("SET allowed_directories = [$folder]", {"folder": f"{folder}/"})
    for name in ("enable_external_access", "lock_configuration"):
        _set(connection, name, name == "lock_configuration")


def _set(connection: duckdb.DuckDBPyConnection, name: str, value: object) -> None:
    connection.execute(f"SET {name} = $value", {"value": value})
