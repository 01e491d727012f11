CREATE TABLE deliveries (
    id              BLOB PRIMARY KEY,
    stripe_event_id TEXT NOT NULL UNIQUE,
    event_type      TEXT NOT NULL,
    event_created   INTEGER NOT NULL,
    -- What the event is about: one sync settles all that wait for the same object.
    object_id       TEXT,
    -- Whom it concerns: one customer's deliveries are worked in order.
    customer_id     TEXT,
    -- The body as it came.
    payload         BLOB NOT NULL,
    received_at     TEXT NOT NULL,
    state           TEXT NOT NULL CHECK (state IN ('received', 'working', 'done', 'ignored', 'failed', 'dead')),
    attempts        INTEGER NOT NULL,
    -- When it is due; while `working`, when the claim runs out.
    due_at          TEXT NOT NULL,
    settled_at      TEXT,
    reason          TEXT
) STRICT;
CREATE INDEX deliveries_due ON deliveries (due_at) WHERE state IN ('received', 'working', 'failed');
