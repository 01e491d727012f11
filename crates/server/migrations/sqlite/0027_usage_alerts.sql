-- Somebody is to be told when so much of a meter is used.
CREATE TABLE usage_alerts (
    id          BLOB PRIMARY KEY,
    tenant_id   BLOB NOT NULL REFERENCES tenants (id),
    meter       TEXT NOT NULL,
    per         TEXT NOT NULL CHECK (per IN ('day', 'month', 'period', 'gauge')),
    -- Of the tenant's limit of that meter and time; or a quantity.
    percent     INTEGER,
    whole       INTEGER,
    trillionths INTEGER CHECK (trillionths BETWEEN 0 AND 999999999999),
    created_by  TEXT NOT NULL,
    created_at  TEXT NOT NULL,
    -- The window that was looked at last: it is looked at once more when the next one begins.
    watched     TEXT,
    -- The newest window in which it was told; of a gauge, when, until it is below again.
    told        TEXT,
    CHECK ((percent IS NULL) <> (whole IS NULL)),
    CHECK ((whole IS NULL) = (trillionths IS NULL))
) STRICT;
CREATE INDEX usage_alerts_tenant ON usage_alerts (tenant_id, id);
