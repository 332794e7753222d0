-- What do the cells give per area and volume, and can that be?
-- reads: cell, conditions, spectrum_fits, resistance
-- formula: areal capacity = capacity / area; 1 Ah/m² = 100 µAh/cm²
-- formula: cathode capacity = capacity / (electrode area · cathode thickness); 10⁴ Ah/m³ = 1 µAh·cm⁻²·µm⁻¹
-- formula: energy density = energy / (electrode area · thickness of cathode, electrolyte and anode); 1000 Wh/m³ = 1 µWh/mm³
-- formula: area resistance = resistance · area; 1 Ω·m² = 10⁴ Ω·cm²
-- formula: ceiling of LCO: 137 mAh/g · 5.05 g/cm³ from Li₁CoO₂ to Li₀.₅CoO₂ = 69 µAh·cm⁻²·µm⁻¹ = 690000 Ah/m³
-- condition: one row per declared kind of area; without an area one row that says so; per volume of the electrode's own layers alone
-- source: areas and thicknesses from the manifest, never from an instrument; the ceiling from lattice and density
-- cell_id | | The cell
-- firm | | Code of the firm
-- area_kind | | Which area it is: electrode, die or package; null where the manifest declares none
-- reason | | no_area, no_capacity, or no_thickness: why figures are missing
-- flags | | Comma-separated: above_ceiling (more than the cathode can hold: check area, thickness and unit), smaller_than_electrode, smaller_than_die
-- area_square_metre | m² | That area
-- capacity_ah | Ah | Delivered charge of the block that stands for the cell
-- energy_wh | Wh | Delivered energy of the same
-- discharging_rate_per_hour | 1/h | C-rate at which they were delivered
-- temperature_celsius | °C | Temperature at which they were delivered
-- areal_capacity_ah_per_square_metre | Ah/m² | Capacity over the area
-- areal_energy_wh_per_square_metre | Wh/m² | Energy over the area
-- cathode_thickness_metre | m | Thickness of the cathode
-- cathode_capacity_ah_per_cubic_metre | Ah/m³ | Capacity over the cathode's volume
-- ceiling_ah_per_cubic_metre | Ah/m³ | What the cathode's lattice can give; null for cathodes without a known ceiling
-- active_thickness_metre | m | Thickness of cathode, electrolyte and anode
-- energy_density_wh_per_cubic_metre | Wh/m³ | Energy over the volume of these
-- hf_area_resistance_ohm_square_metre | Ω·m² | Median R_hf of the cell's spectra times the area
-- interface_area_resistance_ohm_square_metre | Ω·m² | Median R_interface of the cell's spectra times the area
-- dc_area_resistance_ohm_square_metre | Ω·m² | Median direct-current resistance at the recipe's time behind the beginning of a discharge, times the area
-- recipe | | Version of the thresholds and policies
WITH areas AS (
    SELECT
        *,
        cathode_thickness_metre + electrolyte_thickness_metre + anode_thickness_metre AS active_thickness_metre,
        CASE
            WHEN list_contains($requirements_lco_names, lower(trim(cathode)))
            THEN $requirements_lco_ceiling_ah_per_cubic_metre
        END AS ceiling_ah_per_cubic_metre
    FROM cell
),

kinds AS (
    SELECT firm, cell_id, 'electrode' AS area_kind, active_area_square_metre AS area_square_metre FROM cell
    UNION ALL
    SELECT firm, cell_id, 'die', die_area_square_metre FROM cell
    UNION ALL
    SELECT firm, cell_id, 'package', package_area_square_metre FROM cell
),

spectral AS (
    SELECT
        firm,
        cell_id,
        median(hf_resistance_ohm) AS hf_resistance_ohm,
        median(interface_resistance_ohm) AS interface_resistance_ohm
    FROM spectrum_fits
    GROUP BY firm, cell_id
),

direct AS (
    SELECT firm, cell_id, median(resistance_ohm) AS dc_resistance_ohm
    FROM resistance
    WHERE edge = 'load' AND direction = 'discharge' AND after_second = $requirements_resistance_second
    GROUP BY firm, cell_id
),

figures AS (
    SELECT
        areas.*,
        kinds.area_kind,
        kinds.area_square_metre,
        conditions.capacity_ah,
        conditions.energy_wh,
        conditions.discharging_rate_per_hour,
        conditions.temperature_celsius,
        spectral.hf_resistance_ohm,
        spectral.interface_resistance_ohm,
        direct.dc_resistance_ohm,
        CASE
            WHEN kinds.area_kind = 'electrode'
            THEN conditions.capacity_ah / (kinds.area_square_metre * areas.cathode_thickness_metre)
        END AS cathode_capacity_ah_per_cubic_metre,
        CASE
            WHEN kinds.area_kind = 'electrode'
            THEN conditions.energy_wh / (kinds.area_square_metre * areas.active_thickness_metre)
        END AS energy_density_wh_per_cubic_metre
    FROM areas
    LEFT JOIN kinds
        ON kinds.firm = areas.firm AND kinds.cell_id = areas.cell_id AND kinds.area_square_metre IS NOT NULL
    LEFT JOIN conditions
        ON conditions.firm = areas.firm AND conditions.cell_id = areas.cell_id AND conditions.stands_for_cell
    LEFT JOIN spectral ON spectral.firm = areas.firm AND spectral.cell_id = areas.cell_id
    LEFT JOIN direct ON direct.firm = areas.firm AND direct.cell_id = areas.cell_id
)

SELECT
    cell_id,
    firm,
    area_kind,
    CASE
        WHEN area_kind IS NULL THEN 'no_area'
        WHEN capacity_ah IS NULL THEN 'no_capacity'
        WHEN area_kind = 'electrode' AND active_thickness_metre IS NULL THEN 'no_thickness'
    END AS reason,
    concat_ws(
        ',',
        CASE
            WHEN cathode_capacity_ah_per_cubic_metre > ceiling_ah_per_cubic_metre * (1 + $requirements_ceiling_margin)
            THEN 'above_ceiling'
        END,
        CASE
            WHEN area_kind <> 'electrode' AND area_square_metre < active_area_square_metre THEN 'smaller_than_electrode'
        END,
        CASE WHEN area_kind = 'package' AND area_square_metre < die_area_square_metre THEN 'smaller_than_die' END
    ) AS flags,
    area_square_metre,
    capacity_ah,
    energy_wh,
    discharging_rate_per_hour,
    temperature_celsius,
    capacity_ah / area_square_metre AS areal_capacity_ah_per_square_metre,
    energy_wh / area_square_metre AS areal_energy_wh_per_square_metre,
    cathode_thickness_metre,
    cathode_capacity_ah_per_cubic_metre,
    ceiling_ah_per_cubic_metre,
    active_thickness_metre,
    energy_density_wh_per_cubic_metre,
    hf_resistance_ohm * area_square_metre AS hf_area_resistance_ohm_square_metre,
    interface_resistance_ohm * area_square_metre AS interface_area_resistance_ohm_square_metre,
    dc_resistance_ohm * area_square_metre AS dc_area_resistance_ohm_square_metre,
    $recipe AS recipe
FROM figures
ORDER BY firm, cell_id, area_kind
