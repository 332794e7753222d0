"""The thresholds behind alerts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class AlertsRecipe:
    """When somebody should look.

    Args:
        siblings: so many like cells, the cell included, are needed to say that one falls faster.
        sibling_limit: modified z below which a cell falls faster than its siblings.
        sibling_spread: least spread of retentions that counts, so that siblings which are all alike make no alert.
        sibling_loss: least retention that a cell has lost more than its siblings.
        sibling_cycles: ageing cycles before a cell is compared.
        step_limit: a capacity steps where it changes between two cycles by so many times the usual scatter.
        step_part: and by at least this part of the capacity.
        step_cycles: cycles before and behind, over which the step must stay.
        step_most: steps of one cell that are told, the largest ones.
        channel_cells: so many cells, each beside its like, are needed to judge a channel.
        channel_limit: how many times its uncertainty the median residual of a channel exceeds.
        channel_agreement: part of the channel's cells that are off in the same direction.
        channel_efficiency: least residual of the coulombic efficiency that is told.
        channel_capacity: least residual of the capacity that is told, as a part of it.
        stall_intervals: a test stalls when its file has not grown for so many of its usual intervals.
        stall_seconds: and for so long at least.
        stall_versions: versions of a growing file before its usual interval is known.
        recent_days: what is older opens no alert.
        disk_free_part: the disk fills when less of it is free.
        disk_days: or when it will be full in so many days, as it filled in the last thirty.
    """

    siblings: int = 5
    sibling_limit: float = 5.0
    sibling_spread: float = 0.002
    sibling_loss: float = 0.01
    sibling_cycles: int = 10
    step_limit: float = 8.0
    step_part: float = 0.01
    step_cycles: int = 3
    step_most: int = 3
    channel_cells: int = 3
    channel_limit: float = 5.0
    channel_agreement: float = 0.8
    channel_efficiency: float = 2e-4
    channel_capacity: float = 0.005
    stall_intervals: float = 5.0
    stall_seconds: float = 7200.0
    stall_versions: int = 4
    recent_days: float = 30.0
    disk_free_part: float = 0.1
    disk_days: float = 30.0
