-- Reading time: active seconds between opening a case and signing it, idle time removed; the median over first
-- signatures. Amendments and second reads are not a first reading and do not count.
SELECT r.active_s AS value, c.patient_pseudonym AS cluster
FROM v_reviews r
JOIN v_cases c USING (case_id)
WHERE r.supersedes IS NULL
ORDER BY r.review_id;
