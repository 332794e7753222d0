-- How far does each test lie from like cells: a channel that reads wrongly shows in all its tests?
-- reads: residuals, test
-- formula: coulombic_efficiency: median of the test's ageing cycles - median of the like cells' medians
-- formula: capacity: median of the cell's first three ageing cycles / median of the like cells' - 1
-- condition: at least alerts.siblings like cells of the firm; groups are those of the question replicates
-- source: warehouse/alerts
-- firm | | Code of the firm
-- test_id | | The test
-- cell_id | | Its cell
-- channel | | Channel that it ran on
-- metric | | coulombic_efficiency or capacity
-- value | | The test's value; a capacity in Ah
-- typical | | Median of the like cells, likewise
-- residual | | How far the value lies from it; of a capacity as a part
-- like_cells | | Like cells, this one included
SELECT
    residuals.firm, test_id, residuals.cell_id, test.channel, metric, value, typical, residual, like_cells
FROM residuals
LEFT JOIN test USING (test_id)
ORDER BY residuals.firm, test_id, metric
