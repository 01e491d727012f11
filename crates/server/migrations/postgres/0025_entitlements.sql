-- Roll-ups of a minute, too: for limits per minute, and only for as long as somebody may ask for them.
ALTER TABLE usage_rollups DROP CONSTRAINT usage_rollups_per_check;
ALTER TABLE usage_rollups ADD CONSTRAINT usage_rollups_per_check
    CHECK (per IN ('minute', 'hour', 'day', 'month', 'period', 'adjustment'));
CREATE INDEX usage_rollups_minutes ON usage_rollups (starts_at) WHERE per = 'minute';
CREATE INDEX usage_values_minutes ON usage_values (starts_at) WHERE per = 'minute';

-- A quantity of a meter that is promised to somebody until a moment. It counts against limits while it is
-- `held` and that moment has not come.
CREATE TABLE reservations (
    id                  uuid PRIMARY KEY,
    tenant_id           uuid NOT NULL REFERENCES tenants (id),
    meter               text NOT NULL,
    whole               bigint NOT NULL,
    trillionths         bigint NOT NULL CHECK (trillionths BETWEEN 0 AND 999999999999),
    created_by          text NOT NULL,
    created_at          timestamptz NOT NULL,
    expires_at          timestamptz NOT NULL,
    state               text NOT NULL CHECK (state IN ('held', 'settled', 'released')),
    -- What was used of it in the end.
    settled_whole       bigint,
    settled_trillionths bigint,
    ended_at            timestamptz
);
CREATE INDEX reservations_held ON reservations (tenant_id, meter, expires_at) WHERE state = 'held';
CREATE INDEX reservations_expiry ON reservations (expires_at);

-- Whoever reserves of a meter of a tenant holds its row until the commit: those who ask follow each other.
CREATE TABLE reservation_locks (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    meter     text NOT NULL,
    PRIMARY KEY (tenant_id, meter)
);
