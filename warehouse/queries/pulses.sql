-- How do the cells bear current pulses, and how many until the voltage passes its limit?
-- reads: pulses, resistance, cell
-- formula: resistance abs(V - V_0) / abs(I - I_0); ohmic part V_first - V_0, polarisation V_last - V_first; largest current abs(V_0 - V_cut) / resistance
-- formula: a train's count and charge: of its pulses before the first whose extreme passes V_cut
-- condition: loads.fewest_records records in the pulse, else not_resolved and no figure of its voltage; V_cut is the manifest's voltage limit
-- source: IEC 60086-2, application tests by pulses; HPPC
-- cell_id | | The cell; null while unassigned
-- test_id | | The test
-- pulse | | Number of the pulse within the test, from 1
-- train | | Number of its train: pulses of like current and duration in a row, with nothing larger between
-- pulse_of_train | | Number of the pulse within its train, from 1
-- cycle | | Logical cycle within the test; 0 before the first
-- step_count | | The step that it is, or lies in
-- direction | | charge or discharge
-- status | | resolved, not_resolved or below_noise: keys of warehouse.loads.reasons
-- start_time_second | s | Test time of its first record
-- start_unix_time_second | s | Wall clock of its first record, UTC
-- duration_second | s | From the edge to its last record
-- records | | Records within it
-- current_ampere | A | Mean current over time
-- current_density_ampere_per_square_metre | A/m² | The same over the electrode area of the manifest
-- current_before_ampere | A | Current of the last record before it
-- rest_before_second | s | Time at rest right before it; 0 where another current flowed
-- rest_after_second | s | Time at rest right after it; 0 where another current followed
-- voltage_before_volt | V | V_0
-- lowest_voltage_volt | V | V_min
-- highest_voltage_volt | V | V_max
-- first_record_second | s | Time behind the edge of the first record at the pulse's current
-- ohmic_change_volt | V | Voltage of that record less V_0: ohmic as far as that time is short
-- polarisation_change_volt | V | Voltage of the last record less that of the first
-- recovery_volt | V | Back from the extreme at the end of the rest that follows
-- resistance_10_millisecond_ohm | Ω | Resistance 10 ms behind the edge; null where it is not resolved or the pulse shorter
-- resistance_100_millisecond_ohm | Ω | The same after 100 ms
-- resistance_1_second_ohm | Ω | The same after 1 s
-- resistance_10_second_ohm | Ω | The same after 10 s
-- resistance_ohm | Ω | The same at the pulse's last record
-- charge_ah | Ah | Charge; positive charges
-- energy_wh | Wh | Energy; positive charges
-- largest_current_ampere | A | The pulse that would just reach the limit
-- limit_voltage_volt | V | V_cut
-- temperature_celsius | °C | Mean temperature of the pulse
-- state_of_charge | | Before it, counted within its complete cycle of a full cell; else null
-- train_pulses | | Pulses of its train
-- train_limit_passed | | Whether a pulse of its train passed V_cut; null without a limit, or while any is not resolved
-- train_pulses_to_limit | | Pulses of its train before the first that did; null where none did: more than train_pulses
-- train_charge_to_limit_ah | Ah | Charge that these moved
-- recipe | | Recipe that it was made with
WITH passing AS (
    SELECT
        *,
        CASE
            WHEN direction = 'charge' THEN highest_voltage_volt > limit_voltage_volt
            ELSE lowest_voltage_volt < limit_voltage_volt
        END AS passes
    FROM pulses
),

train AS (
    SELECT
        test_id,
        train,
        count(*) AS train_pulses,
        CASE WHEN count(passes) = count(*) THEN bool_or(passes) END AS train_limit_passed,
        min(pulse_of_train) FILTER (passes) AS first_passing
    FROM passing
    GROUP BY test_id, train
),

delivered AS (
    SELECT
        test_id,
        train,
        coalesce(sum(abs(charge_ah)) FILTER (pulse_of_train < first_passing), 0) AS train_charge_to_limit_ah
    FROM passing
    JOIN train USING (test_id, train)
    GROUP BY test_id, train
),

behind AS (
    SELECT
        test_id,
        pulse,
        max(resistance_ohm) FILTER (abs(after_second - 0.01) < 1e-9) AS resistance_10_millisecond_ohm,
        max(resistance_ohm) FILTER (abs(after_second - 0.1) < 1e-9) AS resistance_100_millisecond_ohm,
        max(resistance_ohm) FILTER (abs(after_second - 1) < 1e-9) AS resistance_1_second_ohm,
        max(resistance_ohm) FILTER (abs(after_second - 10) < 1e-9) AS resistance_10_second_ohm
    FROM resistance
    WHERE "of" = 'pulse' AND edge = 'load'
    GROUP BY test_id, pulse
)

SELECT
    passing.cell_id,
    passing.test_id,
    passing.pulse,
    passing.train,
    pulse_of_train,
    cycle,
    step_count,
    direction,
    status,
    start_time_second,
    start_unix_time_second,
    duration_second,
    records,
    current_ampere,
    current_ampere / cell.active_area_square_metre AS current_density_ampere_per_square_metre,
    current_before_ampere,
    rest_before_second,
    rest_after_second,
    voltage_before_volt,
    lowest_voltage_volt,
    highest_voltage_volt,
    first_record_second,
    ohmic_change_volt,
    polarisation_change_volt,
    recovery_volt,
    resistance_10_millisecond_ohm,
    resistance_100_millisecond_ohm,
    resistance_1_second_ohm,
    resistance_10_second_ohm,
    resistance_ohm,
    charge_ah,
    energy_wh,
    largest_current_ampere,
    limit_voltage_volt,
    temperature_celsius,
    state_of_charge,
    train_pulses,
    train_limit_passed,
    CASE WHEN train_limit_passed THEN first_passing - 1 END AS train_pulses_to_limit,
    CASE WHEN train_limit_passed THEN train_charge_to_limit_ah END AS train_charge_to_limit_ah,
    recipe
FROM passing
JOIN train ON train.test_id = passing.test_id AND train.train = passing.train
JOIN delivered ON delivered.test_id = passing.test_id AND delivered.train = passing.train
LEFT JOIN behind ON behind.test_id = passing.test_id AND behind.pulse = passing.pulse
LEFT JOIN cell ON cell.cell_id = passing.cell_id AND cell.firm = passing.firm
ORDER BY passing.cell_id, passing.test_id, passing.pulse
