"""What a query may be: one SELECT over relations that were offered and functions that compute.

DuckDB's own parser takes the text apart, so that nothing is said here about comments, quotes or blanks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import duckdb

# Functions that stand where a table does. Every other one reads a file, or tells of the system.
TABLE_FUNCTIONS: Final = frozenset(
    {"range", "generate_series", "unnest", "repeat", "repeat_row", "json_each", "json_tree", "histogram_values"}
)
# Functions that do something else than compute.
REFUSED_FUNCTIONS: Final = frozenset(
    {
        "current_catalog",
        "current_database",
        "current_query",
        "current_role",
        "current_schemas",
        "current_setting",
        "current_user",
        "currval",
        "getenv",
        "getvariable",
        "in_search_path",
        "json_execute_serialized_sql",
        "nextval",
        "pg_get_viewdef",
        "pg_sleep",
        "query",
        "query_table",
        "read_blob",
        "read_text",
        "session_user",
        "setseed",
        "setval",
        "sleep_ms",
        "user",
        "vector_type",
        "write_log",
    }
)
SCHEMAS: Final = ("", "main", "base")
# A name that no file has: in a table's place a name of a file would be read as one.
PLAIN: Final = re.compile(r"\w+")


class RefusedError(Exception):
    """A query that is none of those that are run; says why."""


def check(connection: duckdb.DuckDBPyConnection, sql: str, names: Collection[str]) -> None:
    """Refuse whatever is not one SELECT over what was offered.

    Args:
        connection: parses the text.
        sql: the text.
        names: relations that were offered.

    Raises:
        RefusedError: with the reason.
        duckdb.Error: it cannot be parsed.
    """
    statements = connection.extract_statements(sql)
    if len(statements) != 1:
        raise RefusedError(f"one statement is run at a time; these are {len(statements)}")
    kind = statements[0].type.name
    if kind != "SELECT":
        raise RefusedError(f"only SELECT is run, and this is {kind}")
    row = connection.execute("SELECT json_serialize_sql($sql)", {"sql": sql}).fetchone()
    tree = _load(str(row[0]) if row else "{}")
    if tree.get("error", True):
        raise RefusedError(str(tree.get("error_message", "this cannot be looked into")))
    nodes = list(_walk(tree))
    known = {name.casefold() for name in names} | {name for node in nodes for name in _find_ctes(node)}
    for node in nodes:
        _check_node(node, known)


def _load(text: str) -> dict[str, Any]:
    try:
        tree: dict[str, Any] = json.loads(text)
    except RecursionError as error:
        raise RefusedError("it is nested too deeply") from error
    return tree


def _walk(tree: object) -> Iterator[dict[str, Any]]:
    """Yield every node; without recursion, for a stranger chooses the depth."""
    left = [tree]
    while left:
        node = left.pop()
        if isinstance(node, dict):
            yield node
            left.extend(node.values())
        elif isinstance(node, list):
            left.extend(node)


def _find_ctes(node: dict[str, Any]) -> list[str]:
    """Return the names that a WITH gives; only plain ones, see PLAIN."""
    listed = node.get("cte_map")
    if not isinstance(listed, dict):
        return []
    keys = [str(entry.get("key", "")) for entry in listed.get("map", [])]
    return [key.casefold() for key in keys if PLAIN.fullmatch(key)]


def _check_node(node: dict[str, Any], known: Collection[str]) -> None:
    kind = node.get("type")
    if kind == "BASE_TABLE":
        _check_table(node, known)
    elif kind == "TABLE_FUNCTION":
        _check_table_function(node)
    elif kind == "SHOW_REF" and not node.get("query"):
        raise RefusedError("only DESCRIBE and SUMMARIZE of a relation are run")
    elif node.get("class") == "FUNCTION":
        _check_function(node)


def _check_table(node: dict[str, Any], known: Collection[str]) -> None:
    name, schema = str(node.get("table_name", "")), str(node.get("schema_name", ""))
    if node.get("catalog_name") or schema.casefold() not in SCHEMAS or name.casefold() not in known:
        shown = ".".join(filter(None, (node.get("catalog_name"), schema, name)))
        raise RefusedError(f"there is no relation {shown!r}; 'cellar query --list' shows them")


def _check_table_function(node: dict[str, Any]) -> None:
    name = str(node.get("function", {}).get("function_name", ""))
    if name.casefold() not in TABLE_FUNCTIONS:
        raise RefusedError(f"{name!r} is no function to select from")


def _check_function(node: dict[str, Any]) -> None:
    name, schema = str(node.get("function_name", "")), str(node.get("schema", ""))
    if name.casefold() in REFUSED_FUNCTIONS or schema.casefold() not in {"", "main", "pg_catalog"}:
        raise RefusedError(f"the function {name!r} is not run")
