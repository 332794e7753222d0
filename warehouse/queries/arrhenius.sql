-- Which activation energies do the cells' resistances and conductivities have?
-- reads: arrhenius
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
