-- The tables of the ledger. All are append-only: a later change is a new row.
-- Times (…_at) are UTC. `sequence` is the event that wrote the row. `body` is the record's canonical JSON
-- (cases/serialize.py); the other columns are taken from it for SQL. `sha256` is over the table's name and all other
-- columns (cases/store/row.py), and is repeated in the event.

CREATE TABLE events (
    sequence BIGINT PRIMARY KEY,
    recorded_at TIMESTAMP NOT NULL,
    agent VARCHAR NOT NULL,
    role VARCHAR NOT NULL,
    action VARCHAR NOT NULL,
    entity VARCHAR NOT NULL,
    detail VARCHAR NOT NULL,
    previous_hash VARCHAR NOT NULL,
    hash VARCHAR NOT NULL
);

CREATE TABLE migrations (
    name VARCHAR PRIMARY KEY,
    sequence BIGINT NOT NULL,
    applied_at TIMESTAMP NOT NULL,
    script_sha256 VARCHAR NOT NULL,
    sha256 VARCHAR NOT NULL
);

CREATE TABLE cases (
    case_id VARCHAR PRIMARY KEY,
    sequence BIGINT NOT NULL,
    recorded_at TIMESTAMP NOT NULL,
    received_at TIMESTAMP NOT NULL,
    status_received VARCHAR NOT NULL,
    abstention VARCHAR,
    patient_pseudonym VARCHAR NOT NULL,
    site VARCHAR,
    scanner VARCHAR,
    modality VARCHAR,
    view_position VARCHAR,
    simulated BOOLEAN,
    acquired DATE,
    age_years INTEGER,
    sex VARCHAR,
    notes INTEGER NOT NULL,
    warnings INTEGER NOT NULL,
    body VARCHAR NOT NULL,
    sha256 VARCHAR NOT NULL
);

CREATE TABLE drafts (
    draft_id VARCHAR PRIMARY KEY,
    sequence BIGINT NOT NULL,
    recorded_at TIMESTAMP NOT NULL,
    case_id VARCHAR NOT NULL,
    created_at TIMESTAMP NOT NULL,
    status VARCHAR NOT NULL,
    failure_kind VARCHAR,
    abstention VARCHAR,
    model_id VARCHAR NOT NULL,
    revision VARCHAR NOT NULL,
    quantization VARCHAR NOT NULL,
    dtype VARCHAR NOT NULL,
    prompt_hash VARCHAR NOT NULL,
    codec VARCHAR NOT NULL,
    sentences INTEGER,
    boxes INTEGER,
    total_s DOUBLE,
    body VARCHAR NOT NULL,
    sha256 VARCHAR NOT NULL
);

-- What a reader has decided so far, saved at once; the latest row of a sentence counts until the review is signed.
CREATE TABLE decisions (
    decision_id VARCHAR PRIMARY KEY,
    sequence BIGINT NOT NULL,
    recorded_at TIMESTAMP NOT NULL,
    case_id VARCHAR NOT NULL,
    draft_id VARCHAR,
    reader_id VARCHAR NOT NULL,
    sentence_index INTEGER NOT NULL,
    decision VARCHAR,
    reason VARCHAR,
    body VARCHAR,
    sha256 VARCHAR NOT NULL
);

CREATE TABLE reviews (
    review_id VARCHAR PRIMARY KEY,
    sequence BIGINT NOT NULL,
    recorded_at TIMESTAMP NOT NULL,
    case_id VARCHAR NOT NULL,
    draft_id VARCHAR,
    reader_id VARCHAR NOT NULL,
    arm VARCHAR NOT NULL,
    opened_at TIMESTAMP NOT NULL,
    first_edit_at TIMESTAMP,
    signed_at TIMESTAMP NOT NULL,
    active_s DOUBLE NOT NULL,
    overridden BOOLEAN NOT NULL,
    kept INTEGER NOT NULL,
    reworded INTEGER NOT NULL,
    corrected INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    added INTEGER NOT NULL,
    supersedes VARCHAR,
    body VARCHAR NOT NULL,
    sha256 VARCHAR NOT NULL
);

-- One row per sentence of a signed review.
CREATE TABLE review_sentences (
    review_sentence_id VARCHAR PRIMARY KEY,
    sequence BIGINT NOT NULL,
    review_id VARCHAR NOT NULL,
    case_id VARCHAR NOT NULL,
    draft_id VARCHAR,
    reader_id VARCHAR NOT NULL,
    sentence_index INTEGER NOT NULL,
    decision VARCHAR NOT NULL,
    reason VARCHAR,
    override BOOLEAN NOT NULL,
    finding_before VARCHAR,
    finding_after VARCHAR,
    polarity_before VARCHAR,
    polarity_after VARCHAR,
    boxes_before INTEGER,
    boxes_after INTEGER,
    body VARCHAR NOT NULL,
    sha256 VARCHAR NOT NULL
);
