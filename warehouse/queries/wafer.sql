-- What became of each die of a wafer: place, bin, capacity, retention, resistance, life?
-- reads: wafer_dies, wafer_map
-- formula: bin: the first that holds of excluded rim (8), nothing measured (7), short (2: voltage below wafers_short_volt), open (3: resistance above wafers_open_ohm or no charge), then failed limits: capacity (4), resistance (5), leakage (6), others (9); pass (1) where a limit was tested and none failed
-- formula: x_metre = die_x * pitch + offset of the centre die; canonical frame: notch down, x to the right, y up
-- source: SEMI M1 (orientation), this platform's bins
-- firm | | Code of the firm
-- lot | | Lot of wafers; empty where a firm has none
-- wafer | | Wafer within the lot
-- die_x | | Die column; notch down, x to the right, 0 at the centre
-- die_y | | Die row; notch down, y up, 0 at the centre
-- cell_id | | The cell on the die; null where none is known
-- reticle_x | | Reticle column, as the manifest counts it
-- reticle_y | | Reticle row, as the manifest counts it
-- x_metre | m | From the wafer's centre to that of the die, canonical x; null without a pitch
-- y_metre | m | The same, canonical y
-- radius_metre | m | Distance of the die's centre from the wafer's
-- diameter_metre | m | The wafer's diameter, as the manifest says it
-- process_split | | Process split
-- bin | | Hard bin by the specifications: a key of warehouse.wafers.quantities; null without a verdict
-- soft_bin | | 100 times the bin, plus the place of the quantity that failed; 0 where none did
-- bin_name | | The bin in a word
-- failed_quantity | | The quantity whose limit the die is out of
-- reason | | Why there is no bin: a key of warehouse.wafers.reasons
-- specs | | Specifications and revisions that the die was sorted by
-- limits | | Their limits that sort dies
-- limits_tested | | How many of them were tested on this die
-- map_hard_bin | | Hard bin of the current wafer map
-- map_soft_bin | | Soft bin of the current wafer map
-- map_passed | | Verdict of the current wafer map
-- defects | | Defects that the current inspection found on the die
-- cycles | | Complete logical cycles
-- capacity_ah | Ah | Capacity of the reference cycle
-- areal_capacity_ah_per_square_metre | Ah/m² | The same over the electrode's area
-- capacity_retention | | Retention of the last ageing cycle
-- coulombic_efficiency | | Median over the ageing cycles
-- resistance_ohm | Ω | Direct-current resistance at the recipe's time behind an edge
-- hf_resistance_ohm | Ω | Electrolyte and contacts, median over the spectra
-- leakage_ampere | A | Current that holds the cell at a voltage, median over the holds
-- fade_rate_per_cycle | | Slope of retention over cycle; negative when fading
-- life_cycle | | Cycles to the end of life; seen so far where it is censored
-- life_censored | | Whether the end of life was not reached
-- recipe | | Version and hash of the recipe
SELECT
    dies.firm, dies.lot, dies.wafer, die_x, die_y, cell_id, reticle_x, reticle_y, x_metre, y_metre, radius_metre,
    wafer_map.diameter_metre, process_split, bin, soft_bin, bin_name, failed_quantity, reason, specs, limits,
    limits_tested, map_hard_bin, map_soft_bin, map_passed, defects, cycles, capacity_ah,
    areal_capacity_ah_per_square_metre, capacity_retention, coulombic_efficiency, resistance_ohm, hf_resistance_ohm,
    leakage_ampere, fade_rate_per_cycle, life_cycle, life_censored, recipe
FROM wafer_dies AS dies
LEFT JOIN wafer_map ON wafer_map.firm = dies.firm AND wafer_map.lot = dies.lot AND wafer_map.wafer = dies.wafer
ORDER BY dies.firm, dies.lot, dies.wafer, die_y, die_x, cell_id
