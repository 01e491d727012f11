-- One report of the application. No reference to `tenants`: the one transaction that inserts looks the
-- tenants up, all at once, and tenants are never deleted.
CREATE TABLE usage_events (
    id              BLOB PRIMARY KEY,
    tenant_id       BLOB NOT NULL,
    meter           TEXT NOT NULL,
    -- The quantity is whole + trillionths / 10¹²: exact, and added up in SQL.
    whole           INTEGER NOT NULL,
    trillionths     INTEGER NOT NULL CHECK (trillionths BETWEEN 0 AND 999999999999),
    -- Of a `unique` meter: what was seen.
    value           TEXT,
    -- The reporter's own, or the id where it gave none: never null, so that it is unique.
    idempotency_key TEXT NOT NULL,
    occurred_at     TEXT NOT NULL,
    received_at     TEXT NOT NULL,
    -- The billing period it counts in; later than `occurred_at` where its own was closed.
    period_start    TEXT NOT NULL,
    properties      TEXT CHECK (properties IS NULL OR json_valid(properties)),
    UNIQUE (tenant_id, idempotency_key)
) STRICT;

-- What the reports of a meter come to, per hour, day, month, billing period, and the part of a billing
-- period that came too late for its own. Changed in the transaction of the events.
CREATE TABLE usage_rollups (
    tenant_id   BLOB NOT NULL,
    per         TEXT NOT NULL CHECK (per IN ('hour', 'day', 'month', 'period', 'adjustment')),
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

-- Of `unique` meters: what was seen in each window.
CREATE TABLE usage_values (
    tenant_id BLOB NOT NULL,
    per       TEXT NOT NULL,
    starts_at TEXT NOT NULL,
    meter     TEXT NOT NULL,
    value     TEXT NOT NULL,
    PRIMARY KEY (tenant_id, per, starts_at, meter, value)
) STRICT, WITHOUT ROWID;
