CREATE TABLE idempotency_keys (
    -- Who asked, and at which route.
    scope        text NOT NULL,
    key          text NOT NULL,
    request_hash text NOT NULL,
    -- The id the work bears at every attempt: the same intention reaches Stripe under the same key.
    work_id      uuid NOT NULL,
    -- While the first request runs; after that another attempt may take over.
    locked_until timestamptz NOT NULL,
    -- The answer, once there is one.
    status       bigint,
    body         bytea,
    created_at   timestamptz NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);
