"""Why a query has no answer.

::

    UsageError
    └── SqlError            code
        ├── SqlRefused      refused    it is none of the queries that are run
        ├── SqlWrong        wrong      DuckDB says what is wrong with it
        ├── SqlLate         time       it took longer than it may
        ├── SqlLarge        memory     it needed more memory than it may
        ├── SqlDied         died       its process ended before it answered
        ├── SqlCancelled    cancelled  who asked did not want it any more
        └── SqlBusy         busy       too many queries are running
"""

from __future__ import annotations

from typing import ClassVar

from warehouse.errors import UsageError


class SqlError(UsageError):
    """A query without an answer."""

    code: ClassVar[str] = "sql"


class SqlRefused(SqlError):  # noqa: N818 named for what happened, as our other errors are
    """It is none of the queries that are run."""

    code = "refused"


class SqlWrong(SqlError):  # noqa: N818 likewise
    """DuckDB says what is wrong with it."""

    code = "wrong"


class SqlLate(SqlError):  # noqa: N818 likewise
    """It took longer than it may."""

    code = "time"


class SqlLarge(SqlError):  # noqa: N818 likewise
    """It needed more memory than it may."""

    code = "memory"


class SqlDied(SqlError):  # noqa: N818 likewise
    """Its process ended before it answered."""

    code = "died"


class SqlCancelled(SqlError):  # noqa: N818 likewise
    """Who asked did not want it any more."""

    code = "cancelled"


class SqlBusy(SqlError):  # noqa: N818 likewise
    """Too many queries are running."""

    code = "busy"


BY_CODE = {one.code: one for one in (SqlRefused, SqlWrong, SqlLate, SqlLarge, SqlDied, SqlCancelled, SqlBusy)}
