-- Does each cell, and do all together, keep within every limit of the current specifications?
-- reads: specs
-- formula: pass where lower <= measured <= upper; a figure counts when every stated condition is known of it and the same within the recipe's tolerances, else not_tested
-- formula: for all cells: min and max pass when every tested cell does; typ by the order-statistics interval of the median
-- source: the firm's own specification, named in source
-- firm | | Code of the firm
-- spec | | Specification
-- revision | | Its latest revision
-- quantity | | What is limited
-- statistic | | min, typ, max, or empty
-- conditions | | Conditions as JSON, in SI units
-- scope | | cell, or all for the cells together
-- cell_id | | The cell; null for all, and for a die without a cell
-- lot | | Lot of its wafer
-- wafer | | Its wafer
-- die_x | | Its die's column
-- die_y | | Its die's row
-- lower | | Lower limit in the SI unit beside it
-- upper | | Upper limit in the SI unit beside it
-- unit | | SI unit of limits and measured value
-- measured | | Measured value; for all cells their median
-- measured_low | | Lower end of the median's interval
-- measured_high | | Upper end of the median's interval
-- censored | | Whether the value is only a lower bound, as a life that goes on
-- verdict | | pass, fail, not_tested; of a typical value also undecided
-- reason | | Why it was not tested or not decided: a key of warehouse.wafers.reasons
-- tested | | Cells with a verdict; of a cell 0 or 1
-- passed | | Cells within the limit
-- cells | | Cells that the specification is for
-- source | | Where the limit is from
-- recipe | | Version and hash of the recipe
SELECT
    firm, spec, revision, quantity, statistic, conditions, scope, cell_id, lot, wafer, die_x, die_y, lower,
    upper, unit, measured, measured_low, measured_high, censored, verdict, reason, tested, passed, cells,
    source, recipe
FROM specs
ORDER BY firm, spec, quantity, statistic, conditions, scope, lot, wafer, die_y, die_x, cell_id
