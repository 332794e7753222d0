-- How finely and how truly was each test measured?
-- reads: precision
-- formula: noise: 1.4826·MAD of each record against the line through its neighbours; quantum: the largest step of which all differences are multiples; offset: mean of the currents that the instrument recorded at rest
-- condition: an instrument that prints 0 at rest does not measure there: its offset is unknown, not 0
-- source: the test's own records; the channel's row of a manifest
-- cell_id | | The cell; null while unassigned
-- test_id | | The test
-- current_offset_ampere | A | What the instrument reads where no current flows; null while unknown
-- current_offset_source | | channel: a manifest states it; rest: mean that the instrument recorded while it said rest; unknown
-- current_noise_ampere | A | Standard deviation of one current record; robust, trend removed
-- current_quantum_ampere | A | Smallest step of the recorded current values; null where none is seen
-- voltage_noise_volt | V | Standard deviation of one voltage record; robust, trend removed
-- voltage_quantum_volt | V | Smallest step of the recorded voltage values; null where none is seen
-- current_range_ampere | A | Largest current range in use; else the channel's full scale
-- range_accuracy_ampere | A | The channel's accuracy as a part of its range, times the range
-- input_resistance_ohm | Ω | Input resistance of the channel's voltmeter, where a manifest states it
-- sample_interval_second | s | Median time between two records of one step
-- resting_records | | Records that the instrument itself called rest
SELECT
    cell_id, test_id, current_offset_ampere, current_offset_source, current_noise_ampere, current_quantum_ampere,
    voltage_noise_volt, voltage_quantum_volt, current_range_ampere, range_accuracy_ampere, input_resistance_ohm,
    sample_interval_second, resting_records
FROM precision
ORDER BY cell_id, test_id
