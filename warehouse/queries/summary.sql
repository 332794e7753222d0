-- How is each cell doing: capacity, retention, fade rate, end of life?
-- reads: fade
-- cell_id | | The cell; the test's name while it is unassigned
-- firm | | Code of the firm
-- cycles | | Complete logical cycles over all its tests
-- reference_policy | | How the reference capacity was chosen
-- reference_cycle | | Cycle that the policy chose
-- first_capacity_ah | Ah | Capacity of the first complete cycle
-- reference_capacity_ah | Ah | Capacity of the reference cycle
-- last_capacity_ah | Ah | Capacity of the last ageing cycle
-- last_capacity_retention | | Last capacity over the reference capacity
-- fade_rate_per_cycle | | Slope of retention over cycle by least squares, ageing cycles; negative when fading; null below three cycles
-- end_of_life_threshold | | Retention that ends life
-- end_of_life_cycle | | Cycle at which retention crosses the threshold for good, interpolated; null when not reached
-- end_of_life_censored | | True when the threshold was not reached: life is longer than the cycles seen; null without ageing cycles
-- end_of_life | | The same in words: 412.3, or > 500
-- coulombic_efficiency_median | | Median over the ageing cycles after the reference cycle
-- coulombic_efficiency_floor | | Uncertainty floor from the channel's current offset; null while no offset is known
-- knee_status | | not_evaluated until a recipe evaluates knees
-- knee_cycle | | Cycle of the knee
-- recipe | | Version of the thresholds and policies
WITH ageing AS (
    SELECT
        firm,
        cell_id,
        cycle,
        capacity_retention AS retention,
        coulombic_efficiency,
        reference_capacity_ah,
        reference_cycle,
        lag(cycle) OVER life AS cycle_before,
        lag(capacity_retention) OVER life AS retention_before,
        -- Below the threshold now and in the comparable cycles that follow: a crossing for good.
        count(*) FILTER (capacity_retention < $end_of_life) OVER (
            PARTITION BY firm, cell_id ORDER BY cycle ROWS BETWEEN CURRENT ROW AND ($sustained - 1) FOLLOWING
        ) = $sustained AS crossed
    FROM fade
    WHERE class = 'ageing'
    WINDOW life AS (PARTITION BY firm, cell_id ORDER BY cycle)
),

lives AS (
    SELECT
        firm,
        cell_id,
        max(cycle) AS last_cycle,
        arg_max(retention, cycle) AS last_capacity_retention,
        any_value(reference_capacity_ah) AS reference_capacity_ah,
        any_value(reference_cycle) AS reference_cycle,
        CASE WHEN count(*) >= 3 THEN regr_slope(retention, cycle) END AS fade_rate_per_cycle,
        median(coulombic_efficiency) FILTER (cycle > reference_cycle) AS coulombic_efficiency_median,
        arg_min(
            cycle_before + (retention_before - $end_of_life) / (retention_before - retention) * (cycle - cycle_before),
            cycle
        ) FILTER (crossed) AS end_of_life_cycle
    FROM ageing
    GROUP BY firm, cell_id
),

cells AS (
    SELECT
        firm,
        cell_id,
        count(*) FILTER (class <> 'incomplete') AS cycles,
        arg_min(discharging_capacity_ah, cycle) FILTER (class <> 'incomplete') AS first_capacity_ah
    FROM fade
    GROUP BY firm, cell_id
)

SELECT
    cells.cell_id,
    cells.firm,
    cells.cycles,
    $reference_policy AS reference_policy,
    lives.reference_cycle,
    cells.first_capacity_ah,
    lives.reference_capacity_ah,
    lives.last_capacity_retention * lives.reference_capacity_ah AS last_capacity_ah,
    lives.last_capacity_retention,
    lives.fade_rate_per_cycle,
    $end_of_life::DOUBLE AS end_of_life_threshold,
    lives.end_of_life_cycle,
    CASE WHEN lives.cell_id IS NOT NULL THEN lives.end_of_life_cycle IS NULL END AS end_of_life_censored,
    CASE
        WHEN lives.end_of_life_cycle IS NOT NULL THEN printf('%.1f', lives.end_of_life_cycle)
        WHEN lives.cell_id IS NOT NULL THEN '> ' || lives.last_cycle
    END AS end_of_life,
    lives.coulombic_efficiency_median,
    NULL::DOUBLE AS coulombic_efficiency_floor,
    'not_evaluated' AS knee_status,
    NULL::DOUBLE AS knee_cycle,
    $recipe AS recipe
FROM cells
LEFT JOIN lives ON lives.cell_id = cells.cell_id AND lives.firm IS NOT DISTINCT FROM cells.firm
ORDER BY cells.firm, cells.cell_id
