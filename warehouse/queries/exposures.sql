-- Which heat did the cells go through, and what did it cost?
-- reads: exposures
-- formula: capacity_ratio = capacity of the first like cycle behind the exposure / capacity of the last cycle before it
-- condition: no current, and at least replicates.exposure_celsius
-- source: mean temperatures of the cell's steps, as the instrument recorded them
-- firm |  | Code of the firm
-- cell_id |  | The cell; the test where no cell is known
-- exposure |  | Number of the exposure in the cell's life, from 1
-- start_unix_time_second | s | Wall clock of its first record, UTC
-- duration_second | s | How long it lasted
-- temperature_celsius | °C | Mean temperature
-- cycle_before |  | Last complete cycle before it, as the cell's life counts
-- cycle_after |  | First complete cycle behind it that is like that one
-- capacity_before_ah | Ah | Delivered charge of the cycle before
-- capacity_after_ah | Ah | Delivered charge of the cycle behind
-- capacity_ratio |  | capacity_after_ah over capacity_before_ah
SELECT
    firm, cell_id, exposure, start_unix_time_second, duration_second, temperature_celsius, cycle_before,
    cycle_after, capacity_before_ah, capacity_after_ah, capacity_ratio
FROM exposures
ORDER BY firm, cell_id, exposure
