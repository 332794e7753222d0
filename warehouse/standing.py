"""What nights made of each firm, as far as the registry lists it at one moment: read once for all of them.

Most firms have nothing new, and to ask about one after the other would take longer than all else of such a night.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from warehouse.marts import list_whole
from warehouse.registry import BUCKET, Row
from warehouse.shelf import select_sums

if TYPE_CHECKING:
    from warehouse.home import Home


@dataclass(frozen=True)
class Standing:
    """What nights made of one firm.

    Args:
        firm: code of the firm; ``""`` for tests without an owner.
        moment: what its data are now.
        buckets: how many of its buckets were found to be of each moment.
        rows: how many rows the files of its buckets hold, by table.
        wholes: what is listed of the whole firm, rows of ``schema.STORED_FILE`` by table.
    """

    firm: str
    moment: str
    buckets: Mapping[str | None, int]
    rows: Mapping[str, int]
    wholes: Mapping[str, Row]


def read_standings(home: Home, firms: Collection[str]) -> dict[str, Standing]:
    """Return how some firms stand now, in the order in which they are given."""
    bucket = BUCKET.c
    counts = sa.select(bucket.firm, bucket.moment, sa.func.count()).group_by(bucket.firm, bucket.moment)
    buckets: dict[str, dict[str | None, int]] = defaultdict(dict)
    rows: dict[str, dict[str, int]] = defaultdict(dict)
    wholes: dict[str, dict[str, Row]] = defaultdict(dict)
    with home.registry.snapshot() as now:
        moments = home.results.name_moments(firms, now)
        for firm, moment, number in home.registry.tuples(counts, now):
            buckets[firm][moment] = number
        for firm, table, number in home.registry.tuples(select_sums(), now):
            rows[firm][table] = number
        for row in list_whole(home.registry, None, moment=now):
            wholes[row["firm"]][row["table_name"]] = row
    return {firm: Standing(firm, moment, buckets[firm], rows[firm], wholes[firm]) for firm, moment in moments.items()}
