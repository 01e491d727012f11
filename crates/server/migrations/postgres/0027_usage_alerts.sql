-- Somebody is to be told when so much of a meter is used.
CREATE TABLE usage_alerts (
    id          uuid PRIMARY KEY,
    tenant_id   uuid NOT NULL REFERENCES tenants (id),
    meter       text NOT NULL,
    per         text NOT NULL CHECK (per IN ('day', 'month', 'period', 'gauge')),
    -- Of the tenant's limit of that meter and time; or a quantity.
    percent     bigint,
    whole       bigint,
    trillionths bigint CHECK (trillionths BETWEEN 0 AND 999999999999),
    created_by  text NOT NULL,
    created_at  timestamptz NOT NULL,
    -- The window that was looked at last: it is looked at once more when the next one begins.
    watched     timestamptz,
    -- The newest window in which it was told; of a gauge, when, until it is below again.
    told        timestamptz,
    CHECK ((percent IS NULL) <> (whole IS NULL)),
    CHECK ((whole IS NULL) = (trillionths IS NULL))
);
CREATE INDEX usage_alerts_tenant ON usage_alerts (tenant_id, id);
