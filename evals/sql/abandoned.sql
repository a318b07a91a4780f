-- Abandoned: cases whose review was opened and given up without any signature, out of all cases whose review was opened.
WITH opened AS (
    SELECT DISTINCT entity AS case_id FROM v_events WHERE action IN ('review_opened', 'review_abandoned')
    UNION
    SELECT case_id FROM v_reviews
), given_up AS (
    SELECT DISTINCT entity AS case_id FROM v_events WHERE action = 'review_abandoned'
)
SELECT
    count(*) FILTER (WHERE g.case_id IS NOT NULL AND c.latest_review_id IS NULL) AS count,
    count(*) AS total
FROM opened o
JOIN v_cases c USING (case_id)
LEFT JOIN given_up g USING (case_id);
