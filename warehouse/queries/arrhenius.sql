-- Which activation energies do the cells' resistances and conductivities have?
-- reads: arrhenius
-- formula: ln y = ln y0 - Ea / (k·T), y = 1/R, T/R, σ or σ·T as form says; least squares, Student's t with n - 2 degrees of freedom
-- condition: impedance.fewest_temperatures over impedance.smallest_span_kelvin, at one state of charge; temperatures recorded or stated, never from a name
-- source: Arrhenius; over nine points ln σ and ln σT give energies that differ by 0.02 eV, so the form is named
-- firm | | Code of the firm
-- cell_id | | The cell
-- quantity | | hf_resistance, interface_resistance or ionic_conductivity
-- form | | What was fitted over 1/T: ln(1/R), ln(T/R), ln(sigma) or ln(sigma T)
-- status | | fitted or refused
-- reason | | Why there is no energy: a key of warehouse.impedance.reasons
-- activation_energy_electronvolt | eV | Activation energy
-- activation_energy_low_electronvolt | eV | Lower end of its confidence interval
-- activation_energy_high_electronvolt | eV | Upper end of its confidence interval
-- logarithm_at_infinite_temperature | | The logarithm where the line meets 1/T = 0, in SI units
-- r_squared | | Part of the logarithm's variance that the line explains
-- confidence | | Level of the interval
-- spectra | | Spectra in the series
-- lowest_temperature_celsius | °C | Lowest temperature
-- highest_temperature_celsius | °C | Highest temperature
-- temperature_sources | | recorded, stated, or both
-- recipe | | Version of the thresholds
SELECT
    firm, cell_id, quantity, form, status, reason, activation_energy_electronvolt,
    activation_energy_low_electronvolt, activation_energy_high_electronvolt,
    logarithm_at_infinite_temperature, r_squared, confidence, spectra, lowest_temperature_celsius,
    highest_temperature_celsius, temperature_sources, recipe
FROM arrhenius
ORDER BY firm, cell_id, quantity, form
