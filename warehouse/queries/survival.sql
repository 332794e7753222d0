-- Which part of the cells lives on beyond each cycle, by process split?
-- reads: survival
-- formula: S = product of (1 - ended / at_risk); interval on ln(-ln S) with the variance between wafers, Student's t with wafers - 1 degrees of freedom
-- source: Kaplan and Meier 1958; Ying and Wei 1994
-- firm | | Code of the firm
-- project | | Project; empty where cells have none
-- process_split | | Process split; * for all cells of the project
-- cycle | | Cycle at which lives end; 0 at the beginning
-- at_risk | | Cells still alive just before
-- ended | | Lives that end here
-- censored | | Cells last seen alive since the row before, this cycle included
-- survival | | Part that lives longer
-- survival_low | | Lower end of its interval, by wafer and not by die
-- survival_high | | Upper end of its interval
-- interval_reason | | Why there is no interval: a key of warehouse.wafers.reasons
-- cells | | Cells of the group
-- wafers | | Wafers of the group
-- end_of_life_threshold | | Retention that ends life
-- confidence | | Level of the interval
-- recipe | | Version and hash of the recipe
SELECT
    firm, project, process_split, cycle, at_risk, ended, censored, survival, survival_low, survival_high,
    interval_reason, cells, wafers, end_of_life_threshold, confidence, recipe
FROM survival
ORDER BY firm, project, process_split, cycle
