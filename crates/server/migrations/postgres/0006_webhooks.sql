CREATE TABLE deliveries (
    id              uuid PRIMARY KEY,
    stripe_event_id text NOT NULL UNIQUE,
    event_type      text NOT NULL,
    event_created   bigint NOT NULL,
    -- What the event is about: one sync settles all that wait for the same object.
    object_id       text,
    -- Whom it concerns: one customer's deliveries are worked in order.
    customer_id     text,
    -- The body as it came.
    payload         bytea NOT NULL,
    received_at     timestamptz NOT NULL,
    state           text NOT NULL CHECK (state IN ('received', 'working', 'done', 'ignored', 'failed', 'dead')),
    attempts        bigint NOT NULL,
    -- When it is due; while `working`, when the claim runs out.
    due_at          timestamptz NOT NULL,
    settled_at      timestamptz,
    reason          text
);
CREATE INDEX deliveries_due ON deliveries (due_at) WHERE state IN ('received', 'working', 'failed');
