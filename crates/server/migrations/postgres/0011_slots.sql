-- A resource that holds a slot of a tier.
CREATE TABLE slots (
    id          uuid PRIMARY KEY,
    tenant_id   uuid NOT NULL REFERENCES tenants (id),
    tier        text NOT NULL,
    -- What the application calls the resource.
    resource_id text NOT NULL,
    claimed_by  text NOT NULL,
    claimed_at  timestamptz NOT NULL,
    UNIQUE (tenant_id, tier, resource_id)
);
CREATE INDEX slots_newest ON slots (tenant_id, id);

-- How many are held: changed in the transaction of the slot, and only while below the limit.
CREATE TABLE slot_counters (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    tier      text NOT NULL,
    used      bigint NOT NULL CHECK (used >= 0),
    PRIMARY KEY (tenant_id, tier)
);
