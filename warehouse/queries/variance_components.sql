-- How much of a quantity's scatter is between lots, between wafers, between dies?
-- reads: variance_components
-- formula: value = mean + lot + wafer + die, nested random effects; die: SS within / (N - W), chi-square; wafer and lot: where the weighted scatter of means equals its expectation, intervals by F
-- formula: mean by generalised least squares, interval by t with the lots' or wafers' degrees of freedom, never the dies'
-- source: Wald 1940; Burdick and Graybill 1992; Paule and Mandel 1982
-- firm | | Code of the firm
-- quantity | | What scatters
-- at_cycle | | Cycle at which it was taken; 0 where it stands for the cell
-- process_split | | Process split of the wafers; empty where they have none
-- component | | lot, wafer or die
-- unit | | Unit of mean and standard deviation
-- status | | fitted or refused
-- reason | | Why there is no figure: a key of warehouse.wafers.reasons
-- lots | | Lots
-- wafers | | Wafers
-- dies | | Working dies
-- mean | | Mean of the process by generalised least squares
-- mean_low | | Lower end of its interval, by wafer and not by die
-- mean_high | | Upper end of its interval
-- variance | | Variance of the component, REML; not below 0
-- standard_deviation | | Its square root, in the unit beside it
-- standard_deviation_low | | Lower end of its interval
-- standard_deviation_high | | Upper end of its interval; null where open
-- part | | Variance over that of all components
-- confidence | | Level of the intervals
-- recipe | | Version and hash of the recipe
SELECT
    firm, quantity, at_cycle, process_split, component, unit, status, reason, lots, wafers, dies, mean,
    mean_low, mean_high, variance, standard_deviation, standard_deviation_low, standard_deviation_high, part,
    confidence, recipe
FROM variance_components
ORDER BY firm, quantity, at_cycle, process_split, component
