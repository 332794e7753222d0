-- What should a firm look at?
-- reads: alert
-- condition: as of the last night; each thing once, with the evidence that it was found with
-- firm | | Firm concerned
-- alert_id | | Name of the alert
-- kind | | falling_faster, capacity_step, limit_crossed, contradiction, test_stalled or test_ended
-- subject | | What it is about
-- cell_id | | The cell; null where it is about none
-- test_id | | The test; null where it is about none
-- state | | open, or closed when it no longer holds
-- first_seen_date | | Night that found it first
-- closed_date | | Night that did not find it any more
-- times | | How often it was opened
-- sentence_en | | What it says, in English
-- sentence_ko | | What it says, in Korean
-- evidence | | The figures behind it, as JSON
SELECT
    firm, alert_id, kind, subject, cell_id, test_id, state, first_seen_date, closed_date, times, sentence_en,
    sentence_ko, evidence
FROM alert
-- What is of the instruments is the operators'.
WHERE firm IS NOT NULL
ORDER BY state DESC, first_seen_date DESC, firm, kind, alert_id
