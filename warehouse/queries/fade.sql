-- How do the cells' capacities fade, cycle by cycle over all their tests?
-- reads: cycles, steps, precision, test, cell
-- cell_id | | The cell; the test's name while it is unassigned
-- firm | | Code of the firm
-- cycle | | Cycle of the cell over all its tests, from 1
-- test_id | | The test
-- class | | formation, ageing, rpt, rate, pulse, hold or incomplete
-- equivalent_full_cycles | | Charge moved both ways over twice the nominal capacity; null without a nominal capacity
-- throughput_ah | Ah | Charge moved both ways up to and including this cycle
-- throughput_ah_per_square_metre | Ah/m² | The same over the active area; null without one
-- elapsed_day | d | Days since the cell's first cycle began; null where one of several tests has no wall clock and continues no other
-- charging_capacity_ah | Ah | Charge into the cell
-- discharging_capacity_ah | Ah | Charge out of the cell
-- capacity_ah | Ah | What retention is made of: what is discharged; of an anode half cell what is charged (delithiated)
-- capacity_retention | | capacity_ah over the reference capacity; ageing cycles only; null without a reference
-- coulombic_efficiency | | By the cell's convention; null when the cycle is incomplete
-- coulombic_efficiency_floor | | How far the efficiency may be off, to either side, by what is known of the channel; null while neither its offset nor its accuracy is
-- coulombic_efficiency_floor_terms | | What the floor is of: offset, quantum, range
-- energy_efficiency | | Energy out over energy in
-- reference_policy | | How the reference capacity was chosen
-- reference_status | | found; or no_complete_cycle, no_ageing_cycle, too_few_cycles, cycle_incomplete, no_nominal_capacity
-- reference_capacity_ah | Ah | The reference capacity; null where reference_status says why
-- reference_cycle | | The cycle that it comes from; null where it comes from the manifest
-- formula: capacity_retention = capacity_ah / reference_capacity_ah
-- formula: reference_policy: first: first complete cycle; first_after_formation: first ageing cycle; cycle_n: cycle number life.reference_cycle_n; max_of_first: largest of the first life.reference_first_n ageing cycles; median_3_5: median of cycles 3 to 5; nominal: the manifest's capacity
-- formula: coulombic_efficiency_floor = CE · (a + b) / (1 - max(a, b)), a = u(I) · t_charge / Q_charge, b = u(I) · t_discharge / Q_discharge, u(I) = abs(offset) + quantum / 2 + accuracy of the range
-- formula: equivalent_full_cycles = Σ(Q_charge + Q_discharge) / (2 · nominal capacity), both positive
-- source: an offset of one sign adds to the charge and takes from the discharge, so both errors add up: 10 nA on 10 µA move CE by 0.0020
-- condition: an offset or an accuracy of the range must be known: the quantum of a file says nothing of how true its values are
-- condition: half a quantum counts only where the noise of the current is smaller; larger noise averages it out
-- condition: charge is summed to 1e-21 Ah; beyond a cycle of 1e12 Ah, which no cell moves, there is no throughput
-- condition: cycles of other classes than ageing have no retention: another current gives another capacity
WITH uncertain AS (
    SELECT
        test_id,
        coalesce(abs(current_offset_ampere), 0) + coalesce(quantum / 2, 0) + coalesce(range_accuracy_ampere, 0) AS ampere,
        concat_ws(
            ', ',
            if(current_offset_ampere IS NOT NULL, 'offset', NULL),
            if(quantum IS NOT NULL, 'quantum', NULL),
            if(range_accuracy_ampere IS NOT NULL, 'range', NULL)
        ) AS terms,
        coalesce(current_offset_ampere, range_accuracy_ampere) IS NOT NULL AS bounded
    FROM (
        SELECT
            *,
            CASE WHEN NOT coalesce(current_noise_ampere > current_quantum_ampere / 2, false) THEN current_quantum_ampere END
                AS quantum
        FROM precision
    )
),

-- The charge that may be wrong: the current's error counts for as long as a current flows, in a taper too.
wrong AS (
    SELECT
        test_id,
        steps.cycle,
        any_value(terms) AS terms,
        any_value(ampere) / 3600 * sum(duration_second) FILTER (charge_ah > 0) AS charging_ah,
        any_value(ampere) / 3600 * sum(duration_second) FILTER (charge_ah < 0) AS discharging_ah
    FROM steps
    JOIN uncertain USING (test_id)
    WHERE steps.cycle > 0 AND kind NOT IN ('rest', 'pause', 'eis') AND ampere > 0 AND bounded
    GROUP BY test_id, steps.cycle
),

numbered AS (
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
        start_time,
        start_time_second + coalesce(test.chain_offset_second, 0) AS start_time_second,
        coalesce(test.chain, cycles.test_id) AS chain,
        coalesce(charging_capacity_ah, 0) + coalesce(discharging_capacity_ah, 0) AS moved,
        wrong.terms,
        wrong.charging_ah / charging_capacity_ah AS wrong_in,
        wrong.discharging_ah / discharging_capacity_ah AS wrong_out,
        row_number() OVER whole_life AS cycle
    FROM cycles
    JOIN test USING (test_id)
    LEFT JOIN wrong ON wrong.test_id = cycles.test_id AND wrong.cycle = cycles.cycle
    WINDOW whole_life AS (
        PARTITION BY cycles.firm, coalesce(cycles.cell_id, cycles.test_id)
        ORDER BY
            coalesce(test.first_unix_second, test.chain_unix_second) NULLS LAST,
            coalesce(test.chain, cycles.test_id), test.part, cycles.test_id, cycles.cycle
    )
),

-- Of every life the cycles that its reference may come from, as many as the policy asks for.
candidate AS (
    SELECT
        firm,
        cell_id,
        min(start_time) AS begin,
        min(start_time_second) AS begin_of_test,
        count(*) = count(start_time) AS on_clock,
        min(chain) = max(chain) AS one_test,
        max(cycle) AS last_cycle,
        arg_min(
            {'capacity': capacity, 'before': -cycle},
            cycle,
            CASE $life_reference_policy WHEN 'max_of_first' THEN $life_reference_first_n WHEN 'median_3_5' THEN 3 ELSE 1 END
        ) FILTER (
            class <> 'incomplete' AND capacity > 0 AND CASE $life_reference_policy
                WHEN 'first' THEN true
                WHEN 'first_after_formation' THEN class = 'ageing'
                WHEN 'max_of_first' THEN class = 'ageing'
                WHEN 'cycle_n' THEN cycle = $life_reference_cycle_n
                WHEN 'median_3_5' THEN cycle BETWEEN 3 AND 5
                ELSE false
            END
        ) AS found
    FROM numbered
    GROUP BY firm, cell_id
),

judged AS (
    SELECT
        candidate.*,
        cell.nominal_capacity_ah,
        cell.active_area_square_metre,
        CASE $life_reference_policy
            WHEN 'nominal' THEN if(cell.nominal_capacity_ah > 0, 'found', 'no_nominal_capacity')
            WHEN 'first' THEN if(len(found) = 1, 'found', 'no_complete_cycle')
            WHEN 'first_after_formation' THEN if(len(found) = 1, 'found', 'no_ageing_cycle')
            WHEN 'max_of_first' THEN if(len(found) = $life_reference_first_n, 'found', 'too_few_cycles')
            WHEN 'cycle_n' THEN CASE
                WHEN len(found) = 1 THEN 'found'
                WHEN last_cycle >= $life_reference_cycle_n THEN 'cycle_incomplete'
                ELSE 'too_few_cycles'
            END
            WHEN 'median_3_5' THEN CASE
                WHEN len(found) = 3 THEN 'found'
                WHEN last_cycle >= 5 THEN 'cycle_incomplete'
                ELSE 'too_few_cycles'
            END
        END AS reference_status
    FROM candidate
    LEFT JOIN cell ON cell.cell_id = candidate.cell_id AND cell.firm = candidate.firm
),

-- The middle of three by capacity, and of one cycle that one; of several largest the first.
reference AS (
    SELECT
        *,
        CASE
            WHEN reference_status <> 'found' THEN NULL
            WHEN $life_reference_policy = 'nominal' THEN {'capacity': nominal_capacity_ah, 'before': NULL::BIGINT}
            ELSE list_sort(found)[if($life_reference_policy = 'max_of_first', len(found), (len(found) + 1) // 2)]
        END AS chosen
    FROM judged
),

-- A running sum of doubles rounds by where a life lies among others: whole zeptoampere-hours are added.
run AS (
    SELECT
        *,
        CASE WHEN max(moved) OVER life < 1e12
            THEN (sum(TRY_CAST(moved * 1e21 AS HUGEINT)) OVER life)::DOUBLE / 1e21
        END AS throughput_ah
    FROM numbered
    WINDOW life AS (PARTITION BY firm, cell_id ORDER BY cycle)
)

SELECT
    run.cell_id,
    run.firm,
    run.cycle,
    run.test_id,
    run.class,
    run.throughput_ah / (2 * nullif(reference.nominal_capacity_ah, 0)) AS equivalent_full_cycles,
    run.throughput_ah,
    run.throughput_ah / nullif(reference.active_area_square_metre, 0) AS throughput_ah_per_square_metre,
    CASE
        WHEN reference.on_clock THEN run.start_time - reference.begin
        WHEN reference.one_test THEN run.start_time_second - reference.begin_of_test
    END / 86400 AS elapsed_day,
    run.charging_capacity_ah,
    run.discharging_capacity_ah,
    run.capacity AS capacity_ah,
    CASE WHEN run.class = 'ageing' THEN run.capacity / reference.chosen.capacity END AS capacity_retention,
    run.coulombic_efficiency,
    -- Beyond half of what flowed the efficiency says nothing, and the exact formula would turn over.
    run.coulombic_efficiency * (run.wrong_in + run.wrong_out) / greatest(1 - greatest(run.wrong_in, run.wrong_out), 0.5)
        AS coulombic_efficiency_floor,
    CASE WHEN run.coulombic_efficiency + run.wrong_in + run.wrong_out IS NOT NULL THEN run.terms END
        AS coulombic_efficiency_floor_terms,
    run.energy_efficiency,
    $life_reference_policy AS reference_policy,
    reference.reference_status,
    reference.chosen.capacity AS reference_capacity_ah,
    -reference.chosen.before AS reference_cycle
FROM run
JOIN reference ON reference.cell_id = run.cell_id AND reference.firm IS NOT DISTINCT FROM run.firm
ORDER BY run.firm, run.cell_id, run.cycle
