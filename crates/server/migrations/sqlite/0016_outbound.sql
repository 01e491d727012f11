-- Events on their way to endpoints of the application.
-- How far a tenant's events were handed on to the lanes; behind `last` where there is something new.
ALTER TABLE event_counters ADD COLUMN relayed INTEGER NOT NULL DEFAULT 0;
UPDATE event_counters SET relayed = last;
CREATE INDEX event_counters_to_relay ON event_counters (tenant_id) WHERE relayed < last;

CREATE TABLE webhook_endpoints (
    id                    BLOB PRIMARY KEY,
    url                   TEXT NOT NULL,
    description           TEXT NOT NULL,
    -- A list of `*`, `invoice.*`, `invoice.paid`.
    enabled_events        TEXT NOT NULL CHECK (json_valid(enabled_events)),
    -- The only tenant whose events it is told of; every tenant's where null.
    tenant_id             BLOB REFERENCES tenants (id),
    -- What signs now, and the request that made it.
    secret                TEXT NOT NULL,
    secret_id             BLOB NOT NULL,
    -- What signs too, until then.
    previous_secret       TEXT,
    previous_secret_until TEXT,
    enabled               INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    disabled_at           TEXT,
    disabled_reason       TEXT,
    -- Since when every attempt failed; null after one that did not.
    failing_since         TEXT,
    created_at            TEXT NOT NULL,
    updated_at            TEXT NOT NULL
) STRICT;

-- One tenant's events on their way to one endpoint, in order. No foreign keys: a lane is written beside
-- changes of tenants and endpoints and must not wait for them; lanes of endpoints that are gone are swept.
CREATE TABLE outbound_lanes (
    endpoint_id           BLOB NOT NULL,
    tenant_id             BLOB NOT NULL,
    -- The last number that is settled, and the newest there is.
    sequence              INTEGER NOT NULL,
    newest                INTEGER NOT NULL,
    -- When the next event is to be sent; null where there is none.
    due_at                TEXT,
    -- A worker has it until then.
    claimed_until         TEXT,
    -- Of the next event: how often it failed, and since when.
    attempts              INTEGER NOT NULL,
    failing_since         TEXT,
    PRIMARY KEY (endpoint_id, tenant_id)
) STRICT;
CREATE INDEX outbound_lanes_due ON outbound_lanes (endpoint_id, due_at) WHERE due_at IS NOT NULL;

-- What became of each event at each endpoint. Kept for a while after the last attempt.
CREATE TABLE outbound_deliveries (
    endpoint_id           BLOB NOT NULL,
    event_id              BLOB NOT NULL,
    tenant_id             BLOB NOT NULL,
    sequence              INTEGER NOT NULL,
    event_type            TEXT NOT NULL,
    state                 TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'dead')),
    attempts              INTEGER NOT NULL,
    -- Of the last attempt: HTTP's status where there was an answer, what was wrong, how long it took.
    status                INTEGER,
    reason                TEXT,
    duration_ms           INTEGER NOT NULL,
    first_attempt_at      TEXT NOT NULL,
    last_attempt_at       TEXT NOT NULL,
    -- While pending.
    next_attempt_at       TEXT,
    PRIMARY KEY (endpoint_id, event_id)
) STRICT;
CREATE INDEX outbound_deliveries_tenant ON outbound_deliveries (endpoint_id, tenant_id, event_id);
CREATE INDEX outbound_deliveries_undelivered ON outbound_deliveries (endpoint_id, event_id) WHERE state <> 'delivered';
CREATE INDEX outbound_deliveries_age ON outbound_deliveries (last_attempt_at);
