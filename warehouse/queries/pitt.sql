-- What do potentiostatic titrations tell of diffusion in the film, held voltage by held voltage?
-- reads: pitt, test
-- formula: long time D/L² = -(4/π²)·d ln I/dt; short time D/L² = π·(I·√t/ΔQ)²; D = L²·(D/L²)
-- condition: long time beyond diffusion.long_from of L²/D, ln I falling by diffusion.long_fall; short time between diffusion.short_from and diffusion.short_until of L²/D, of a step that is complete
-- source: Wen, Boukamp, Huggins and Weppner, J. Electrochem. Soc. 126 (1979) 2258
-- firm | | Code of the firm
-- cell_id | | The cell; the test's name while it is unassigned
-- test_id | | The test
-- train | | Number of the titration within its test, from 1
-- hold | | Number of the held voltage within its titration, from 1
-- step_count | | Step of the hold
-- start_time_second | s | Test time of the first record
-- hold_second | s | How long the voltage was held
-- voltage_volt | V | The held voltage, mean over time
-- voltage_step_volt | V | It, less the last voltage of the step before
-- charge_ah | Ah | Charge of the step; positive charges
-- first_current_ampere | A | Current of the first record
-- last_current_ampere | A | Current of the last record
-- long_time_status | | measured or refused
-- long_time_reason | | Why it was refused: a key of warehouse.diffusion.reasons
-- long_time_rate_per_second | 1/s | D/L² by the long-time law
-- long_time_rate_low_per_second | 1/s | Lower end of its confidence interval
-- long_time_rate_high_per_second | 1/s | Upper end of its confidence interval
-- long_time_coefficient_square_metre_per_second | m²/s | D by the long-time law
-- long_time_coefficient_low_square_metre_per_second | m²/s | Lower end of its confidence interval
-- long_time_coefficient_high_square_metre_per_second | m²/s | Upper end of its confidence interval
-- long_time_coefficient_reason | | Why D is missing: a key of warehouse.diffusion.reasons
-- short_time_status | | measured or refused
-- short_time_reason | | Why it was refused: a key of warehouse.diffusion.reasons
-- short_time_rate_per_second | 1/s | D/L² by the short-time law
-- short_time_rate_low_per_second | 1/s | Lower end of its confidence interval
-- short_time_rate_high_per_second | 1/s | Upper end of its confidence interval
-- short_time_coefficient_square_metre_per_second | m²/s | D by the short-time law
-- short_time_coefficient_low_square_metre_per_second | m²/s | Lower end of its confidence interval
-- short_time_coefficient_high_square_metre_per_second | m²/s | Upper end of its confidence interval
-- short_time_coefficient_reason | | Why D is missing: a key of warehouse.diffusion.reasons
-- thickness_metre | m | L: thickness of the cathode, from the manifest
-- flags | | not_equilibrated, laws_differ
-- recipe | | Recipe that it was made with
SELECT
    firm, coalesce(cell_id, test_id) AS cell_id, test_id, train, hold, step_count, start_time_second, hold_second,
    voltage_volt, voltage_step_volt, charge_ah, first_current_ampere, last_current_ampere,
    long_time_status, long_time_reason, long_time_rate_per_second, long_time_rate_low_per_second,
    long_time_rate_high_per_second, long_time_coefficient_square_metre_per_second,
    long_time_coefficient_low_square_metre_per_second, long_time_coefficient_high_square_metre_per_second,
    long_time_coefficient_reason, short_time_status, short_time_reason, short_time_rate_per_second,
    short_time_rate_low_per_second, short_time_rate_high_per_second, short_time_coefficient_square_metre_per_second,
    short_time_coefficient_low_square_metre_per_second, short_time_coefficient_high_square_metre_per_second,
    short_time_coefficient_reason, thickness_metre, flags, recipe
FROM pitt
ORDER BY firm, 2, test_id, train, hold
