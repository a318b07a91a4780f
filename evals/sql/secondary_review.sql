-- Secondary review: signed reviews whose draft had a trigger that asks for a second reader (secondary review or block, in
-- any measuring of it), out of all signed reviews with a draft shown whose evidence was measured. It says how often the
-- written rules ask, not how often somebody came. Reviews of unmeasured drafts are in neither number.
SELECT
    count(*) FILTER (
        WHERE draft_id IN (SELECT draft_id FROM v_triggers WHERE action IN ('secondary_review', 'block'))
    ) AS count,
    count(*) AS total
FROM v_reviews
WHERE is_current AND draft_id IS NOT NULL AND arm <> 'no_ai'
    AND draft_id IN (SELECT draft_id FROM v_evidence);
