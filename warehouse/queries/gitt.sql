-- What do galvanostatic titrations tell of diffusion in the film, pulse by pulse, and of its open-circuit voltage?
-- reads: gitt, test
-- formula: D/L² = 4/(π·τ)·(ΔE_s/ΔE_t)², D = L²·(D/L²); ΔE_t = √τ·dE/d√t, by a line through the pulse without its first part; ΔE_s between the ends of the rests before and after
-- condition: τ·D/L² ≤ diffusion.longest_pulse; the line over √t explains diffusion.straight of the variance; never for the first pulse of a titration; a rest that still moves is flagged
-- source: Weppner and Huggins, J. Electrochem. Soc. 124 (1977) 1569, written for a film of thickness L
-- firm | | Code of the firm
-- cell_id | | The cell; the test's name while it is unassigned
-- test_id | | The test
-- train | | Number of the titration within its test, from 1
-- pulse | | Number of the pulse within its titration, from 1
-- step_count | | Step of the pulse
-- direction | | charge or discharge
-- status | | measured or refused: of diffusion_rate_per_second
-- reason | | Why it was refused: a key of warehouse.diffusion.reasons
-- start_time_second | s | Test time of the pulse's first record
-- pulse_second | s | τ, from where the current began
-- current_ampere | A | Mean current; positive charges
-- charge_ah | Ah | Charge of the pulse; positive charges
-- train_charge_ah | Ah | Charge of the titration up to the end of this pulse
-- voltage_before_volt | V | At the end of the rest before
-- voltage_after_volt | V | At the end of the next rest: the quasi-equilibrium voltage that belongs to train_charge_ah
-- rest_second | s | How long the next rest lasted
-- rest_slope_volt_per_second | V/s | How the voltage still moved at its end
-- steady_change_volt | V | ΔE_s
-- transient_change_volt | V | ΔE_t, without the ohmic drop
-- ohmic_change_volt | V | Where the line over √t begins, less voltage_before_volt
-- root_time_r_squared | | Part of the voltage's variance that the line over √t explains
-- diffusion_rate_per_second | 1/s | D/L², which needs no thickness
-- diffusion_rate_low_per_second | 1/s | Lower end of its confidence interval
-- diffusion_rate_high_per_second | 1/s | Upper end of its confidence interval
-- diffusion_coefficient_square_metre_per_second | m²/s | D
-- diffusion_coefficient_low_square_metre_per_second | m²/s | Lower end of its confidence interval
-- diffusion_coefficient_high_square_metre_per_second | m²/s | Upper end of its confidence interval
-- diffusion_coefficient_reason | | Why D is missing: a key of warehouse.diffusion.reasons
-- thickness_metre | m | L: thickness of the cathode, from the manifest
-- pulse_of_diffusion_time | | τ·D/L²
-- flags | | not_relaxed_before, not_relaxed_after, relaxation_unresolved_before, relaxation_unresolved_after
-- recipe | | Recipe that it was made with
SELECT
    firm, coalesce(cell_id, test_id) AS cell_id, test_id, train, pulse, step_count, direction, status, reason,
    start_time_second, pulse_second, current_ampere, charge_ah, train_charge_ah, voltage_before_volt,
    voltage_after_volt, rest_second, rest_slope_volt_per_second, steady_change_volt, transient_change_volt,
    ohmic_change_volt, root_time_r_squared, diffusion_rate_per_second, diffusion_rate_low_per_second,
    diffusion_rate_high_per_second, diffusion_coefficient_square_metre_per_second,
    diffusion_coefficient_low_square_metre_per_second, diffusion_coefficient_high_square_metre_per_second,
    diffusion_coefficient_reason, thickness_metre, pulse_of_diffusion_time, flags, recipe
FROM gitt
ORDER BY firm, 2, test_id, train, pulse
