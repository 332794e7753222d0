-- Does each cell's fade have a knee, and where?
-- reads: knees
-- cell_id | | The cell; the test where no cell is known
-- firm | | Code of the firm
-- method | | segmented, bacon_watts, or consensus: what both agree on
-- status | | detected, insufficient, none or indeterminate
-- reason | | Why it is not detected: a key of warehouse.life.reasons
-- knee_cycle | | Cycle of the knee; only of one that is detected
-- knee_low_cycle | | Lower end of its confidence interval
-- knee_high_cycle | | Upper end of its confidence interval
-- onset_cycle | | Cycle at which the bend begins
-- onset_low_cycle | | Lower end of its confidence interval
-- onset_high_cycle | | Upper end of its confidence interval
-- knee_retention | | Retention at the knee, by the fitted curve
-- rate_before_per_cycle | | Change of retention per cycle before the break
-- rate_after_per_cycle | | Change of retention per cycle behind it
-- acceleration | | How many times as fast the cell fades behind the break; at least, where it hardly did
-- loss_after | | Retention lost from the break to the last cycle
-- fit_gain | | By how much the break lowers the AICc of the best law without one
-- follow_up_cycles | | Cycles seen behind the break
-- points | | Ageing cycles that were looked at
-- points_outlying | | Ageing cycles left out because they stand out from their neighbours
-- last_cycle | | Last ageing cycle
-- confidence | | Level of the intervals
-- recipe | | Version of the thresholds
-- formula: segmented: R = a + b·n + d·max(n - c, 0); bacon_watts: R = a₀ + a₁(n - c) + a₂(n - c)·tanh((n - c)/w), onset c - w
-- formula: acceleration = rate_after / rate_before; fit_gain = AICc of the best law without a break - AICc with it
-- source: Hudson 1966; Bacon and Watts 1971; Fermín-Cueto et al. 2020
-- condition: detected when acceleration, loss_after, fit_gain and follow_up_cycles pass life.knee_acceleration, knee_loss, knee_gain, knee_follow_up, and the interval is no wider than knee_widest of the cycles seen
-- condition: consensus: detected when both methods detect it within life.knee_agreement of the cycles seen; where they differ, indeterminate
SELECT
    cell_id, firm, method, status, reason, knee_cycle, knee_low_cycle, knee_high_cycle, onset_cycle,
    onset_low_cycle, onset_high_cycle, knee_retention, rate_before_per_cycle, rate_after_per_cycle,
    acceleration, loss_after, fit_gain, follow_up_cycles, points, points_outlying, last_cycle, confidence,
    recipe
FROM knees
ORDER BY firm, cell_id, method
