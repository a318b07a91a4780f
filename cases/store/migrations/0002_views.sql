-- The surface for KPI SQL: names and columns here are stable, and nobody parses JSON. Times (…_at) are UTC.

-- One row per case: where it stands now (the FHIR status words of cases/study.py), and its latest draft and signature.
CREATE VIEW v_cases AS
WITH latest_draft AS (
    SELECT * FROM drafts QUALIFY row_number() OVER (PARTITION BY case_id ORDER BY sequence DESC) = 1
), latest_review AS (
    SELECT * FROM reviews QUALIFY row_number() OVER (PARTITION BY case_id ORDER BY sequence DESC) = 1
)
SELECT
    c.case_id, c.sequence, c.recorded_at, c.received_at, c.site, c.scanner, c.modality, c.view_position, c.simulated,
    c.acquired, c.age_years, c.sex, c.notes, c.warnings, c.patient_pseudonym,
    CASE
        WHEN r.supersedes IS NOT NULL THEN 'amended'
        WHEN r.review_id IS NOT NULL THEN 'final'
        WHEN c.status_received <> 'registered' THEN c.status_received
        WHEN d.status = 'ok' THEN 'preliminary'
        WHEN d.status = 'abstained' THEN 'abstained'
        ELSE 'registered'
    END AS status,
    coalesce(c.abstention, d.abstention) AS abstention,
    d.draft_id AS latest_draft_id, d.status AS latest_draft_status, d.failure_kind AS latest_failure_kind,
    r.review_id AS latest_review_id, r.reader_id AS signed_by, r.signed_at
FROM cases c
LEFT JOIN latest_draft d USING (case_id)
LEFT JOIN latest_review r USING (case_id);

-- One row per drafting attempt, the failed ones among them.
CREATE VIEW v_drafts AS
SELECT
    draft_id, case_id, sequence, recorded_at, created_at, status, failure_kind, abstention, model_id, revision,
    quantization, dtype, prompt_hash, codec, sentences, boxes, total_s,
    row_number() OVER (PARTITION BY case_id ORDER BY sequence DESC) = 1 AS is_latest
FROM drafts;

-- One row per signature. `is_current`: no later review of the case amends it. Turnaround is signed_at - received_at.
CREATE VIEW v_reviews AS
SELECT
    r.review_id, r.case_id, r.draft_id, r.sequence, r.recorded_at, r.reader_id, r.arm, r.opened_at, r.first_edit_at,
    r.signed_at, r.active_s, r.overridden, r.kept, r.reworded, r.corrected, r.deleted, r.added, r.supersedes,
    r.review_id NOT IN (SELECT supersedes FROM reviews WHERE supersedes IS NOT NULL) AS is_current,
    c.received_at, c.site, c.simulated, epoch(r.signed_at - c.received_at) AS turnaround_s,
    epoch(r.signed_at - r.opened_at) AS open_s
FROM reviews r
JOIN cases c USING (case_id);

-- One row per sentence of a signed review: the atomic decisions from which override flags are derived.
CREATE VIEW v_decisions AS
SELECT
    s.review_id, s.case_id, s.draft_id, s.reader_id, s.sequence, s.sentence_index, s.decision, s.reason, s.override,
    s.finding_before, s.finding_after, s.polarity_before, s.polarity_after, s.boxes_before, s.boxes_after,
    r.arm, r.signed_at,
    r.review_id NOT IN (SELECT supersedes FROM reviews WHERE supersedes IS NOT NULL) AS is_current
FROM review_sentences s
JOIN reviews r USING (review_id);

-- One row per save while a review is in progress; `decision` is NULL where the reader took a decision back.
CREATE VIEW v_saves AS
SELECT decision_id, case_id, draft_id, reader_id, sequence, recorded_at, sentence_index, decision, reason
FROM decisions;

-- One row per event; `detail` is a JSON object in which "rows" names what the event wrote.
CREATE VIEW v_events AS
SELECT sequence, recorded_at, agent, role, action, entity, detail
FROM events;
