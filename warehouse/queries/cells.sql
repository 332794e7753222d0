-- Which cells are known, and how many tests and cycles does each have?
-- reads: cell, test
-- cell_id | | The cell
-- firm | | Code of its firm
-- project | | Project of the firm
-- lot | | Lot of wafers
-- wafer | | Wafer within the lot
-- die_x | | Die column; notch down, x to the right
-- die_y | | Die row; notch down, y up
-- reticle_x | | Reticle column, as the manifest counts it
-- reticle_y | | Reticle row, as the manifest counts it
-- convention | | full_charge_first, full_discharge_first, half_anode, half_cathode or symmetric
-- nominal_capacity_ah | Ah | Nominal capacity, from the manifest
-- active_area_square_metre | m² | Electrode area, from the manifest
-- die_area_square_metre | m² | Area of the die, from the manifest
-- package_area_square_metre | m² | Footprint of the package, from the manifest
-- voltage_upper_volt | V | Upper voltage limit
-- voltage_lower_volt | V | Lower voltage limit
-- chemistry | | Chemistry
-- stack | | Layer stack
-- cathode | | Material of the cathode
-- cathode_thickness_metre | m | Thickness of this cell's cathode
-- electrolyte | | Material of the electrolyte
-- electrolyte_thickness_metre | m | Thickness of this cell's electrolyte
-- anode | | Material of the anode
-- anode_thickness_metre | m | Thickness of this cell's anode
-- process_split | | Process split
-- remarks | | Remarks
-- manifest_version | | Manifest that last changed it
-- tests | | Tests committed for it
-- cycles | | Logical cycles in them
-- last_unix_second | s | Wall clock of its last record, UTC
SELECT
    cell.cell_id, cell.firm, project, lot, wafer, die_x, die_y, reticle_x, reticle_y, cell.convention,
    nominal_capacity_ah, active_area_square_metre, die_area_square_metre, package_area_square_metre,
    voltage_upper_volt, voltage_lower_volt, chemistry, stack, cathode, cathode_thickness_metre,
    electrolyte, electrolyte_thickness_metre, anode, anode_thickness_metre, process_split, remarks, manifest_version,
    count(test.test_id) AS tests,
    coalesce(sum(test.cycles), 0)::BIGINT AS cycles,
    max(test.last_unix_second) AS last_unix_second
FROM cell
LEFT JOIN test ON test.firm = cell.firm AND test.cell_id = cell.cell_id
GROUP BY ALL
ORDER BY cell.firm, cell.cell_id
