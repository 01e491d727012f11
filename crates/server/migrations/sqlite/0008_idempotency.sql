CREATE TABLE idempotency_keys (
    -- Who asked, and at which route.
    scope        TEXT NOT NULL,
    key          TEXT NOT NULL,
    request_hash TEXT NOT NULL,
    -- The id the work bears at every attempt: the same intention reaches Stripe under the same key.
    work_id      BLOB NOT NULL,
    -- While the first request runs; after that another attempt may take over.
    locked_until TEXT NOT NULL,
    -- The answer, once there is one.
    status       INTEGER,
    body         BLOB,
    created_at   TEXT NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT;
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);
