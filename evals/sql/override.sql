-- Override: signed reviews in which at least one drafted sentence was corrected or deleted, or one was added,
-- out of all signed reviews with a draft shown. Rewording alone is style and does not count. An amended review counts
-- once, as it stands now; reviews read without AI are counted apart. A review counts from its own signature on, whether
-- or not its report still waits for a second reader; a second read changes no sentence and counts nothing here.
SELECT count(*) FILTER (WHERE overridden) AS count, count(*) AS total
FROM v_reviews
WHERE is_current AND draft_id IS NOT NULL AND arm <> 'no_ai';
