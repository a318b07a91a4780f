-- Turnaround: seconds from the study's arrival to its first signature; the median over signed cases. A later amendment
-- does not change it, nor does a second read: where one is needed the report is final later than this says.
SELECT min(r.turnaround_s) AS value, any_value(c.patient_pseudonym) AS cluster
FROM v_reviews r
JOIN v_cases c USING (case_id)
WHERE r.supersedes IS NULL
GROUP BY r.case_id
ORDER BY r.case_id;
