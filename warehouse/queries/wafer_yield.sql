-- How many dies of each wafer are good, by each specification and at later cycles?
-- reads: wafer_yield
-- formula: yield = good / tested and good / gross, each with its Wilson score interval
-- formula: Poisson D = -ln(Y) / A; Murphy Y = ((1 - exp(-A D)) / (A D))^2; their intervals from that of the yield
-- formula: at cycle N: of the dies that were cycled, those good by the sort, within every limit stated at N, and with a retention not below wafers_end_of_life where none is stated; refused while a die's fate at N is open
-- source: Wilson 1927; Murphy 1964
-- firm | | Code of the firm
-- lot | | Lot of wafers; empty where a firm has none
-- wafer | | Wafer within the lot
-- spec | | Specification; * for the current ones together, (map) for the map's verdicts
-- revision | | Its revision; 0 for *
-- at_cycle | | Cycle at which retention is judged too; 0 for the sort alone
-- status | | measured, partly_tested where some limits were never tested, or refused
-- reason | | Why there is no yield: a key of warehouse.wafers.reasons
-- gross | | Dies on the wafer that count; null while nobody says how many
-- tested | | Dies with a verdict
-- good | | Dies within all limits
-- censored | | Dies whose fate at the cycle is not known yet
-- yield_of_tested | | good / tested
-- yield_of_tested_low | | Lower end of its Wilson interval
-- yield_of_tested_high | | Upper end of its Wilson interval
-- yield_of_gross | | good / gross
-- yield_of_gross_low | | Lower end of its Wilson interval
-- yield_of_gross_high | | Upper end of its Wilson interval
-- die_area_square_metre | m² | Area that the densities are over
-- area_kind | | Which area it is: electrode, die or pitch
-- poisson_density_per_square_metre | 1/m² | Fatal defects by Poisson: -ln(Y) / A
-- poisson_density_low_per_square_metre | 1/m² | Lower end of its interval, from that of the yield
-- poisson_density_high_per_square_metre | 1/m² | Upper end of its interval; null where open
-- murphy_density_per_square_metre | 1/m² | Fatal defects by Murphy: Y = ((1 - exp(-AD)) / (AD))²
-- murphy_density_low_per_square_metre | 1/m² | Lower end of its interval
-- murphy_density_high_per_square_metre | 1/m² | Upper end of its interval; null where open
-- limits | | Limits that dies were sorted by
-- limits_tested | | How many of them were tested on any die of the wafer
-- bin_1 | | Dies in bin 1, pass
-- bin_2 | | Dies in bin 2, short
-- bin_3 | | Dies in bin 3, open
-- bin_4 | | Dies in bin 4, low_capacity
-- bin_5 | | Dies in bin 5, high_resistance
-- bin_6 | | Dies in bin 6, high_leakage
-- bin_7 | | Dies in bin 7, not_tested
-- bin_8 | | Dies in bin 8, excluded
-- bin_9 | | Dies in bin 9, other_limit
-- confidence | | Level of the intervals
-- recipe | | Version and hash of the recipe
SELECT
    firm, lot, wafer, spec, revision, at_cycle, status, reason, gross, tested, good, censored, yield_of_tested,
    yield_of_tested_low, yield_of_tested_high, yield_of_gross, yield_of_gross_low, yield_of_gross_high,
    die_area_square_metre, area_kind, poisson_density_per_square_metre, poisson_density_low_per_square_metre,
    poisson_density_high_per_square_metre, murphy_density_per_square_metre, murphy_density_low_per_square_metre,
    murphy_density_high_per_square_metre, limits, limits_tested, bin_1, bin_2, bin_3, bin_4, bin_5, bin_6,
    bin_7, bin_8, bin_9, confidence, recipe
FROM wafer_yield
ORDER BY firm, lot, wafer, spec, revision, at_cycle
