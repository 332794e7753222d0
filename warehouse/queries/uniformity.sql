-- How evenly is a quantity spread over each wafer, and with which pattern?
-- reads: uniformity
-- formula: half range (max - min) / (2 mean); range over sum (max - min) / (max + min); s / mean with n - 1 (SEMI MF1618 SUP); robust 1.4826 MAD / median
-- formula: profile: value = c + b (x^2 + y^2) / R^2 + s x / R + t y / R by least squares; told as b/c, s/c, t/c
-- formula: Moran's I over the eight neighbours, variance under randomisation
-- source: SEMI MF1618; Cliff and Ord 1981
-- firm | | Code of the firm
-- lot | | Lot of wafers; empty where a firm has none
-- wafer | | Wafer within the lot
-- quantity | | What is spread
-- at_cycle | | Cycle at which it was taken; 0 where it stands for the cell
-- unit | | Unit of mean, median and quadrants
-- status | | measured or refused
-- reason | | Why there are no figures: a key of warehouse.wafers.reasons
-- dies | | Working dies with a value
-- mean | | Mean, in the unit beside it
-- standard_deviation | | Standard deviation, n - 1
-- median | | Median
-- minimum | | Smallest value
-- maximum | | Largest value
-- half_range_over_mean | | (max - min) / (2 · mean)
-- range_over_sum | | (max - min) / (max + min)
-- deviation_over_mean | | s / mean: SEMI MF1618 SUP
-- robust_deviation_over_median | | 1.4826 · MAD / median
-- profile_status | | fitted or refused
-- profile_reason | | Why there is no profile: a key of warehouse.wafers.reasons
-- reference_radius_metre | m | Radius that the profile's coefficients are at: the wafer's
-- centre_value | | Value of the profile at the centre
-- radial_part | | Change from centre to edge with r², over the value at the centre
-- radial_part_low | | Lower end of its interval
-- radial_part_high | | Upper end of its interval
-- tilt_x_part | | Change from centre to the right edge, linear, over the value at the centre
-- tilt_x_part_low | | Lower end of its interval
-- tilt_x_part_high | | Upper end of its interval
-- tilt_y_part | | Change from centre to the upper edge, linear, over the value at the centre
-- tilt_y_part_low | | Lower end of its interval
-- tilt_y_part_high | | Upper end of its interval
-- profile_r_squared | | Part of the variance that the profile explains
-- centre_over_edge | | Mean of the centre's dies over that of the edge's
-- right_upper_mean | | Mean of the quadrant x > 0, y > 0
-- left_upper_mean | | Mean of the quadrant x < 0, y > 0
-- left_lower_mean | | Mean of the quadrant x < 0, y < 0
-- right_lower_mean | | Mean of the quadrant x > 0, y < 0
-- morans_i | | Moran's I over the eight neighbours of each die; 0 without any pattern
-- morans_i_expected | | Its expectation without a pattern: -1 / (n - 1)
-- morans_i_p_value | | Two-sided, under randomisation
-- residual_morans_i | | Moran's I of what the profile leaves
-- confidence | | Level of the intervals
-- recipe | | Version and hash of the recipe
SELECT
    firm, lot, wafer, quantity, at_cycle, unit, status, reason, dies, mean, standard_deviation, median, minimum,
    maximum, half_range_over_mean, range_over_sum, deviation_over_mean, robust_deviation_over_median,
    profile_status, profile_reason, reference_radius_metre, centre_value, radial_part, radial_part_low,
    radial_part_high, tilt_x_part, tilt_x_part_low, tilt_x_part_high, tilt_y_part, tilt_y_part_low,
    tilt_y_part_high, profile_r_squared, centre_over_edge, right_upper_mean, left_upper_mean, left_lower_mean,
    right_lower_mean, morans_i, morans_i_expected, morans_i_p_value, residual_morans_i, confidence, recipe
FROM uniformity
ORDER BY firm, lot, wafer, quantity, at_cycle
