-- Which impedance spectra were measured, point by point?
-- reads: spectra, test
-- cell_id |  | The cell; null while unassigned
-- test_id |  | The test
-- spectrum_index |  | Number of the spectrum within its test, from 1
-- frequency_hertz | Hz | Frequency of the excitation
-- real_impedance_ohm | Ω | Real part of the impedance
-- imaginary_impedance_ohm | Ω | Imaginary part; negative when capacitive
-- test_time_second | s | Time since the start of the test
-- unix_time_second | s | Wall clock, seconds since 1970-01-01 UTC
-- bias_voltage_volt | V | Mean cell voltage during the point
-- bias_current_ampere | A | Mean current during the point; positive charges the cell
-- amplitude_voltage_volt | V | Amplitude of the voltage
-- amplitude_current_ampere | A | Amplitude of the current
-- temperature_celsius | °C | Temperature during the point
-- state_of_charge |  | State of charge as a fraction of nominal capacity, where the file says it
-- cycle_count |  | Cycle as the instrument counts it
-- step_id |  | Number of the step in the instrument's schedule
SELECT
    cell_id, test_id, spectrum_index, frequency_hertz, real_impedance_ohm, imaginary_impedance_ohm,
    test_time_second, unix_time_second, bias_voltage_volt, bias_current_ampere, amplitude_voltage_volt,
    amplitude_current_ampere, temperature_celsius, state_of_charge, cycle_count, step_id
FROM spectra
ORDER BY cell_id, test_id, spectrum_index, file_row_number
