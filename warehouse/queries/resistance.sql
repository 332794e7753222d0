-- What is the cells' direct-current resistance at current edges, and how long behind them?
-- reads: resistance, cell
-- formula: R(t) = abs(V(t0 + t) - V(t0-)) / abs(I(t0 + t) - I(t0-)); t0- is the last record before the edge
-- condition: t0 is known to loads.edge_time of t; a record lies within loads.near_time of t, or two no further apart than loads.interpolation of t lie around it in one current range; both changes exceed loads.sigmas standard deviations of their noise
-- source: IEC 61960-3, d.c. internal resistance; HPPC and DCIR by pulse are the same figure at other times and states: a resistance is only comparable with its time, state of charge, temperature and rest before
-- cell_id | | The cell; null while unassigned
-- test_id | | The test
-- cycle | | Logical cycle within the test; 0 before the first
-- step_count | | The step that begins with the edge, or that it lies in
-- of | | pulse, or cycle for the beginning of a half cycle
-- pulse | | Number of the pulse within the test; null of a half cycle
-- edge | | load where current begins or grows, release where it ends
-- direction | | charge or discharge: which way the loading current flows
-- after_second | s | Time behind the edge
-- at_end | | Whether it is the last record of the step
-- status | | resolved, not_resolved or below_noise: keys of warehouse.loads.reasons
-- resistance_ohm | Ω | abs(V(t) - V before) / abs(I(t) - I before)
-- area_resistance_ohm_square_metre | Ω·m² | resistance_ohm times the electrode area of the manifest
-- voltage_change_volt | V | V(t) - V before
-- current_change_ampere | A | I(t) - I before
-- voltage_before_volt | V | Voltage of the last record before the edge
-- current_before_ampere | A | Current of the last record before the edge
-- rest_before_second | s | Time at rest right before the edge; 0 where another current flowed
-- interpolated | | Whether the values lie between two records
-- range_changed | | Whether the current range differs from that before the edge; null without ranges
-- start_time_second | s | Test time of the edge
-- start_unix_time_second | s | Wall clock of the step's first record, UTC
-- temperature_celsius | °C | Mean temperature of the loading step
-- state_of_charge | | Before the edge, counted within its complete cycle of a full cell; else null
-- recipe | | Recipe that it was made with
SELECT
    resistance.cell_id, test_id, cycle, step_count, "of", pulse, edge, direction, after_second, at_end, status,
    resistance_ohm, resistance_ohm * cell.active_area_square_metre AS area_resistance_ohm_square_metre,
    voltage_change_volt, current_change_ampere, voltage_before_volt, current_before_ampere, rest_before_second,
    interpolated, range_changed, start_time_second, start_unix_time_second, temperature_celsius, state_of_charge, recipe
FROM resistance
LEFT JOIN cell ON cell.cell_id = resistance.cell_id AND cell.firm = resistance.firm
ORDER BY resistance.cell_id, test_id, start_time_second, after_second
