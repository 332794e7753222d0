-- What did each logical cycle deliver?
-- reads: cycles, test
-- formula: coulombic_efficiency: full cell and cathode half cell Q_discharge / Q_charge, anode half cell Q_charge / Q_discharge, symmetric second half over first
-- formula: energy_efficiency = E_discharge / E_charge; mean voltage = E / Q; cv_fraction = charge at constant voltage / Q_charge
-- condition: efficiencies of complete cycles alone; an efficiency that a file states is never imported
-- source: definitions; exports of instruments differ in which half they divide by which
-- cell_id | | The cell; null while unassigned
-- test_id | | The test
-- cycle | | Logical cycle within the test, from 1
-- cycle_count | | Cycle as the instrument counts it
-- class | | formation, ageing, rpt, rate, pulse, hold or incomplete
-- start_time | s | Wall clock of the first record, seconds since 1970-01-01 UTC
-- start_time_second | s | Test time of the first record
-- duration_second | s | From the first record to the last
-- charging_capacity_ah | Ah | Charge into the cell
-- discharging_capacity_ah | Ah | Charge out of the cell
-- charging_energy_wh | Wh | Energy into the cell
-- discharging_energy_wh | Wh | Energy out of the cell
-- coulombic_efficiency | | By the cell's convention; null when the cycle is incomplete
-- energy_efficiency | | Energy out over energy in; null when the cycle is incomplete
-- mean_charging_voltage_volt | V | Charging energy over charging capacity
-- mean_discharging_voltage_volt | V | Discharging energy over discharging capacity
-- polarisation_volt | V | Mean charging less mean discharging voltage; null when the cycle is incomplete
-- voltage_efficiency | | Mean discharging over mean charging voltage; null when the cycle is incomplete
-- mean_charging_current_ampere | A | Mean charging current, weighted by charge
-- mean_discharging_current_ampere | A | Mean discharging current, weighted by charge; negative
-- cv_fraction | | Part of the charging capacity that flowed at constant voltage
-- upper_voltage_volt | V | Highest voltage under charge
-- lower_voltage_volt | V | Lowest voltage under discharge
-- charge_rest_voltage_volt | V | Voltage at the end of the rest after charge
-- discharge_rest_voltage_volt | V | Voltage at the end of the rest after discharge
-- mean_temperature_celsius | °C | Mean temperature by time
-- flags | | charge_only, discharge_only, truncated, gap, counter_differs
SELECT
    cell_id, test_id, cycle, cycle_count, class, start_time, start_time_second, duration_second,
    charging_capacity_ah, discharging_capacity_ah, charging_energy_wh, discharging_energy_wh,
    coulombic_efficiency, energy_efficiency, mean_charging_voltage_volt, mean_discharging_voltage_volt,
    CASE WHEN class <> 'incomplete' THEN mean_charging_voltage_volt - mean_discharging_voltage_volt END
        AS polarisation_volt,
    CASE WHEN class <> 'incomplete' THEN mean_discharging_voltage_volt / mean_charging_voltage_volt END
        AS voltage_efficiency,
    mean_charging_current_ampere, mean_discharging_current_ampere, cv_fraction,
    upper_voltage_volt, lower_voltage_volt, charge_rest_voltage_volt, discharge_rest_voltage_volt,
    mean_temperature_celsius, flags
FROM cycles
ORDER BY cell_id, start_time, test_id, cycle
