-- How much of the capacity is left at each rate, and does it come back?
-- reads: cycles, test, cell
-- formula: rate I/Q, Q the nominal capacity of the manifest, else that of the reference block, as rate_of says; capacity ratio Q/Q_ref, Q_ref of the last reference block before, else the first after; recovery Q_ref after / Q_ref before
-- formula: Peukert's exponent k: -d ln t / d ln I of t = Q/I, least squares over the rates, with Student's 95 % interval
-- condition: complete cycles but pulse tests and holds; rates are groups of mean currents that differ by no more than loads.same_rate; blocks are cycles of one rate in a row; the reference is the slowest rate with several blocks, formation left out, else the slowest; k needs loads.fewest_rates rates that are bracketed or the reference
-- source: definitions; Peukert 1897
-- cell_id | | The cell; the test's name while it is unassigned
-- firm | | Code of the firm
-- block | | Number of the block in the cell's life, from 1
-- first_cycle | | Its first cycle, over all tests of the cell
-- last_cycle | | Its last cycle
-- cycles | | Comparable cycles in it
-- rate_group | | Number of its rate, from 1 at the slowest
-- current_ampere | A | Median of the cycles' mean currents, by size; of discharge, of an anode half cell of charge
-- current_density_ampere_per_square_metre | A/m² | The same over the electrode area of the manifest
-- rate_per_hour | 1/h | C-rate: current over rate_capacity_ah
-- rate_capacity_ah | Ah | Q of the rate
-- rate_of | | nominal or reference: which Q that is
-- capacity_ah | Ah | Median capacity of its cycles
-- reference_current_ampere | A | Median current of the reference rate
-- reference_capacity_ah | Ah | Q_ref
-- capacity_ratio | | capacity_ah / reference_capacity_ah
-- recovery | | Q_ref of the first reference block after over that of the last before; null where one is missing
-- status | | reference; bracketed; not_bracketed: rate and fade cannot be told apart
-- peukert_exponent | | k of the cell; null below the number of rates
-- peukert_exponent_low | | Lower end of its 95 % interval
-- peukert_exponent_high | | Upper end of its 95 % interval
-- peukert_rates | | Rates that it could be made of
-- recipe | | Recipe that it was made with
WITH numbered AS (
    SELECT
        coalesce(cycles.cell_id, cycles.test_id) AS cell_id,
        cycles.firm,
        class,
        CASE WHEN test.convention = 'half_anode' THEN charging_capacity_ah ELSE discharging_capacity_ah END AS capacity,
        CASE
            WHEN test.convention = 'half_anode' THEN mean_charging_current_ampere
            ELSE -mean_discharging_current_ampere
        END AS ampere,
        row_number() OVER whole_life AS cycle
    FROM cycles
    JOIN test USING (test_id)
    WINDOW whole_life AS (
        PARTITION BY cycles.firm, coalesce(cycles.cell_id, cycles.test_id)
        ORDER BY
            coalesce(test.first_unix_second, test.chain_unix_second) NULLS LAST,
            coalesce(test.chain, cycles.test_id), test.part, cycles.test_id, cycles.cycle
    )
),

stepped AS (
    SELECT
        *,
        class = 'formation' AS forms,
        coalesce(ampere > lag(ampere) OVER (PARTITION BY firm, cell_id ORDER BY ampere, cycle) * (1 + $loads_same_rate), TRUE)
            AS faster
    FROM numbered
    WHERE class IN ('formation', 'ageing', 'rate', 'rpt') AND capacity > 0 AND ampere > 0
),

grouped AS (
    SELECT
        *,
        count(*) FILTER (faster) OVER (PARTITION BY firm, cell_id ORDER BY ampere, cycle ROWS UNBOUNDED PRECEDING)
            AS rate_group
    FROM stepped
),

parted AS (
    SELECT
        *,
        coalesce(rate_group <> lag(rate_group) OVER in_order OR forms <> lag(forms) OVER in_order, TRUE) AS begins
    FROM grouped
    WINDOW in_order AS (PARTITION BY firm, cell_id ORDER BY cycle)
),

blocked AS (
    SELECT
        *,
        count(*) FILTER (begins) OVER (PARTITION BY firm, cell_id ORDER BY cycle ROWS UNBOUNDED PRECEDING) AS block
    FROM parted
),

blocks AS (
    SELECT
        firm,
        cell_id,
        block,
        any_value(rate_group) AS rate_group,
        any_value(forms) AS forms,
        min(cycle) AS first_cycle,
        max(cycle) AS last_cycle,
        count(*) AS cycles,
        median(ampere) AS ampere,
        median(capacity) AS capacity
    FROM blocked
    GROUP BY firm, cell_id, block
),

repeated AS (
    SELECT
        firm,
        cell_id,
        rate_group,
        -- What formed the cell is no reference where there is another.
        count(*) FILTER (NOT forms) > 1 AS brackets,
        median(ampere) AS ampere
    FROM blocks
    GROUP BY firm, cell_id, rate_group
),

reference AS (
    SELECT
        firm,
        cell_id,
        bool_or(brackets) AS brackets,
        coalesce(min(rate_group) FILTER (brackets), 1) AS rate_group,
        coalesce(arg_min(ampere, rate_group) FILTER (brackets), arg_min(ampere, rate_group)) AS ampere
    FROM repeated
    GROUP BY firm, cell_id
    HAVING count(*) > 1
),

compared AS (
    SELECT
        blocks.*,
        reference.ampere AS reference_ampere,
        blocks.rate_group = reference.rate_group AND NOT (reference.brackets AND blocks.forms) AS is_reference,
        CASE WHEN is_reference THEN capacity END AS own,
        last_value(own IGNORE NULLS) OVER (here ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before,
        first_value(own IGNORE NULLS) OVER (here ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS after,
        first_value(own IGNORE NULLS) OVER (here ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS first_own
    FROM blocks
    JOIN reference ON reference.cell_id = blocks.cell_id AND reference.firm IS NOT DISTINCT FROM blocks.firm
    WINDOW here AS (PARTITION BY blocks.firm, blocks.cell_id ORDER BY block)
),

usable AS (
    SELECT
        firm,
        cell_id,
        arg_min(ln(ampere), block) AS x,
        arg_min(ln(capacity / ampere), block) AS y
    FROM compared
    WHERE is_reference OR (before IS NOT NULL AND after IS NOT NULL)
    GROUP BY firm, cell_id, rate_group
),

fitted AS (
    SELECT
        firm,
        cell_id,
        count(*) AS rates,
        -regr_slope(y, x) AS exponent,
        sqrt(greatest(regr_syy(y, x) - regr_sxy(y, x) ** 2 / regr_sxx(y, x), 0) / nullif(count(*) - 2, 0) / regr_sxx(y, x))
            AS error
    FROM usable
    GROUP BY firm, cell_id
),

student (freedom, quantile) AS (
    -- Student's t at 97.5 % for few degrees of freedom; beyond ten, the quantile of ten is on the safe side.
    VALUES (1, 12.7062), (2, 4.3027), (3, 3.1824), (4, 2.7764), (5, 2.5706), (6, 2.4469), (7, 2.3646), (8, 2.3060),
        (9, 2.2622), (10, 2.2281)
),

peukert AS (
    SELECT firm, cell_id, rates, exponent, error * quantile AS reach
    FROM fitted
    LEFT JOIN student ON student.freedom = least(rates - 2, 10)
)

SELECT
    compared.cell_id,
    compared.firm,
    block,
    first_cycle,
    last_cycle,
    cycles,
    rate_group,
    compared.ampere AS current_ampere,
    compared.ampere / cell.active_area_square_metre AS current_density_ampere_per_square_metre,
    compared.ampere / coalesce(cell.nominal_capacity_ah, first_own) AS rate_per_hour,
    coalesce(cell.nominal_capacity_ah, first_own) AS rate_capacity_ah,
    CASE WHEN cell.nominal_capacity_ah IS NULL THEN 'reference' ELSE 'nominal' END AS rate_of,
    capacity AS capacity_ah,
    reference_ampere AS reference_current_ampere,
    CASE WHEN is_reference THEN capacity ELSE coalesce(before, after) END AS reference_capacity_ah,
    capacity / CASE WHEN is_reference THEN capacity ELSE coalesce(before, after) END AS capacity_ratio,
    CASE WHEN NOT is_reference THEN after / before END AS recovery,
    CASE
        WHEN is_reference THEN 'reference'
        WHEN before IS NOT NULL AND after IS NOT NULL THEN 'bracketed'
        ELSE 'not_bracketed'
    END AS status,
    CASE WHEN rates >= $loads_fewest_rates THEN exponent END AS peukert_exponent,
    CASE WHEN rates >= $loads_fewest_rates THEN exponent - reach END AS peukert_exponent_low,
    CASE WHEN rates >= $loads_fewest_rates THEN exponent + reach END AS peukert_exponent_high,
    coalesce(rates, 0) AS peukert_rates,
    $recipe AS recipe
FROM compared
LEFT JOIN peukert ON peukert.cell_id = compared.cell_id AND peukert.firm IS NOT DISTINCT FROM compared.firm
LEFT JOIN cell ON cell.cell_id = compared.cell_id AND cell.firm = compared.firm
ORDER BY compared.firm, compared.cell_id, block
