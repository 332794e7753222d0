-- How does the charge spread over the voltage, in some ageing cycles of each test?
-- reads: dqdv
-- formula: Q(V) along the records whose voltage went further than any before, linear between them; dQ/dV_k = (Q_{k+1} - Q_{k-1}) / 2h on whole multiples of the grid h, then the mean over the window; one point dropped at either end; dV/dQ is its reciprocal
-- condition: h is loads.grid_quanta quanta and loads.grid_sigmas standard deviations of the voltage or more; the half cycle spans loads.fewest_cells of it and has loads.records_per_cell records a cell; ageing cycles without a gap
-- source: definition; Dubarry and Anseán, Frontiers in Energy Research 10 (2022) 1023555, on resolution and smoothing
-- cell_id | | The cell; null while unassigned
-- test_id | | The test
-- cycle | | Logical cycle within the test
-- direction | | charge or discharge
-- status | | shown or refused
-- reason | | Why it is refused: a key of warehouse.loads.reasons
-- voltage_volt | V | Grid point, a whole multiple of the grid
-- charge_ah | Ah | Charge moved in this direction when the voltage passes the grid point
-- dqdv_ah_per_volt | Ah/V | dQ/dV; positive in either direction
-- dvdq_volt_per_ah | V/Ah | dV/dQ; null where no charge moved
-- grid_volt | V | Width of the grid
-- window | | Grid points that were averaged
-- records | | Records that the curve is made of, back-steps and constant voltage left out
-- recipe | | Recipe that it was made with
SELECT
    cell_id, test_id, cycle, direction, status, reason, voltage_volt, charge_ah, dqdv_ah_per_volt, dvdq_volt_per_ah,
    grid_volt, "window", records, recipe
FROM dqdv
ORDER BY cell_id, test_id, cycle, direction, voltage_volt
