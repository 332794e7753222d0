-- What did the instrument record, sample by sample?
-- reads: measurements, test
-- cell_id |  | The cell; null while unassigned
-- test_id |  | The test
-- test_time_second | s | Time since the start of the test; never decreases
-- voltage_volt | V | Cell voltage
-- current_ampere | A | Current; positive charges the cell
-- unix_time_second | s | Wall clock, seconds since 1970-01-01 UTC
-- cycle_count |  | Cycle as the instrument counts it; never renumbered
-- step_count |  | Executed steps so far, from 1, never decreases
-- step_id |  | Number of the step in the instrument's schedule; may recur
-- step_type |  | What the instrument says it is doing
-- record_index |  | Number of the record as the instrument counts it
-- step_time_second | s | Time since the start of the step
-- charging_capacity_ah | Ah | Capacity into the cell, instrument's counter, never reset
-- discharging_capacity_ah | Ah | Capacity out of the cell, instrument's counter, never reset
-- charging_energy_wh | Wh | Energy into the cell, instrument's counter, never reset
-- discharging_energy_wh | Wh | Energy out of the cell, instrument's counter, never reset
-- net_capacity_ah | Ah | Charge since the start, charging minus discharging, instrument's counter
-- net_energy_wh | Wh | Energy since the start, charging minus discharging, instrument's counter
-- schedule_charging_capacity_ah | Ah | Capacity into the cell, instrument's counter, reset where the schedule says
-- schedule_discharging_capacity_ah | Ah | Capacity out of the cell, instrument's counter, reset where the schedule says
-- schedule_charging_energy_wh | Wh | Energy into the cell, instrument's counter, reset where the schedule says
-- schedule_discharging_energy_wh | Wh | Energy out of the cell, instrument's counter, reset where the schedule says
-- cycle_charging_capacity_ah | Ah | Capacity into the cell, instrument's counter, reset at each cycle
-- cycle_discharging_capacity_ah | Ah | Capacity out of the cell, instrument's counter, reset at each cycle
-- cycle_charging_energy_wh | Wh | Energy into the cell, instrument's counter, reset at each cycle
-- cycle_discharging_energy_wh | Wh | Energy out of the cell, instrument's counter, reset at each cycle
-- step_charging_capacity_ah | Ah | Capacity into the cell, instrument's counter, reset at each step
-- step_discharging_capacity_ah | Ah | Capacity out of the cell, instrument's counter, reset at each step
-- step_charging_energy_wh | Wh | Energy into the cell, instrument's counter, reset at each step
-- step_discharging_energy_wh | Wh | Energy out of the cell, instrument's counter, reset at each step
-- power_watt | W | Power as the instrument recorded it; positive charges the cell
-- ambient_temperature_celsius | °C | Temperature of the chamber
-- surface_temperature_celsius | °C | Temperature of the cell's surface
-- temperature_t1_celsius | °C | Temperature, auxiliary channel 1
-- temperature_t2_celsius | °C | Temperature, auxiliary channel 2
-- temperature_t3_celsius | °C | Temperature, auxiliary channel 3
-- temperature_t4_celsius | °C | Temperature, auxiliary channel 4
-- temperature_t5_celsius | °C | Temperature, auxiliary channel 5
-- internal_resistance_ohm | Ω | Internal resistance as the instrument computed it
-- current_range_ampere | A | Full scale of the current range in use
-- source_flags |  | Status word of the record, as the instrument wrote it
SELECT
    cell_id, test_id, test_time_second, voltage_volt, current_ampere, unix_time_second, cycle_count,
    step_count, step_id, step_type::VARCHAR AS step_type, record_index, step_time_second,
    charging_capacity_ah, discharging_capacity_ah, charging_energy_wh, discharging_energy_wh, net_capacity_ah,
    net_energy_wh, schedule_charging_capacity_ah, schedule_discharging_capacity_ah,
    schedule_charging_energy_wh, schedule_discharging_energy_wh, cycle_charging_capacity_ah,
    cycle_discharging_capacity_ah, cycle_charging_energy_wh, cycle_discharging_energy_wh,
    step_charging_capacity_ah, step_discharging_capacity_ah, step_charging_energy_wh,
    step_discharging_energy_wh, power_watt, ambient_temperature_celsius, surface_temperature_celsius,
    temperature_t1_celsius, temperature_t2_celsius, temperature_t3_celsius, temperature_t4_celsius,
    temperature_t5_celsius, internal_resistance_ohm, current_range_ampere, source_flags
FROM measurements
ORDER BY cell_id, test_id, test_time_second, file_row_number
