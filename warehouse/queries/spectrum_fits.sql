-- What do the impedance spectra say, and which may be trusted?
-- reads: spectrum_fits, test
-- formula: arc R / (1 + (jωτ)ⁿ), tail 1 / (Q (jω)ⁿ), R0 and L in series; weighted least squares of (Z_fit - Z) / abs(Z)
-- formula: hf_resistance: R0 with the arcs above the band and the electrolyte's; interface_resistance: sum of the other arcs; interface_capacitance = (QR)^(1/n) / R; conductivity L / (R·A)
-- condition: the Kramers-Kronig test is passed within impedance.kk_point, the misfit is below impedance.misfit, and a figure's interval is narrower than its value; else refused with a reason
-- source: Boukamp 1995 (linear Kramers-Kronig); Hsu and Mansfeld 2001 (capacitance of a constant phase element); Irvine, Sinclair and West 1990 (processes by their capacitance)
-- cell_id | | The cell; null while unassigned
-- test_id | | The test
-- spectrum_index | | Number of the spectrum within its test, from 1
-- status | | fitted, refused, or not_applicable to a spectrum too short to fit
-- reason | | Why it was not fitted: a key of warehouse.impedance.reasons
-- start_time_second | s | Test time of the first point
-- start_unix_time_second | s | Wall clock of the first point, UTC
-- duration_second | s | From the first point to the last
-- cycle_count | | Cycle as the instrument counts it, at the first point
-- bias_voltage_volt | V | Mean cell voltage
-- state_of_charge | | Mean state of charge, where the file says it
-- temperature_celsius | °C | Mean temperature
-- temperature_source | | recorded by the instrument, or stated by a person; never taken from a name
-- points | | Points measured
-- points_used | | Points fitted
-- failing_points | | Frequencies in Hz that fail the Kramers-Kronig test, comma-separated
-- lowest_frequency_hertz | Hz | Lower end of the band
-- highest_frequency_hertz | Hz | Upper end of the band
-- kramers_kronig_rms | | Root mean square of the test's residuals, as a part of the modulus
-- kramers_kronig_largest | | Largest of the test's residuals, as a part of the modulus
-- acir_frequency_hertz | Hz | Frequency of the two figures that follow
-- acir_modulus_ohm | Ω | Modulus of the measured impedance there: ACIR by modulus
-- acir_real_ohm | Ω | Real part of the measured impedance there: ACIR by real part
-- circuit | | The circuit that was chosen
-- misfit | | Root mean square of the fit's residuals, as a part of the modulus
-- residual_correlation | | How far neighbouring residuals resemble each other; intervals are wider by it
-- confidence | | Level of the intervals
-- hf_resistance_ohm | Ω | R_hf: electrolyte and contacts, up to highest_frequency_hertz
-- hf_resistance_low_ohm | Ω | Lower end of its confidence interval
-- hf_resistance_high_ohm | Ω | Upper end of its confidence interval
-- hf_resistance_reason | | Why it is missing: a key of warehouse.impedance.reasons
-- interface_resistance_ohm | Ω | R_interface: sum of the arcs of interfaces within the band
-- interface_resistance_low_ohm | Ω | Lower end of its confidence interval
-- interface_resistance_high_ohm | Ω | Upper end of its confidence interval
-- interface_resistance_reason | | Why it is missing: a key of warehouse.impedance.reasons
-- interface_capacitance_farad | F | (QR)^(1/n) / R of the largest arc of an interface
-- area_square_metre | m² | Area that resistances were multiplied with
-- area_kind | | Which area it is: electrode, die or package
-- hf_area_resistance_ohm_square_metre | Ω·m² | hf_resistance_ohm times the area
-- interface_area_resistance_ohm_square_metre | Ω·m² | interface_resistance_ohm times the area
-- ionic_conductivity_siemens_per_metre | S/m | Apparent ionic conductivity, from the electrolyte's own arc; never without geometry
-- ionic_conductivity_low_siemens_per_metre | S/m | Lower end of its confidence interval
-- ionic_conductivity_high_siemens_per_metre | S/m | Upper end of its confidence interval
-- ionic_conductivity_reason | | Why it is missing: a key of warehouse.impedance.reasons
-- electrolyte_peak_hertz | Hz | Apex of the electrolyte's arc; expected where the band ends below it
-- recipe | | Version of the thresholds
SELECT
    cell_id, test_id, spectrum_index, status, reason, start_time_second, start_unix_time_second,
    duration_second, cycle_count, bias_voltage_volt, state_of_charge, temperature_celsius, temperature_source,
    points, points_used, failing_points, lowest_frequency_hertz, highest_frequency_hertz, kramers_kronig_rms,
    kramers_kronig_largest, acir_frequency_hertz, acir_modulus_ohm, acir_real_ohm, circuit, misfit,
    residual_correlation, confidence, hf_resistance_ohm, hf_resistance_low_ohm, hf_resistance_high_ohm,
    hf_resistance_reason, interface_resistance_ohm, interface_resistance_low_ohm,
    interface_resistance_high_ohm, interface_resistance_reason, interface_capacitance_farad,
    area_square_metre, area_kind, hf_area_resistance_ohm_square_metre,
    interface_area_resistance_ohm_square_metre, ionic_conductivity_siemens_per_metre,
    ionic_conductivity_low_siemens_per_metre, ionic_conductivity_high_siemens_per_metre,
    ionic_conductivity_reason, electrolyte_peak_hertz, recipe
FROM spectrum_fits
ORDER BY cell_id, test_id, spectrum_index
