-- What was measured of a draft, the triggers that the written rules raised, and second reads. Append-only like the rest.

-- One row per measuring of a draft; a draft without a row was not measured. `conflicts` is NULL where nobody looked.
CREATE TABLE evidence (
    evidence_id VARCHAR PRIMARY KEY,
    sequence BIGINT NOT NULL,
    recorded_at TIMESTAMP NOT NULL,
    draft_id VARCHAR NOT NULL,
    case_id VARCHAR NOT NULL,
    created_at TIMESTAMP NOT NULL,
    protocol_sha256 VARCHAR NOT NULL,
    sentences INTEGER NOT NULL,
    conflicts INTEGER,
    contradictions INTEGER NOT NULL,
    injections INTEGER NOT NULL,
    unlikeness DOUBLE,
    inform INTEGER NOT NULL,
    secondary_review INTEGER NOT NULL,
    block INTEGER NOT NULL,
    total_s DOUBLE,
    body VARCHAR NOT NULL,
    sha256 VARCHAR NOT NULL
);

-- One row per trigger: the rule as it was then, and the value that made it fire. `sentence_index` is NULL for the whole.
CREATE TABLE triggers (
    trigger_id VARCHAR PRIMARY KEY,
    sequence BIGINT NOT NULL,
    evidence_id VARCHAR NOT NULL,
    draft_id VARCHAR NOT NULL,
    case_id VARCHAR NOT NULL,
    rule_id VARCHAR NOT NULL,
    rule_version INTEGER NOT NULL,
    action VARCHAR NOT NULL,
    fact VARCHAR NOT NULL,
    value DOUBLE NOT NULL,
    comparison VARCHAR NOT NULL,
    threshold DOUBLE NOT NULL,
    sentence_index INTEGER,
    detail VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    sha256 VARCHAR NOT NULL
);

CREATE TABLE second_reads (
    second_read_id VARCHAR PRIMARY KEY,
    sequence BIGINT NOT NULL,
    recorded_at TIMESTAMP NOT NULL,
    review_id VARCHAR NOT NULL,
    case_id VARCHAR NOT NULL,
    reader_id VARCHAR NOT NULL,
    verdict VARCHAR NOT NULL,
    reason VARCHAR,
    signed_at TIMESTAMP NOT NULL,
    body VARCHAR NOT NULL,
    sha256 VARCHAR NOT NULL
);

-- One row per measuring. `is_latest`: none of that draft was recorded later.
CREATE VIEW v_evidence AS
SELECT
    evidence_id, draft_id, case_id, sequence, recorded_at, created_at, protocol_sha256, sentences, conflicts,
    contradictions, injections, unlikeness, inform, secondary_review, block, total_s,
    row_number() OVER (PARTITION BY draft_id ORDER BY sequence DESC) = 1 AS is_latest
FROM evidence;

-- One row per trigger of any measuring of a draft.
CREATE VIEW v_triggers AS
SELECT
    trigger_id, evidence_id, draft_id, case_id, sequence, rule_id, rule_version, action, fact, value, comparison,
    threshold, sentence_index, detail, reason
FROM triggers;

-- One row per second read. `is_current`: no later review of the case amends the one that was read.
CREATE VIEW v_second_reads AS
SELECT
    second_read_id, review_id, case_id, sequence, recorded_at, reader_id, verdict, reason, signed_at,
    review_id NOT IN (SELECT supersedes FROM reviews WHERE supersedes IS NOT NULL) AS is_current
FROM second_reads;

-- One row per draft that blocks its signed case: one of the case's reviews was of it, or was signed without a draft after
-- it had come in (a later draft failed, say), by a reader who may have seen it. Who read without AI saw none.
CREATE VIEW v_blocked_drafts AS
SELECT DISTINCT r.case_id, t.draft_id
FROM reviews r
JOIN triggers t ON t.case_id = r.case_id AND t.action = 'block'
WHERE t.draft_id = r.draft_id OR (r.draft_id IS NULL AND r.arm <> 'no_ai' AND t.sequence < r.sequence);

-- One row per case, as before. New: a signed case is *preliminary*, not final or amended, while a blocking trigger stands
-- on a draft of `v_blocked_drafts`, and no other reader has agreed with the review in force. A later measuring
-- without the trigger lifts nothing, nor does an amendment that names another draft or none. `waits_for_second_read` says
-- so, and `second_verdict` what the second reader of the review in force said (NULL: nobody has read it).
CREATE OR REPLACE VIEW v_cases AS
WITH latest_draft AS (
    SELECT * FROM drafts QUALIFY row_number() OVER (PARTITION BY case_id ORDER BY sequence DESC) = 1
), latest_review AS (
    SELECT * FROM reviews QUALIFY row_number() OVER (PARTITION BY case_id ORDER BY sequence DESC) = 1
), blocked AS (
    SELECT DISTINCT case_id FROM v_blocked_drafts
), second AS (
    SELECT s.review_id, CASE WHEN bool_or(s.verdict = 'disagree') THEN 'disagree' ELSE 'agree' END AS verdict
    FROM second_reads s
    JOIN reviews r USING (review_id)
    WHERE lower(trim(s.reader_id)) <> lower(trim(r.reader_id))
    GROUP BY s.review_id
), stands AS (
    SELECT
        c.*, d.draft_id, d.status AS draft_status, d.failure_kind, d.abstention AS draft_abstention,
        r.review_id, r.reader_id, r.signed_at, r.supersedes, s.verdict,
        r.review_id IS NOT NULL AND b.case_id IS NOT NULL AND s.verdict IS DISTINCT FROM 'agree' AS waits
    FROM cases c
    LEFT JOIN latest_draft d USING (case_id)
    LEFT JOIN latest_review r USING (case_id)
    LEFT JOIN blocked b USING (case_id)
    LEFT JOIN second s USING (review_id)
)
SELECT
    case_id, sequence, recorded_at, received_at, site, scanner, modality, view_position, simulated, acquired, age_years,
    sex, notes, warnings, patient_pseudonym,
    CASE
        WHEN waits THEN 'preliminary'
        WHEN supersedes IS NOT NULL THEN 'amended'
        WHEN review_id IS NOT NULL THEN 'final'
        WHEN status_received <> 'registered' THEN status_received
        WHEN draft_status = 'ok' THEN 'preliminary'
        WHEN draft_status = 'abstained' THEN 'abstained'
        ELSE 'registered'
    END AS status,
    coalesce(abstention, draft_abstention) AS abstention,
    draft_id AS latest_draft_id, draft_status AS latest_draft_status, failure_kind AS latest_failure_kind,
    review_id AS latest_review_id, reader_id AS signed_by, signed_at,
    waits AS waits_for_second_read, verdict AS second_verdict
FROM stands;
