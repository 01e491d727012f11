-- What one commit counted and Lago does not have yet: a row for each commit, gone when all of it is there.
CREATE TABLE usage_to_forward (
    id            BLOB PRIMARY KEY,
    -- The ids of the usage events, sixteen bytes each.
    usage_events  BLOB NOT NULL,
    -- How many of them were sent.
    sent          INTEGER NOT NULL,
    attempts      INTEGER NOT NULL,
    due_at        TEXT NOT NULL,
    -- Until when nobody else may send it.
    claimed_until TEXT,
    -- Why it was not taken.
    reason        TEXT
) STRICT;
CREATE INDEX usage_to_forward_due ON usage_to_forward (due_at);
