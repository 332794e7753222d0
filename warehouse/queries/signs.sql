-- Which cells behave otherwise than their like, step, or cross a limit?
-- reads: signs
-- formula: falling_faster: modified z of the retention among the siblings, at the last cycle that all of them reached, below -alerts.sibling_limit
-- formula: capacity_step: change between two cycles beyond alerts.step_limit times the usual scatter, that stays
-- formula: limit_crossed: a cell's verdict of the question specs is fail
-- source: warehouse/alerts
-- firm | | Code of the firm
-- kind | | falling_faster, capacity_step or limit_crossed
-- subject | | What it is about
-- cell_id | | The cell
-- evidence | | The figures behind it, as JSON
SELECT firm, kind, subject, cell_id, evidence
FROM signs
ORDER BY firm, kind, subject
