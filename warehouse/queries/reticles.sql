-- What is the mean of each reticle's dies?
-- reads: reticles
-- formula: mean of the working dies of a reticle, and over the wafer's mean
-- source: arithmetic mean
-- firm | | Code of the firm
-- lot | | Lot of wafers; empty where a firm has none
-- wafer | | Wafer within the lot
-- quantity | | What is averaged
-- at_cycle | | Cycle at which it was taken; 0 where it stands for the cell
-- reticle_x | | Reticle column, as the manifest counts it
-- reticle_y | | Reticle row, as the manifest counts it
-- unit | | Unit of the mean
-- dies | | Working dies with a value
-- mean | | Their mean, in the unit beside it
-- over_wafer_mean | | Their mean over that of the wafer
-- recipe | | Version and hash of the recipe
SELECT
    firm, lot, wafer, quantity, at_cycle, reticle_x, reticle_y, unit, dies, mean, over_wafer_mean, recipe
FROM reticles
ORDER BY firm, lot, wafer, quantity, at_cycle, reticle_x, reticle_y
