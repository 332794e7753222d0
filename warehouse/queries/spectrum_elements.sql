-- Which elements make up the fitted impedance spectra?
-- reads: spectrum_elements, test
-- formula: arc R / (1 + (jωτ)ⁿ) with Q = τⁿ / R, apex 1 / (2πτ), capacitance (QR)^(1/n) / R; relative permittivity C·L / (ε0·A)
-- condition: elements of fitted spectra alone; a permittivity only with area and thickness from the manifest
-- source: Hsu and Mansfeld 2001; Irvine, Sinclair and West 1990
-- cell_id | | The cell; null while unassigned
-- test_id | | The test
-- spectrum_index | | Number of the spectrum within its test, from 1
-- element | | L, R0, R1 to R3 for an arc, Q for the tail
-- place | | series, above, electrolyte, interface, below or tail
-- resistance_ohm | Ω | Resistance
-- resistance_low_ohm | Ω | Lower end of its confidence interval
-- resistance_high_ohm | Ω | Upper end of its confidence interval
-- resistance_reason | | Why it is missing: a key of warehouse.impedance.reasons
-- exponent | | n of the constant phase element; 1 is an ideal capacitance
-- exponent_low | | Lower end of its confidence interval
-- exponent_high | | Upper end of its confidence interval
-- q_siemens_second_power | S·sⁿ | Q of the constant phase element, Z = 1 / (Q (jω)ⁿ)
-- capacitance_farad | F | (QR)^(1/n) / R
-- apex_hertz | Hz | Frequency of the arc's apex
-- relative_permittivity | | Capacitance times thickness over area and ε0; only with geometry
-- inductance_henry | H | Inductance
SELECT
    cell_id, test_id, spectrum_index, element, place, resistance_ohm, resistance_low_ohm, resistance_high_ohm,
    resistance_reason, exponent, exponent_low, exponent_high, q_siemens_second_power, capacitance_farad,
    apex_hertz, relative_permittivity, inductance_henry
FROM spectrum_elements
ORDER BY cell_id, test_id, spectrum_index, element
