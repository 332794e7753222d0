-- What of each cycle is read off its records: times under charge, polarisation, temperatures, pulses, holds?
-- reads: cycle_extras
-- formula: polarisation V_c - V_d and voltage efficiency V_d / V_c of the mean voltages E/Q; charging to p %: time under charge, rests left out, until p % of the cycle's charge was in
-- condition: polarisation and voltage efficiency of complete cycles; no time to a part where the cycle has a gap
-- source: definitions
-- cell_id | | The cell; null while unassigned
-- test_id | | The test
-- cycle | | Logical cycle within the test
-- polarisation_volt | V | Mean charging less mean discharging voltage
-- voltage_efficiency | | Mean discharging over mean charging voltage
-- charging_second | s | Time under charge
-- discharging_second | s | Time under discharge
-- charging_to_80_percent_second | s | Time under charge until 80 % of the cycle's charge was in
-- charging_to_90_percent_second | s | The same for 90 %
-- lowest_temperature_celsius | °C | Lowest temperature recorded
-- highest_temperature_celsius | °C | Highest temperature recorded
-- pulses | | Pulses in it
-- longest_hold_second | s | Longest rest or constant voltage between steps that moved charge
-- recipe | | Recipe that it was made with
SELECT
    cell_id, test_id, cycle, polarisation_volt, voltage_efficiency, charging_second, discharging_second,
    charging_to_80_percent_second, charging_to_90_percent_second, lowest_temperature_celsius,
    highest_temperature_celsius, pulses, longest_hold_second, recipe
FROM cycle_extras
ORDER BY cell_id, test_id, cycle
