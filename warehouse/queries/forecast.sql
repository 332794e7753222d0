-- Between which cycles will each cell's life end, by its fade laws?
-- reads: forecast
-- cell_id | | The cell; the test where no cell is known
-- firm | | Code of the firm
-- status | | forecast, reached (life has ended already) or refused
-- reason | | Why it was refused: a key of warehouse.life.reasons
-- end_of_life_threshold | | Retention that ends life
-- forecast_low_cycle | | Earliest cycle of the band
-- forecast_high_cycle | | Latest cycle of the band
-- laws | | Laws that were carried on, comma-separated
-- last_cycle | | Last cycle seen
-- limit_cycle | | Cycle beyond which nothing is forecast
-- confidence | | Level of each law's prediction interval
-- recipe | | Version of the thresholds
-- source: our own; the laws and their intervals are those of fade_models
-- formula: each law with an AICc within life.forecast_plausible of the best is carried on; the band reaches from the first end of its prediction intervals to the last
-- condition: a forecast, never a measured life; no further than life.forecast_reach times the cycles seen; behind a knee from the cycles behind it; refused while it is unclear whether there is a knee
SELECT
    cell_id, firm, status, reason, end_of_life_threshold, forecast_low_cycle, forecast_high_cycle, laws,
    last_cycle, limit_cycle, confidence, recipe
FROM forecast
ORDER BY firm, cell_id
