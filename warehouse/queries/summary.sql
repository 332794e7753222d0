-- How is each cell doing: capacity, retention, fade rate, end of life, knee?
-- reads: fade, fade_models, knees
-- cell_id | | The cell; the test's name while it is unassigned
-- firm | | Code of the firm
-- cycles | | Complete logical cycles over all its tests
-- reference_policy | | How the reference capacity was chosen
-- reference_status | | found; or no_complete_cycle, no_ageing_cycle, too_few_cycles, cycle_incomplete, no_nominal_capacity
-- reference_cycle | | Cycle that the policy chose; null where the reference comes from the manifest
-- first_capacity_ah | Ah | Capacity of the first complete cycle
-- reference_capacity_ah | Ah | The reference capacity; null where reference_status says why
-- last_capacity_ah | Ah | Capacity of the last ageing cycle
-- last_capacity_retention | | Last capacity over the reference capacity
-- fade_rate_per_cycle | | Slope of retention over cycle by least squares, ageing cycles; negative when fading; null below three cycles
-- fade_model | | The law that describes the fade best, of the query fade_models; null below ten ageing cycles
-- end_of_life_threshold | | Retention that ends life
-- end_of_life_cycle | | Cycle at which retention crosses the threshold for good, interpolated; null when not reached
-- end_of_life_censored | | True when the threshold was not reached: life is longer than the cycles seen; null without retention
-- end_of_life | | The same in words: 412.3, or > 500; <= 3 when the first ageing cycle was below it already
-- coulombic_efficiency_median | | Median over the ageing cycles after the reference cycle
-- coulombic_efficiency_floor | | The largest floor among the same cycles; null unless each of them has one
-- coulombic_efficiency_printed | | Median ± floor, without digits below the floor; null without a floor; not_resolved where the floor is 1 or more
-- knee_status | | detected, insufficient, none or indeterminate: what two methods agree on, of the query knees
-- knee_cycle | | Cycle of the knee; only of one that is detected
-- recipe | | Version of the thresholds and policies
-- formula: end_of_life_cycle = n(k-1) + (R(k-1) - T) / (R(k-1) - R(k)) · (n(k) - n(k-1)), k the first cycle from which on life.sustained_crossing ageing cycles in a row are below T = life.end_of_life
-- formula: fade_rate_per_cycle = Σ(n - mean n)(R - mean R) / Σ(n - mean n)²; a robust slope and intervals are in fade_models
-- source: end of life at 80 % is a convention of the industry; IEC 61960 has 60 %
-- condition: a life that was not seen to end is right-censored, never extrapolated; the query forecast has the labelled band
-- condition: the reference cycle's own efficiency does not count; without a reference cycle all ageing cycles do
WITH ageing AS (
    SELECT
        firm,
        cell_id,
        cycle,
        capacity_ah,
        capacity_retention AS retention,
        coulombic_efficiency,
        coulombic_efficiency_floor,
        coulombic_efficiency IS NOT NULL AND (reference_cycle IS NULL OR cycle > reference_cycle) AS counts,
        lag(cycle) OVER life AS cycle_before,
        lag(capacity_retention) OVER life AS retention_before,
        -- Below the threshold now and in the comparable cycles that follow: a crossing for good.
        count(*) FILTER (capacity_retention < $life_end_of_life) OVER (
            PARTITION BY firm, cell_id
            ORDER BY cycle
            ROWS BETWEEN CURRENT ROW AND ($life_sustained_crossing - 1) FOLLOWING
        ) = $life_sustained_crossing AS crossed
    FROM fade
    WHERE class = 'ageing'
    WINDOW life AS (PARTITION BY firm, cell_id ORDER BY cycle)
),

lives AS (
    SELECT
        firm,
        cell_id,
        max(cycle) AS last_cycle,
        arg_max(capacity_ah, cycle) AS last_capacity_ah,
        arg_max(retention, cycle) AS last_capacity_retention,
        CASE WHEN count(retention) >= $life_fewest_for_rate THEN regr_slope(retention, cycle) END AS fade_rate_per_cycle,
        median(coulombic_efficiency) FILTER (counts) AS coulombic_efficiency_median,
        CASE WHEN bool_and(coulombic_efficiency_floor IS NOT NULL) FILTER (counts)
            THEN max(coulombic_efficiency_floor) FILTER (counts)
        END AS coulombic_efficiency_floor,
        -- Nothing can be interpolated where the very first cycle is below the threshold.
        arg_min(
            coalesce(
                cycle_before
                + (retention_before - $life_end_of_life) / (retention_before - retention) * (cycle - cycle_before),
                cycle
            ),
            cycle
        ) FILTER (crossed) AS end_of_life_cycle,
        arg_min(cycle_before IS NULL, cycle) FILTER (crossed) AS ended_before
    FROM ageing
    GROUP BY firm, cell_id
),

cells AS (
    SELECT
        firm,
        cell_id,
        any_value(reference_policy) AS reference_policy,
        any_value(reference_status) AS reference_status,
        any_value(reference_capacity_ah) AS reference_capacity_ah,
        any_value(reference_cycle) AS reference_cycle,
        count(*) FILTER (class <> 'incomplete') AS cycles,
        arg_min(capacity_ah, cycle) FILTER (class <> 'incomplete') AS first_capacity_ah
    FROM fade
    GROUP BY firm, cell_id
),

-- The floor, rounded up to its first digit; what is less than a hundredth of that above it is not worth another one.
reached AS (
    SELECT
        *,
        least(-floor(log10(nullif(coulombic_efficiency_floor, 0))), $life_most_decimals) AS digit,
        greatest(ceil(coulombic_efficiency_floor * pow(10, digit) - 0.01), 1) / pow(10, digit) AS reach
    FROM lives
    WHERE coulombic_efficiency_floor > 0
),

printed AS (
    SELECT *, greatest(-floor(log10(reach) + 1e-9), 0)::INTEGER AS decimals
    FROM reached
)

SELECT
    cells.cell_id,
    cells.firm,
    cells.cycles,
    cells.reference_policy,
    cells.reference_status,
    cells.reference_cycle,
    cells.first_capacity_ah,
    cells.reference_capacity_ah,
    lives.last_capacity_ah,
    lives.last_capacity_retention,
    lives.fade_rate_per_cycle,
    fade_models.model AS fade_model,
    $life_end_of_life AS end_of_life_threshold,
    lives.end_of_life_cycle,
    CASE WHEN lives.last_capacity_retention IS NOT NULL THEN lives.end_of_life_cycle IS NULL END AS end_of_life_censored,
    CASE
        WHEN lives.ended_before THEN '<= ' || lives.end_of_life_cycle::BIGINT
        WHEN lives.end_of_life_cycle IS NOT NULL THEN printf('%.1f', lives.end_of_life_cycle)
        WHEN lives.last_capacity_retention IS NOT NULL THEN '> ' || lives.last_cycle
    END AS end_of_life,
    lives.coulombic_efficiency_median,
    lives.coulombic_efficiency_floor,
    CASE
        WHEN printed.reach >= 1 THEN 'not_resolved'
        WHEN printed.reach > 0 THEN
            printf('%.*f', printed.decimals, lives.coulombic_efficiency_median)
            || ' ± '
            || printf('%.*f', printed.decimals, printed.reach)
    END AS coulombic_efficiency_printed,
    coalesce(knees.status, 'insufficient') AS knee_status,
    knees.knee_cycle,
    $recipe AS recipe
FROM cells
LEFT JOIN lives ON lives.cell_id = cells.cell_id AND lives.firm IS NOT DISTINCT FROM cells.firm
LEFT JOIN printed ON printed.cell_id = cells.cell_id AND printed.firm IS NOT DISTINCT FROM cells.firm
LEFT JOIN fade_models
    ON fade_models.cell_id = cells.cell_id AND fade_models.firm IS NOT DISTINCT FROM cells.firm AND fade_models.chosen
LEFT JOIN knees
    ON knees.cell_id = cells.cell_id AND knees.firm IS NOT DISTINCT FROM cells.firm AND knees.method = 'consensus'
ORDER BY cells.firm, cells.cell_id
