-- A resource that holds a slot of a tier.
CREATE TABLE slots (
    id          BLOB PRIMARY KEY,
    tenant_id   BLOB NOT NULL REFERENCES tenants (id),
    tier        TEXT NOT NULL,
    -- What the application calls the resource.
    resource_id TEXT NOT NULL,
    claimed_by  TEXT NOT NULL,
    claimed_at  TEXT NOT NULL,
    UNIQUE (tenant_id, tier, resource_id)
) STRICT;
CREATE INDEX slots_newest ON slots (tenant_id, id);

-- How many are held: changed in the transaction of the slot, and only while below the limit.
CREATE TABLE slot_counters (
    tenant_id BLOB NOT NULL REFERENCES tenants (id),
    tier      TEXT NOT NULL,
    used      INTEGER NOT NULL CHECK (used >= 0),
    PRIMARY KEY (tenant_id, tier)
) STRICT;
