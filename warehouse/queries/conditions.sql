-- Under which conditions were the cells cycled, and what did they give there?
-- reads: conditions
-- formula: rate = current / nominal capacity; capacity: median of the block's first cycles
-- condition: complete cycles of one class, at one discharge current, to one upper voltage, at one temperature
-- source: the cell's steps; nominal capacity and limits from the manifest
-- firm |  | Code of the firm
-- cell_id |  | The cell; the test where no cell is known
-- block |  | Number of the block, from 1 in the order in which they begin
-- class |  | One of formation, ageing, rpt, rate, pulse, hold, incomplete
-- stands_for_cell |  | Whether the cell is compared with others by this block
-- cycles |  | Complete cycles in the block
-- first_cycle |  | First of them, as the cell's life counts
-- last_cycle |  | Last of them
-- charging_current_ampere | A | Charging current, median
-- discharging_current_ampere | A | Discharging current, median; negative
-- charging_rate_per_hour | 1/h | Charging current over nominal capacity: the C-rate
-- discharging_rate_per_hour | 1/h | Discharging current over nominal capacity, positive: the C-rate
-- upper_voltage_volt | V | Highest voltage under charge, median
-- lower_voltage_volt | V | Lowest voltage under discharge, median
-- temperature_celsius | °C | Temperature as recorded, median
-- depth_of_discharge |  | 1 where the lower voltage limit was reached, else capacity over nominal
-- charge_time_second | s | Time under charging current in a cycle, median
-- capacity_ah | Ah | Delivered charge, median of the block's first cycles
-- energy_wh | Wh | Delivered energy, median of the block's first cycles
-- coulombic_efficiency |  | Median of the block's cycles
-- coulombic_efficiency_floor |  | Largest floor among them; null unless each has a whole one
-- energy_efficiency |  | Median of the block's cycles
SELECT
    firm, cell_id, block, class, stands_for_cell, cycles, first_cycle, last_cycle, charging_current_ampere,
    discharging_current_ampere, charging_rate_per_hour, discharging_rate_per_hour, upper_voltage_volt,
    lower_voltage_volt, temperature_celsius, depth_of_discharge, charge_time_second, capacity_ah, energy_wh,
    coulombic_efficiency, coulombic_efficiency_floor, energy_efficiency
FROM conditions
ORDER BY firm, cell_id, block
