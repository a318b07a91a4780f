-- Failed: drafting attempts that ended without a report (unreadable, empty or truncated answer, crash, timeout,
-- non-finite numbers), out of all attempts. Cases out of scope were never attempted.
SELECT count(*) FILTER (WHERE status = 'failed') AS count, count(*) AS total
FROM v_drafts
WHERE status IN ('ok', 'failed');
