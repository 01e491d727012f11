-- Roll-ups of a minute, too: for limits per minute, and only for as long as somebody may ask for them.
ALTER TABLE usage_rollups RENAME TO usage_rollups_before;
CREATE TABLE usage_rollups (
    tenant_id   BLOB NOT NULL,
    per         TEXT NOT NULL CHECK (per IN ('minute', 'hour', 'day', 'month', 'period', 'adjustment')),
    starts_at   TEXT NOT NULL,
    meter       TEXT NOT NULL,
    events      INTEGER NOT NULL,
    whole       INTEGER NOT NULL,
    trillionths INTEGER NOT NULL CHECK (trillionths BETWEEN 0 AND 999999999999),
    -- Of a gauge: the report that says it.
    latest_at   TEXT,
    latest_id   BLOB,
    PRIMARY KEY (tenant_id, per, starts_at, meter)
) STRICT, WITHOUT ROWID;
INSERT INTO usage_rollups (tenant_id, per, starts_at, meter, events, whole, trillionths, latest_at, latest_id)
SELECT tenant_id, per, starts_at, meter, events, whole, trillionths, latest_at, latest_id
FROM usage_rollups_before;
DROP TABLE usage_rollups_before;
CREATE INDEX usage_rollups_minutes ON usage_rollups (starts_at) WHERE per = 'minute';
CREATE INDEX usage_values_minutes ON usage_values (starts_at) WHERE per = 'minute';

-- A quantity of a meter that is promised to somebody until a moment. It counts against limits while it is
-- `held` and that moment has not come.
CREATE TABLE reservations (
    id                  BLOB PRIMARY KEY,
    tenant_id           BLOB NOT NULL REFERENCES tenants (id),
    meter               TEXT NOT NULL,
    whole               INTEGER NOT NULL,
    trillionths         INTEGER NOT NULL CHECK (trillionths BETWEEN 0 AND 999999999999),
    created_by          TEXT NOT NULL,
    created_at          TEXT NOT NULL,
    expires_at          TEXT NOT NULL,
    state               TEXT NOT NULL CHECK (state IN ('held', 'settled', 'released')),
    -- What was used of it in the end.
    settled_whole       INTEGER,
    settled_trillionths INTEGER,
    ended_at            TEXT
) STRICT;
CREATE INDEX reservations_held ON reservations (tenant_id, meter, expires_at) WHERE state = 'held';
CREATE INDEX reservations_expiry ON reservations (expires_at);

-- Whoever reserves of a meter of a tenant holds its row until the commit: those who ask follow each other.
CREATE TABLE reservation_locks (
    tenant_id BLOB NOT NULL REFERENCES tenants (id),
    meter     TEXT NOT NULL,
    PRIMARY KEY (tenant_id, meter)
) STRICT, WITHOUT ROWID;
