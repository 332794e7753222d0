-- How do capacity and voltage depend on temperature, and does the cell come back to what it was at the reference?
-- reads: cycles, steps, test
-- formula: Q(T)/Q(ref), the medians of the soaked cycles of a visit to a temperature over those of the last visit to the reference before it (the first after it where there is none before)
-- formula: V̄(T) - V̄(ref), V̄ = discharging energy over discharging capacity; return = Q of the next visit to the reference over Q(ref)
-- condition: a cycle is soaked when its steps' temperatures lie within storage.soak_kelvin and it ends storage.soak_hour after the visit began; currents agree within storage.same_current
-- source: definitions
-- firm | | Code of the firm
-- cell_id | | The cell; the test's name while it is unassigned
-- visit | | Number of the visit to a temperature, from 1; only of cells that were at more than one
-- temperature_celsius | °C | Median of the soaked cycles' mean temperatures; of all where none is soaked
-- direction | | up or down: how the temperature came here; null for the first
-- status | | measured or refused
-- reason | | Why it was refused: a key of warehouse.storage.reasons
-- first_test_id | | Test of the visit's first cycle
-- first_cycle | | Its number within that test
-- cycles | | Complete cycles of the visit
-- soaked_cycles | | Those that count
-- current_ampere | A | Median of their mean discharging currents, as a size
-- capacity_ah | Ah | Median of their discharged capacities
-- capacity_spread_ah | Ah | Largest less smallest of them
-- mean_discharging_voltage_volt | V | Median of their mean discharging voltages
-- reference_celsius | °C | Temperature of the visit that it is compared with
-- reference_capacity_ah | Ah | Capacity of that visit
-- capacity_ratio | | capacity_ah over reference_capacity_ah
-- voltage_difference_volt | V | Mean discharging voltage, less that of the reference
-- return_ratio | | Capacity of the next visit to the reference over reference_capacity_ah
-- return_status | | returned, not_returned where that is off by more than storage.return_within, or no_return
-- recipe | | Recipe that it was made with
WITH spans AS (
    SELECT test_id, cycle, max(mean_temperature_celsius) - min(mean_temperature_celsius) AS kelvin
    FROM steps
    GROUP BY test_id, cycle
),

numbered AS (
    SELECT
        coalesce(cycles.cell_id, cycles.test_id) AS cell_id,
        cycles.firm,
        cycles.test_id,
        cycles.cycle,
        mean_temperature_celsius AS celsius,
        discharging_capacity_ah AS capacity,
        mean_discharging_voltage_volt AS volt,
        abs(mean_discharging_current_ampere) AS ampere,
        coalesce(start_time, start_time_second) AS clock,
        duration_second,
        kelvin,
        row_number() OVER whole_life AS place,
        abs(celsius - lag(celsius) OVER whole_life) > $storage_same_celsius AS moved
    FROM cycles
    JOIN test USING (test_id)
    LEFT JOIN spans ON spans.test_id = cycles.test_id AND spans.cycle = cycles.cycle
    WHERE class <> 'incomplete' AND mean_temperature_celsius IS NOT NULL AND discharging_capacity_ah > 0
    WINDOW whole_life AS (
        PARTITION BY cycles.firm, coalesce(cycles.cell_id, cycles.test_id)
        ORDER BY
            coalesce(test.first_unix_second, test.chain_unix_second) NULLS LAST,
            coalesce(test.chain, cycles.test_id), test.part, cycles.test_id, cycles.cycle
    )
),

visited AS (
    SELECT *, 1 + count(*) FILTER (moved) OVER (PARTITION BY firm, cell_id ORDER BY place) AS visit
    FROM numbered
),

judged AS (
    SELECT
        *,
        coalesce(kelvin, 0) <= $storage_soak_kelvin
        AND clock + duration_second - min(clock) OVER (PARTITION BY firm, cell_id, visit)
        >= $storage_soak_hour * 3600 AS soaked
    FROM visited
),

visits AS (
    SELECT
        firm,
        cell_id,
        visit,
        coalesce(median(celsius) FILTER (soaked), median(celsius)) AS typical_celsius,
        arg_min(test_id, place) AS first_test_id,
        arg_min(cycle, place) AS first_cycle,
        count(*) AS cycles,
        count(*) FILTER (soaked) AS soaked_cycles,
        median(ampere) FILTER (soaked) AS typical_ampere,
        median(capacity) FILTER (soaked) AS typical_capacity,
        max(capacity) FILTER (soaked) - min(capacity) FILTER (soaked) AS spread,
        median(volt) FILTER (soaked) AS typical_volt
    FROM judged
    GROUP BY firm, cell_id, visit
),

marked AS (
    SELECT
        firm, cell_id, visit, first_test_id, first_cycle, cycles, soaked_cycles, typical_celsius AS celsius,
        typical_ampere AS ampere, typical_capacity AS capacity, spread, typical_volt AS volt,
        CASE
            WHEN soaked_cycles > 0 AND abs(typical_celsius - $storage_reference_celsius) <= $storage_same_celsius
                THEN {
                    'celsius': typical_celsius, 'capacity': typical_capacity, 'volt': typical_volt,
                    'ampere': typical_ampere
                }
        END AS reference
    FROM visits
),

compared AS (
    SELECT
        *,
        count(*) OVER (PARTITION BY firm, cell_id) AS visits,
        celsius - lag(celsius) OVER life AS change,
        last_value(reference IGNORE NULLS) OVER (life ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS earlier,
        first_value(reference IGNORE NULLS) OVER (life ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS later
    FROM marked
    WINDOW life AS (PARTITION BY firm, cell_id ORDER BY visit)
),

chosen AS (
    SELECT
        *,
        coalesce(earlier, reference, later) AS base,
        CASE
            WHEN soaked_cycles = 0 THEN 'not_soaked'
            WHEN coalesce(earlier, reference, later) IS NULL THEN 'no_reference'
            WHEN
                abs(ampere - coalesce(earlier, reference, later).ampere)
                > $storage_same_current * greatest(ampere, coalesce(earlier, reference, later).ampere)
                THEN 'currents_differ'
        END AS reason
    FROM compared
    WHERE visits > 1
)

SELECT
    firm,
    cell_id,
    visit,
    celsius AS temperature_celsius,
    CASE WHEN change > 0 THEN 'up' WHEN change < 0 THEN 'down' END AS direction,
    CASE WHEN reason IS NULL THEN 'measured' ELSE 'refused' END AS status,
    reason,
    first_test_id,
    first_cycle,
    cycles,
    soaked_cycles,
    ampere AS current_ampere,
    capacity AS capacity_ah,
    spread AS capacity_spread_ah,
    volt AS mean_discharging_voltage_volt,
    base.celsius AS reference_celsius,
    base.capacity AS reference_capacity_ah,
    CASE WHEN reason IS NULL THEN capacity / base.capacity END AS capacity_ratio,
    CASE WHEN reason IS NULL THEN volt - base.volt END AS voltage_difference_volt,
    CASE WHEN coalesce(earlier, reference) IS NOT NULL THEN later.capacity / base.capacity END AS return_ratio,
    CASE
        WHEN return_ratio IS NULL THEN 'no_return'
        WHEN abs(return_ratio - 1) <= $storage_return_within THEN 'returned'
        ELSE 'not_returned'
    END AS return_status,
    $recipe AS recipe
FROM chosen
ORDER BY firm, cell_id, visit
