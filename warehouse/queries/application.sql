-- Do the cells meet what an application asks of them?
-- reads: application, cell
-- formula: guard_band (w = U): pass when the whole interval lies within the limit, fail when the whole lies outside, else indeterminate
-- formula: simple_acceptance (w = 0): the value alone decides
-- formula: statistic each: the worst cell, pass when every tested cell passes; median: the cells' median with its interval by order statistics
-- condition: measured under the conditions that stand beside the requirement, else not_tested
-- source: ILAC-G8:09/2019 (decision rules); the requirement's own source stands beside it; shipped sets are examples
-- firm |  | Code of the firm
-- profile |  | Name of the set of requirements
-- requirement |  | Name of the requirement within the set
-- scope |  | cell, or type for a group of like cells
-- subject |  | The cell, or the group in words
-- profile_version |  | Version of the set
-- example |  | Whether the set is one of the shipped examples
-- cell_id |  | The cell; null for a group
-- replicate_group |  | The group that it is, or that the cell is of
-- quantity |  | What is required
-- statistic |  | each for every cell, or median
-- comparison |  | at_least or at_most
-- required_value |  | The limit, in the unit beside it
-- unit |  | SI unit of limit and values; empty for fractions and counts
-- conditions |  | Under which it holds, as JSON in SI units; {} without
-- decision_rule |  | guard_band or simple_acceptance
-- verdict |  | pass, fail, indeterminate or not_tested
-- reason |  | Why indeterminate or not tested: a key of warehouse.requirements.reasons
-- value |  | What was measured: a cell's figure, the worst cell's, or the cells' median
-- value_low |  | Lower end of its interval; null while it is open or unknown
-- value_high |  | Upper end of its interval; null while it is open or unknown
-- interval_source |  | measured, assumed by the recipe, order_statistics, or null
-- n |  | Cells with a value; censored ones included
-- n_censored |  | Cells whose value is only known to be larger
-- n_missing |  | Cells without a value under these conditions
-- wafers |  | Different wafers that the n cells are of; null where a cell's wafer is not known
-- cells_passing |  | Cells that pass by themselves
-- yield_low |  | Lower end of the Wilson interval of cells_passing over n
-- yield_high |  | Upper end of it
-- source |  | Where the requirement is from, with what of it is unverified
-- note_en |  | What it is for, in English
-- note_ko |  | What it is for, in Korean
-- recipe |  | Version of the thresholds
WITH of_cells AS (
    SELECT * FROM application SEMI JOIN cell USING (firm, cell_id)
),

seen AS (
    SELECT * FROM of_cells
    UNION ALL
    SELECT * FROM application SEMI JOIN of_cells USING (firm, replicate_group) WHERE cell_id IS NULL
)

SELECT
    firm, profile, requirement, scope, subject, profile_version, example, cell_id, replicate_group, quantity,
    statistic, comparison, required_value, unit, conditions, decision_rule, verdict, reason, value, value_low,
    value_high, interval_source, n, n_censored, n_missing, wafers, cells_passing, yield_low, yield_high,
    source, note_en, note_ko, recipe
FROM seen
ORDER BY firm, profile, requirement, scope DESC, subject
