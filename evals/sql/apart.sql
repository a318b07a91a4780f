-- Counted apart, never in a rate: cases waiting for a draft or a first reader (failed and abandoned ones are in the
-- rates), cases out of scope, and signatures given without a draft shown. Signed cases that wait for a second reader are
-- counted here too, and by their first signature they are in the rates.
SELECT
    count(*) FILTER (
        WHERE status IN ('registered', 'preliminary')
            AND latest_review_id IS NULL
            AND latest_draft_status IS DISTINCT FROM 'failed'
            AND case_id NOT IN (SELECT entity FROM v_events WHERE action = 'review_abandoned')
    ) AS waiting,
    count(*) FILTER (WHERE status = 'abstained') AS out_of_scope,
    (SELECT count(*) FROM v_reviews WHERE is_current AND (draft_id IS NULL OR arm = 'no_ai')) AS signed_without_draft,
    count(*) FILTER (WHERE waits_for_second_read) AS waiting_for_second_read
FROM v_cases;
