-- What one commit counted and Lago does not have yet: a row for each commit, gone when all of it is there.
CREATE TABLE usage_to_forward (
    id            uuid PRIMARY KEY,
    -- The ids of the usage events, sixteen bytes each.
    usage_events  bytea NOT NULL,
    -- How many of them were sent.
    sent          bigint NOT NULL,
    attempts      bigint NOT NULL,
    due_at        timestamptz NOT NULL,
    -- Until when nobody else may send it.
    claimed_until timestamptz,
    -- Why it was not taken.
    reason        text
);
CREATE INDEX usage_to_forward_due ON usage_to_forward (due_at);
