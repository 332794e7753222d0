-- What do the cells lose by themselves, by each of three methods, and how much of it comes back?
-- reads: storage_loss, voltage_decay, float_leakage, cell, test
-- formula: capacity: 1 - Q_rem/Q_0, irreversible 1 - Q_rec/Q_0, reversible (Q_rec - Q_rem)/Q_0; voltage: C_d·(-dV/dt), C_d = dQ/dV of a discharge of the same test; float: I_leak of I(t) = I_leak + A/√t at a held voltage
-- formula: per year linear SD·365/d, exponential 1 - (1 - SD)^(365/d); of a current I·8760 h/nominal capacity, linear
-- condition: capacity: full charge, rest of storage.shortest_storage_hour, discharge, recharge, discharge, at one current, temperature and pair of limits; voltage: what lies behind storage.relaxation_hour; float: the current has settled
-- source: definitions; Deutschen, Gasser, Schaller and Siehr, J. Energy Storage 19 (2018) 113, on slopes of the voltage
-- firm | | Code of the firm
-- cell_id | | The cell; the test's name while it is unassigned
-- method | | capacity, voltage or float
-- test_id | | Test in which the storage, rest or hold began
-- step_count | | Last step before the storage; first step of the rest; step of the hold
-- start_unix_time_second | s | When it began, UTC
-- hours | h | How long it lasted
-- voltage_volt | V | capacity: last voltage at rest; voltage: mean of the fitted part; float: held voltage
-- temperature_celsius | °C | Mean temperature, where it was recorded
-- status | | measured or refused
-- reason | | Why it was refused: a key of warehouse.storage.reasons
-- self_discharge_ampere | A | Current that the cell loses charge by; by float the current that keeps it charged
-- self_discharge_low_ampere | A | Lower end of its confidence interval
-- self_discharge_high_ampere | A | Upper end of its confidence interval
-- self_discharge_fraction | | capacity: 1 - Q_rem/Q_0
-- self_discharge_low_fraction | | Lower end of its confidence interval; given too where the figure is not resolved
-- self_discharge_high_fraction | | Upper end of its confidence interval; given too where the figure is not resolved
-- self_discharge_per_year_linear | 1/a | The fraction as often as its time fits a year; of a current, over the nominal capacity
-- self_discharge_per_year_exponential | 1/a | The fraction of what is left, as often
-- recovery_status | | measured or refused: of what is irreversible and reversible
-- recovery_reason | | Why they were refused: a key of warehouse.storage.reasons
-- irreversible_fraction | | 1 - Q_rec/Q_0: not recoverable
-- irreversible_per_year_linear | 1/a | The same over a year, linear
-- irreversible_per_year_exponential | 1/a | The same over a year, exponential
-- reversible_fraction | | (Q_rec - Q_rem)/Q_0: recoverable
-- reversible_per_year_linear | 1/a | The same over a year, linear
-- reversible_per_year_exponential | 1/a | The same over a year, exponential
-- fraction_reach | | Half the interval of the irreversible and of the reversible fraction
-- differential_capacity_ah_per_volt | Ah/V | voltage: C_d
-- meter_bias_ampere | A | voltage: V/R_in, the part of the current that the channel's voltmeter draws; null without R_in
-- current_offset_ampere | A | float: offset of the channel that was subtracted
-- current_offset_source | | float: channel, or unknown
-- flags | | between_tests, repeatability_unknown; uncorrected_drop; offset_unknown
-- recipe | | Recipe that it was made with
WITH measured AS (
    SELECT
        firm, cell_id, 'capacity' AS method, test_id, step_count, start_unix_time_second, storage_day * 24 AS hours,
        last_voltage_volt AS voltage_volt, temperature_celsius, status, reason,
        mean_self_discharge_ampere AS self_discharge_ampere,
        self_discharge_low_fraction * capacity_before_ah / (24 * storage_day) AS self_discharge_low_ampere,
        self_discharge_high_fraction * capacity_before_ah / (24 * storage_day) AS self_discharge_high_ampere,
        self_discharge_fraction, self_discharge_low_fraction, self_discharge_high_fraction,
        self_discharge_per_year_linear, self_discharge_per_year_exponential, recovery_status, recovery_reason,
        irreversible_fraction, irreversible_per_year_linear, irreversible_per_year_exponential, reversible_fraction,
        reversible_per_year_linear, reversible_per_year_exponential,
        irreversible_high_fraction - irreversible_fraction AS fraction_reach, flags, recipe
    FROM storage_loss
    UNION ALL BY NAME
    SELECT
        firm, coalesce(cell_id, test_id) AS cell_id, 'voltage' AS method, test_id, step_count, start_unix_time_second,
        rest_hour AS hours, voltage_volt, temperature_celsius, status, reason, self_discharge_ampere,
        self_discharge_low_ampere, self_discharge_high_ampere, differential_capacity_ah_per_volt, meter_bias_ampere,
        flags, recipe
    FROM voltage_decay
    UNION ALL BY NAME
    SELECT
        firm, coalesce(cell_id, test_id) AS cell_id, 'float' AS method, test_id, step_count, start_unix_time_second,
        hold_hour AS hours, voltage_volt, temperature_celsius, status, reason,
        leakage_ampere AS self_discharge_ampere, leakage_low_ampere AS self_discharge_low_ampere,
        leakage_high_ampere AS self_discharge_high_ampere, current_offset_ampere, current_offset_source, flags, recipe
    FROM float_leakage
)

SELECT
    measured.firm, measured.cell_id, method, test_id, step_count, start_unix_time_second, hours, voltage_volt,
    temperature_celsius, status, reason, self_discharge_ampere, self_discharge_low_ampere, self_discharge_high_ampere,
    self_discharge_fraction, self_discharge_low_fraction, self_discharge_high_fraction,
    coalesce(
        self_discharge_per_year_linear,
        CASE WHEN method <> 'capacity' THEN self_discharge_ampere * 8760 / cell.nominal_capacity_ah END
    ) AS self_discharge_per_year_linear,
    self_discharge_per_year_exponential, recovery_status, recovery_reason, irreversible_fraction,
    irreversible_per_year_linear, irreversible_per_year_exponential, reversible_fraction, reversible_per_year_linear,
    reversible_per_year_exponential, fraction_reach, differential_capacity_ah_per_volt, meter_bias_ampere,
    current_offset_ampere, current_offset_source, flags, recipe
FROM measured
LEFT JOIN cell ON cell.firm = measured.firm AND cell.cell_id = measured.cell_id
ORDER BY measured.firm, measured.cell_id, start_unix_time_second, test_id, step_count, method
