-- One report of the application. No reference to `tenants`: the one transaction that inserts looks the
-- tenants up, all at once, and tenants are never deleted.
CREATE TABLE usage_events (
    id              uuid PRIMARY KEY,
    tenant_id       uuid NOT NULL,
    meter           text NOT NULL,
    -- The quantity is whole + trillionths / 10¹²: exact, and added up in SQL.
    whole           bigint NOT NULL,
    trillionths     bigint NOT NULL CHECK (trillionths BETWEEN 0 AND 999999999999),
    -- Of a `unique` meter: what was seen.
    value           text,
    -- The reporter's own, or the id where it gave none: never null, so that it is unique.
    idempotency_key text NOT NULL,
    occurred_at     timestamptz NOT NULL,
    received_at     timestamptz NOT NULL,
    -- The billing period it counts in; later than `occurred_at` where its own was closed.
    period_start    timestamptz NOT NULL,
    properties      jsonb,
    UNIQUE (tenant_id, idempotency_key)
);

-- What the reports of a meter come to, per hour, day, month, billing period, and the part of a billing
-- period that came too late for its own. Changed in the transaction of the events.
CREATE TABLE usage_rollups (
    tenant_id   uuid NOT NULL,
    per         text NOT NULL CHECK (per IN ('hour', 'day', 'month', 'period', 'adjustment')),
    starts_at   timestamptz NOT NULL,
    meter       text NOT NULL,
    events      bigint NOT NULL,
    whole       bigint NOT NULL,
    trillionths bigint NOT NULL CHECK (trillionths BETWEEN 0 AND 999999999999),
    -- Of a gauge: the report that says it.
    latest_at   timestamptz,
    latest_id   uuid,
    PRIMARY KEY (tenant_id, per, starts_at, meter)
) WITH (fillfactor = 70);

-- Of `unique` meters: what was seen in each window.
CREATE TABLE usage_values (
    tenant_id uuid NOT NULL,
    per       text NOT NULL,
    starts_at timestamptz NOT NULL,
    meter     text NOT NULL,
    value     text NOT NULL,
    PRIMARY KEY (tenant_id, per, starts_at, meter, value)
);
