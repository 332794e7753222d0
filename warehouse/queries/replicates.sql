-- What is typical of like cells, how sure is it, and who stands out?
-- reads: replicates, replicate_cells, cell
-- formula: interval of a median: from the value of rank r to that of rank n+1-r, r the largest with 1 - 2·B(r-1; n, 1/2) ≥ confidence; six values are needed for 95 %
-- formula: outlier: modified z = 0.6745·abs(x - median) / MAD above 3.5; flagged, and kept
-- formula: median of lives of which some go on: where Kaplan and Meier's curve falls to one half
-- condition: like by manifest (project, chemistry, split, nominal capacity) and as measured (rates, window, depth, temperature); retentions at common cycles alone; where there are several wafers the wafer is what counts for the interval
-- source: warehouse/statistics.py; order statistics (Conover), modified z (Iglewicz and Hoaglin 1993)
-- firm |  | Code of the firm
-- replicate_group |  | What the cells have in common, in words
-- metric |  | What was compared; its unit is part of the name
-- at_cycle |  | Cycle at which it was compared; null where the metric is of no cycle
-- unit |  | Unit of the values; empty for fractions and counts
-- project |  | Project of the firm
-- chemistry |  | Chemistry, as the manifest says it
-- process_split |  | Process split
-- nominal_capacity_ah | Ah | Nominal capacity
-- charging_rate_per_hour | 1/h | C-rate of charge, median over the cells
-- discharging_rate_per_hour | 1/h | C-rate of discharge, median over the cells
-- upper_voltage_volt | V | Upper end of the voltage window, median over the cells
-- lower_voltage_volt | V | Lower end of the voltage window, median over the cells
-- temperature_celsius | °C | Temperature, median over the cells
-- depth_of_discharge |  | Depth of discharge, median over the cells
-- n |  | Cells with a value, censored ones included
-- n_censored |  | Cells whose value is only known to be larger
-- n_missing |  | Cells of the group without a value, refused ones included
-- wafers |  | Different wafers that the n cells are of; null where a cell's wafer is not known
-- median |  | Median; by Kaplan and Meier where values are censored; in the metric's unit
-- lower_quartile |  | First quartile; null where it is censored
-- upper_quartile |  | Third quartile; null where it is censored
-- interquartile_range |  | upper_quartile - lower_quartile
-- minimum |  | Smallest value
-- maximum |  | Largest value that was reached; null where the largest is censored
-- median_low |  | Lower end of the median's interval; the wafer is the unit where there are several
-- median_high |  | Upper end; null while it is open
-- interval_unit |  | cell or wafer: what was counted as independent for this interval
-- interval_reason |  | Why there is no interval: a key of warehouse.replicates.reasons
-- cells_median_low |  | Lower end as if all cells were independent: holds for these wafers only
-- cells_median_high |  | Upper end likewise; null while it is open
-- confidence |  | Level of the intervals
-- cells |  | The n cells, as JSON
-- outliers |  | Those of them that stand out by their modified z, as JSON; they are kept
-- recipe |  | Version of the thresholds
WITH seen AS (
    -- Asked about one cell, the answer is about its group.
    SELECT firm, replicate_group FROM replicate_cells SEMI JOIN cell USING (firm, cell_id)
)

SELECT
    firm, replicate_group, metric, at_cycle, unit, project, chemistry, process_split, nominal_capacity_ah,
    charging_rate_per_hour, discharging_rate_per_hour, upper_voltage_volt, lower_voltage_volt,
    temperature_celsius, depth_of_discharge, n, n_censored, n_missing, wafers, median, lower_quartile,
    upper_quartile, interquartile_range, minimum, maximum, median_low, median_high, interval_unit,
    interval_reason, cells_median_low, cells_median_high, confidence, cells, outliers, recipe
FROM replicates SEMI JOIN seen USING (firm, replicate_group)
ORDER BY firm, replicate_group, metric, at_cycle
