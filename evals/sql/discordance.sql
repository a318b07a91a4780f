-- Discordance, AI against final, per finding: findings that exactly one of the draft and the signed report states as
-- present, out of findings that at least one of them states as present, over signed reviews with a draft shown. It says
-- where they differ, not who is right.
WITH stated AS (
    SELECT review_id, finding_before AS finding, TRUE AS drafted, FALSE AS final
    FROM v_decisions
    WHERE is_current AND draft_id IS NOT NULL AND arm <> 'no_ai'
        AND finding_before IS NOT NULL AND finding_before <> 'no_finding' AND polarity_before = 'present'
    UNION ALL
    SELECT review_id, finding_after, FALSE, TRUE
    FROM v_decisions
    WHERE is_current AND draft_id IS NOT NULL AND arm <> 'no_ai'
        AND finding_after IS NOT NULL AND finding_after <> 'no_finding' AND polarity_after = 'present'
), pairs AS (
    SELECT review_id, finding, bool_or(drafted) AS drafted, bool_or(final) AS final
    FROM stated GROUP BY review_id, finding
)
SELECT finding, count(*) FILTER (WHERE drafted <> final) AS count, count(*) AS total
FROM pairs GROUP BY finding ORDER BY finding;
