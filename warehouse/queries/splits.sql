-- What does a process split change, with the wafer as the unit of replication?
-- reads: splits
-- formula: wafers' means compared: Welch's t where unpaired, t of differences where wafers hold both splits, least squares with a term per lot where lots hold both, lots' means where each split has lots of its own
-- formula: Hedges' g = effect / pooled standard deviation (1 - 3 / (4 f - 1)); permutation: all rearrangements of the wafers
-- formula: life: restricted mean up to at_cycle by wafer, and log-rank over rearrangements of the wafers
-- source: Welch 1947; Hedges 1981; Kaplan and Meier 1958
-- firm | | Code of the firm
-- project | | Project; empty where cells have none
-- quantity | | What is compared
-- at_cycle | | Cycle at which it was taken; 0 where it stands for the cell
-- split | | The split
-- reference_split | | The split that it is compared with
-- varies | | What the two do differently, by the manifest
-- unit | | Unit of means and effect
-- status | | compared or refused
-- reason | | Why there is no effect: a key of warehouse.wafers.reasons
-- design | | unpaired; paired where wafers hold both splits; blocked by lot
-- wafers | | Wafers with the split
-- reference_wafers | | Wafers with the reference
-- dies | | Dies with the split; they are no replicates
-- reference_dies | | Dies with the reference
-- mean | | Mean of the wafers' means with the split
-- reference_mean | | Mean of the wafers' means with the reference
-- effect | | Difference of the two, split minus reference
-- effect_low | | Lower end of its interval
-- effect_high | | Upper end of its interval
-- effect_part | | effect / reference_mean
-- degrees_of_freedom | | Of the interval; by Welch and Satterthwaite where unpaired
-- p_value | | Two-sided, by t
-- permutation_p_value | | Two-sided, over all rearrangements of the wafers; null where too many
-- hedges_g | | effect / pooled standard deviation of wafers, corrected for few wafers
-- hedges_g_low | | Lower end of its interval
-- hedges_g_high | | Upper end of its interval
-- log_rank_p_value | | Of lives: log-rank over rearrangements of the wafers
-- confidence | | Level of the intervals
-- recipe | | Version and hash of the recipe
SELECT
    firm, project, quantity, at_cycle, split, reference_split, varies, unit, status, reason, design, wafers,
    reference_wafers, dies, reference_dies, mean, reference_mean, effect, effect_low, effect_high, effect_part,
    degrees_of_freedom, p_value, permutation_p_value, hedges_g, hedges_g_low, hedges_g_high, log_rank_p_value,
    confidence, recipe
FROM splits
ORDER BY firm, project, quantity, at_cycle, split
