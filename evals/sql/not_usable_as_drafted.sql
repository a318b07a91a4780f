-- Not usable as drafted: cases whose draft was overridden, failed, or whose review was abandoned, out of all eligible
-- cases: those in scope that were drafted and then signed, failed or abandoned. Cases still waiting for a reader, out of
-- scope, or read without AI are counted apart.
WITH signed AS (
    SELECT
        case_id,
        bool_or(overridden AND draft_id IS NOT NULL) AS overridden,
        bool_or(draft_id IS NOT NULL) AS shown,
        bool_or(arm = 'no_ai') AS without_ai
    FROM v_reviews WHERE is_current GROUP BY case_id
), abandoned AS (
    SELECT DISTINCT entity AS case_id FROM v_events WHERE action = 'review_abandoned'
), fates AS (
    SELECT
        c.case_id,
        coalesce(s.overridden, FALSE) AS overridden,
        s.shown IS NULL AND a.case_id IS NOT NULL AS abandoned,
        c.latest_draft_status = 'failed' AND NOT coalesce(s.shown, FALSE) AS failed,
        coalesce(s.shown, FALSE) AS signed,
        coalesce(s.without_ai, FALSE) AS without_ai
    FROM v_cases c
    LEFT JOIN signed s USING (case_id)
    LEFT JOIN abandoned a USING (case_id)
    WHERE c.latest_draft_status IN ('ok', 'failed')
)
SELECT
    count(*) FILTER (WHERE overridden OR abandoned OR failed) AS count,
    count(*) FILTER (WHERE signed OR abandoned OR failed) AS total
FROM fates
WHERE NOT without_ai;
