-- Which cells are known, and how many tests and cycles does each have?
-- reads: cell, test
-- cell_id | | The cell
-- firm | | Code of its firm
-- project | | Project of the firm
-- lot | | Lot of wafers
-- wafer | | Wafer within the lot
-- die_x | | Die column; notch down, x to the right
-- die_y | | Die row; notch down, y up
-- convention | | full_charge_first, full_discharge_first, half_anode, half_cathode or symmetric
-- nominal_capacity_ah | Ah | Nominal capacity, from the manifest
-- active_area_square_metre | m² | Electrode area, from the manifest
-- voltage_upper_volt | V | Upper voltage limit
-- voltage_lower_volt | V | Lower voltage limit
-- chemistry | | Chemistry
-- process_split | | Process split
-- remarks | | Remarks
-- tests | | Tests committed for it
-- cycles | | Logical cycles in them
-- last_unix_second | s | Wall clock of its last record, UTC
SELECT
    cell.cell_id, cell.firm, project, lot, wafer, die_x, die_y, cell.convention, nominal_capacity_ah,
    active_area_square_metre, voltage_upper_volt, voltage_lower_volt, chemistry, process_split, remarks,
    count(test.test_id) AS tests,
    coalesce(sum(test.cycles), 0)::BIGINT AS cycles,
    max(test.last_unix_second) AS last_unix_second
FROM cell
LEFT JOIN test ON test.firm = cell.firm AND test.cell_id = cell.cell_id
GROUP BY ALL
ORDER BY cell.firm, cell.cell_id
