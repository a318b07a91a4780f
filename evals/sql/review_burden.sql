-- Review burden: sentences that the reader had to reword, correct, delete or add, per drafted sentence that was accepted
-- (kept or reworded), over signed reviews with a draft shown.
SELECT
    r.reworded + r.corrected + r.deleted + r.added AS numerator,
    r.kept + r.reworded AS denominator,
    c.patient_pseudonym AS cluster
FROM v_reviews r
JOIN v_cases c USING (case_id)
WHERE r.is_current AND r.draft_id IS NOT NULL AND r.arm <> 'no_ai'
ORDER BY r.review_id;
