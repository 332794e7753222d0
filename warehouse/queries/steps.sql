-- What did each executed step do?
-- reads: steps, test
-- formula: charge_ah = Σ ½(I_k + I_k+1)(t_k+1 - t_k) / 3600, energy_wh likewise of V·I, over neighbouring records of the step
-- formula: counter_ratio = charge_ah / counter_charge_ah; primary_charge_ah is the counter's where that is fine enough
-- condition: gaps are left out: intervals derivation.gap_factor times longer than their neighbours and the step's median
-- source: trapezoid; a left rectangle is 5 % off on a taper of 600 s that is sampled every 60 s
-- cell_id | | The cell; null while unassigned
-- test_id | | The test
-- step_count | | Number of the step within the test, from 1
-- step_id | | Number of the step in the instrument's schedule
-- kind | | charge_cc, charge_cv, charge_cccv, discharge_cc, …, rest, pulse, eis, other
-- cycle | | Logical cycle of the test; 0 before the first half cycle
-- cycle_count | | Cycle as the instrument counts it
-- start_time_second | s | Test time of the first record
-- duration_second | s | From the first record to the last
-- start_unix_time_second | s | Wall clock of the first record, UTC
-- charge_ah | Ah | ∫I·dt by trapezoid within the step, gaps excluded; positive charges
-- counter_charge_ah | Ah | The same by the instrument's counter
-- counter_ratio | | charge_ah over counter_charge_ah, from the same records
-- primary_charge_ah | Ah | The figure to rely on: the counter's where it is fine enough, else charge_ah
-- energy_wh | Wh | ∫V·I·dt by trapezoid, gaps excluded; positive charges
-- counter_energy_wh | Wh | The same by the instrument's counter
-- primary_energy_wh | Wh | The figure to rely on
-- cv_charge_ah | Ah | The part of charge_ah that flowed at constant voltage
-- first_voltage_volt | V | Voltage of the first record
-- last_voltage_volt | V | Voltage of the last record
-- mean_voltage_volt | V | Voltage, mean over time
-- first_current_ampere | A | Current of the first record
-- last_current_ampere | A | Current of the last record
-- mean_current_ampere | A | Current, mean over time
-- end_reason | | current, voltage or time; null where unclear
-- mean_temperature_celsius | °C | Mean of the first temperature that the file carries
-- records | | Number of samples
-- largest_gap_second | s | Longest time between two records
-- flags | | gap, counter_differs, current_reverses, single_record
SELECT
    cell_id, test_id, step_count, step_id, kind::VARCHAR AS kind, cycle, cycle_count,
    start_time_second, duration_second, start_unix_time_second,
    charge_ah, counter_charge_ah, counter_ratio, primary_charge_ah, energy_wh, counter_energy_wh, primary_energy_wh,
    cv_charge_ah, first_voltage_volt, last_voltage_volt, mean_voltage_volt,
    first_current_ampere, last_current_ampere, mean_current_ampere,
    end_reason, mean_temperature_celsius, records, largest_gap_second, flags
FROM steps
ORDER BY cell_id, test_id, step_count
