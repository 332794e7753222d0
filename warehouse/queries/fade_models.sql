-- By which law does each cell fade, how fast, and how surely is that known?
-- reads: fade_models
-- cell_id | | The cell; the test where no cell is known
-- firm | | Code of the firm
-- model | | linear, sqrt, power or linear_exponential
-- status | | fitted or refused
-- reason | | Why it was refused: a key of warehouse.life.reasons
-- chosen | | Whether it describes the cell best, by AICc
-- x_axis | | What x counts: cycle, since the reference
-- method | | How its parameters were found
-- points | | Ageing cycles that it was fitted to
-- points_outlying | | Ageing cycles left out because they stand out from their neighbours
-- first_cycle | | First cycle that it was fitted to
-- last_cycle | | Last cycle that it was fitted to
-- initial_retention | | Retention at the reference, by the law
-- initial_retention_low | | Lower end of its confidence interval
-- initial_retention_high | | Upper end of its confidence interval
-- coefficient | | Loss after one cycle as a part of initial_retention; k of 1 - k√x, a of 1 - a·x^b
-- coefficient_low | | Lower end of its confidence interval
-- coefficient_high | | Upper end of its confidence interval
-- exponent | | Power of x: 1, 0.5, or found
-- exponent_low | | Lower end of its confidence interval, where it was found
-- exponent_high | | Upper end of its confidence interval, where it was found
-- transient_loss | | Loss that dies away at first, as a part of initial_retention
-- transient_loss_low | | Lower end of its confidence interval
-- transient_loss_high | | Upper end of its confidence interval
-- transient_cycle | | Cycles within which all but 1/e of it is over
-- transient_low_cycle | | Lower end of its confidence interval
-- transient_high_cycle | | Upper end of its confidence interval
-- fade_rate_per_cycle | | Mean change per cycle over the cycles seen, as a part of initial_retention; negative when fading
-- fade_rate_low_per_cycle | | Lower end of its confidence interval
-- fade_rate_high_per_cycle | | Upper end of its confidence interval
-- theil_sen_rate_per_cycle | | The same as the median slope between two cycles; of the linear law alone
-- fade_rate_per_100_cycles | | fade_rate_per_cycle over a hundred cycles
-- fade_rate_per_year | 1/a | fade_rate_per_cycle over a year at the pace of the test; null without a clock
-- scatter | | Standard deviation of one cycle's retention about the law
-- residual_correlation | | How far neighbouring residuals resemble each other; intervals are wider by it
-- aicc | | Corrected Akaike information criterion; comparable among the laws of one cell
-- aicc_above_chosen | | The same less that of the chosen law
-- confidence | | Level of the intervals
-- recipe | | Version of the thresholds
-- formula: R(x) = s · (1 - Σ cᵢ φᵢ(x)), x cycles since the reference, s = initial_retention; linear: φ = x; sqrt: √x; power: x^b; linear_exponential: x and 1 - exp(-x/τ)
-- formula: all laws by least squares of retention itself, not of logarithms; theil_sen_rate_per_cycle is the median slope between two cycles, which single cycles do not move
-- formula: fade_rate_per_cycle = (R(x_last)/s - 1) / x_last; per year at the pace of the test, from its own clock
-- formula: aicc = n ln(RSS/n) + 2k + 2k(k+1)/(n-k-1); chosen: the lowest, a simpler law unless it is beaten by life.aicc_gain
-- source: Theil 1950, Sen 1968; Hurvich and Tsai 1989
-- condition: life.fewest_points ageing cycles; cycles that stand out from both neighbours are left out and counted in points_outlying
-- condition: intervals are wider where neighbouring residuals are correlated; refused where a shape is not determined by the data
SELECT
    cell_id, firm, model, status, reason, chosen, x_axis, method, points, points_outlying, first_cycle,
    last_cycle, initial_retention, initial_retention_low, initial_retention_high, coefficient,
    coefficient_low, coefficient_high, exponent, exponent_low, exponent_high, transient_loss,
    transient_loss_low, transient_loss_high, transient_cycle, transient_low_cycle, transient_high_cycle,
    fade_rate_per_cycle, fade_rate_low_per_cycle, fade_rate_high_per_cycle, theil_sen_rate_per_cycle,
    fade_rate_per_100_cycles, fade_rate_per_year, scatter, residual_correlation, aicc, aicc_above_chosen,
    confidence, recipe
FROM fade_models
ORDER BY firm, cell_id, chosen DESC, aicc, model
