-- Events on their way to endpoints of the application.
-- How far a tenant's events were handed on to the lanes; behind `last` where there is something new.
ALTER TABLE event_counters ADD COLUMN relayed bigint NOT NULL DEFAULT 0;
UPDATE event_counters SET relayed = last;
CREATE INDEX event_counters_to_relay ON event_counters (tenant_id) WHERE relayed < last;

CREATE TABLE webhook_endpoints (
    id                    uuid PRIMARY KEY,
    url                   text NOT NULL,
    description           text NOT NULL,
    -- A list of `*`, `invoice.*`, `invoice.paid`.
    enabled_events        jsonb NOT NULL,
    -- The only tenant whose events it is told of; every tenant's where null.
    tenant_id             uuid REFERENCES tenants (id),
    -- What signs now, and the request that made it.
    secret                text NOT NULL,
    secret_id             uuid NOT NULL,
    -- What signs too, until then.
    previous_secret       text,
    previous_secret_until timestamptz,
    enabled               boolean NOT NULL,
    disabled_at           timestamptz,
    disabled_reason       text,
    -- Since when every attempt failed; null after one that did not.
    failing_since         timestamptz,
    created_at            timestamptz NOT NULL,
    updated_at            timestamptz NOT NULL
);

-- One tenant's events on their way to one endpoint, in order. No foreign keys: a lane is written beside
-- changes of tenants and endpoints and must not wait for them; lanes of endpoints that are gone are swept.
CREATE TABLE outbound_lanes (
    endpoint_id           uuid NOT NULL,
    tenant_id             uuid NOT NULL,
    -- The last number that is settled, and the newest there is.
    sequence              bigint NOT NULL,
    newest                bigint NOT NULL,
    -- When the next event is to be sent; null where there is none.
    due_at                timestamptz,
    -- A worker has it until then.
    claimed_until         timestamptz,
    -- Of the next event: how often it failed, and since when.
    attempts              bigint NOT NULL,
    failing_since         timestamptz,
    PRIMARY KEY (endpoint_id, tenant_id)
);
CREATE INDEX outbound_lanes_due ON outbound_lanes (endpoint_id, due_at) WHERE due_at IS NOT NULL;

-- What became of each event at each endpoint. Kept for a while after the last attempt.
CREATE TABLE outbound_deliveries (
    endpoint_id           uuid NOT NULL,
    event_id              uuid NOT NULL,
    tenant_id             uuid NOT NULL,
    sequence              bigint NOT NULL,
    event_type            text NOT NULL,
    state                 text NOT NULL CHECK (state IN ('pending', 'delivered', 'dead')),
    attempts              bigint NOT NULL,
    -- Of the last attempt: HTTP's status where there was an answer, what was wrong, how long it took.
    status                bigint,
    reason                text,
    duration_ms           bigint NOT NULL,
    first_attempt_at      timestamptz NOT NULL,
    last_attempt_at       timestamptz NOT NULL,
    -- While pending.
    next_attempt_at       timestamptz,
    PRIMARY KEY (endpoint_id, event_id)
);
CREATE INDEX outbound_deliveries_tenant ON outbound_deliveries (endpoint_id, tenant_id, event_id);
CREATE INDEX outbound_deliveries_undelivered ON outbound_deliveries (endpoint_id, event_id) WHERE state <> 'delivered';
CREATE INDEX outbound_deliveries_age ON outbound_deliveries (last_attempt_at);
