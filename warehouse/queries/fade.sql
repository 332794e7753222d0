-- How do the cells' capacities fade, cycle by cycle over all their tests?
-- reads: cycles, test, cell
-- cell_id | | The cell; the test's name while it is unassigned
-- firm | | Code of the firm
-- cycle | | Cycle of the cell over all its tests, from 1
-- test_id | | The test
-- class | | formation, ageing, rpt, rate, pulse, hold or incomplete
-- equivalent_full_cycles | | Charge moved both ways over twice the nominal capacity; null without a nominal capacity
-- throughput_ah | Ah | Charge moved both ways up to and including this cycle
-- elapsed_day | d | Days since the cell's first cycle began
-- charging_capacity_ah | Ah | Charge into the cell
-- discharging_capacity_ah | Ah | Charge out of the cell
-- capacity_retention | | Capacity over the reference capacity; ageing cycles only. Reference policy: first_after_formation, the first complete ageing cycle. The capacity is what is discharged; of an anode half cell what is charged (delithiated)
-- coulombic_efficiency | | By the cell's convention; null when the cycle is incomplete
-- coulombic_efficiency_floor | | Uncertainty floor from the channel's current offset; null while no offset is known
-- energy_efficiency | | Energy out over energy in
-- reference_capacity_ah | Ah | The reference capacity
-- reference_cycle | | The cycle that it comes from
WITH numbered AS (
    SELECT
        coalesce(cycles.cell_id, cycles.test_id) AS cell_id,
        cycles.firm,
        cycles.test_id,
        class,
        charging_capacity_ah,
        discharging_capacity_ah,
        coulombic_efficiency,
        energy_efficiency,
        CASE WHEN test.convention = 'half_anode' THEN charging_capacity_ah ELSE discharging_capacity_ah END AS capacity,
        coalesce(start_time, start_time_second) AS clock,
        coalesce(charging_capacity_ah, 0) + coalesce(discharging_capacity_ah, 0) AS moved,
        row_number() OVER whole_life AS cycle
    FROM cycles
    JOIN test USING (test_id)
    WINDOW whole_life AS (
        PARTITION BY cycles.firm, coalesce(cycles.cell_id, cycles.test_id)
        ORDER BY test.first_unix_second NULLS LAST, cycles.test_id, cycles.cycle
    )
),

reference AS (
    SELECT
        firm,
        cell_id,
        min(clock) AS begin,
        arg_min(capacity, cycle) FILTER (class = 'ageing') AS reference_capacity_ah,
        min(cycle) FILTER (class = 'ageing') AS reference_cycle
    FROM numbered
    GROUP BY firm, cell_id
),

run AS (
    SELECT *, sum(moved) OVER (PARTITION BY firm, cell_id ORDER BY cycle) AS throughput_ah
    FROM numbered
)

SELECT
    run.cell_id,
    run.firm,
    run.cycle,
    run.test_id,
    run.class,
    run.throughput_ah / (2 * cell.nominal_capacity_ah) AS equivalent_full_cycles,
    run.throughput_ah,
    (run.clock - reference.begin) / 86400 AS elapsed_day,
    run.charging_capacity_ah,
    run.discharging_capacity_ah,
    CASE WHEN run.class = 'ageing' THEN run.capacity / reference.reference_capacity_ah END AS capacity_retention,
    run.coulombic_efficiency,
    NULL::DOUBLE AS coulombic_efficiency_floor,
    run.energy_efficiency,
    reference.reference_capacity_ah,
    reference.reference_cycle
FROM run
JOIN reference ON reference.cell_id = run.cell_id AND reference.firm IS NOT DISTINCT FROM run.firm
LEFT JOIN cell ON cell.cell_id = run.cell_id AND cell.firm = run.firm
ORDER BY run.firm, run.cell_id, run.cycle
