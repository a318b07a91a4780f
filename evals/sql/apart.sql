-- Counted apart, never in a rate: cases waiting for a draft or a reader, cases out of scope, and signatures given without
-- a draft shown.
SELECT
    count(*) FILTER (WHERE status IN ('registered', 'preliminary')) AS waiting,
    count(*) FILTER (WHERE status = 'abstained') AS out_of_scope,
    (SELECT count(*) FROM v_reviews WHERE is_current AND (draft_id IS NULL OR arm = 'no_ai')) AS signed_without_draft
FROM v_cases;
