-- How do cells age by the calendar, at rest or at a held voltage, check-up by check-up?
-- reads: calendar, calendar_fit
-- formula: R = capacity over that of the first check-up; 1 - R = k·t^z, t in days; I_float = median current of the last 24 hours of a hold
-- condition: rests and holds, each of storage.shortest_period_hour, are storage.calendar_share of the time; a check-up is a full discharge at one current behind a full charge; a fit needs storage.fewest_check_ups at one temperature and voltage
-- source: definitions
-- firm | | Code of the firm
-- cell_id | | The cell; the test's name while it is unassigned
-- check_up | | Number of the check-up, from 1
-- status | | measured or refused
-- reason | | Why it was refused: a key of warehouse.storage.reasons
-- test_id | | Test of the check-up's discharge
-- step_count | | Its first step
-- start_unix_time_second | s | When it began, UTC
-- calendar_day | d | Days since the first check-up
-- capacity_ah | Ah | What it delivered
-- capacity_retention | | Capacity over that of the first check-up
-- current_ampere | A | Size of its mean current
-- period_kind | | storage or hold: what went before it; null for the first
-- period_day | d | How long that lasted
-- period_voltage_volt | V | Mean voltage of it
-- period_temperature_celsius | °C | Mean temperature of it
-- hold_charge_ah | Ah | Charge that flowed in it at held voltage
-- cumulative_hold_charge_ah | Ah | The same since the first check-up
-- float_ampere | A | Median current of the last 24 hours of it
-- float_offset_source | | channel where an offset was subtracted from it, else unknown
-- edge_resistance_ohm | Ω | Voltage step over current step where the check-up's discharge begins; comparable where it is sampled alike
-- edge_resistance_change | | It over that of the first check-up, less 1
-- fit_status | | fitted or refused: of the cell's loss over time with a given exponent
-- fit_reason | | Why it was refused: a key of warehouse.storage.reasons
-- fixed_exponent | | z that the recipe gives
-- loss_per_day_power | d^-z | k with that z
-- loss_low_per_day_power | d^-z | Lower end of its confidence interval
-- loss_high_per_day_power | d^-z | Upper end of its confidence interval
-- exponent_status | | fitted or refused: of the free z
-- exponent_reason | | Why it was refused: a key of warehouse.storage.reasons
-- free_exponent | | z when it is fitted too
-- free_exponent_low | | Lower end of its confidence interval
-- free_exponent_high | | Upper end of its confidence interval
-- recipe | | Recipe that it was made with
SELECT
    calendar.firm, calendar.cell_id, check_up, calendar.status, calendar.reason, test_id, step_count,
    start_unix_time_second, calendar_day, capacity_ah, capacity_retention, current_ampere, period_kind, period_day,
    period_voltage_volt, period_temperature_celsius, hold_charge_ah, cumulative_hold_charge_ah, float_ampere,
    float_offset_source, edge_resistance_ohm, edge_resistance_change, fit.status AS fit_status,
    fit.reason AS fit_reason, fixed_exponent, loss_per_day_power, loss_low_per_day_power, loss_high_per_day_power,
    exponent_status, exponent_reason, free_exponent, free_exponent_low, free_exponent_high, calendar.recipe
FROM calendar
LEFT JOIN calendar_fit AS fit ON fit.cell_id = calendar.cell_id AND fit.firm IS NOT DISTINCT FROM calendar.firm
ORDER BY calendar.firm, calendar.cell_id, check_up
