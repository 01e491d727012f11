-- Keys for programs. The key itself is shown once and kept nowhere.
CREATE TABLE api_keys (
    id           uuid PRIMARY KEY,
    -- The digits it is found by.
    prefix       text NOT NULL UNIQUE,
    -- SHA-256 of the whole key.
    hash         bytea NOT NULL,
    name         text NOT NULL,
    scopes       jsonb NOT NULL,
    -- The only tenant it reaches; all of them where absent.
    tenant_id    uuid REFERENCES tenants (id),
    created_by   text NOT NULL,
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz,
    revoked_at   timestamptz,
    last_used_at timestamptz
);
CREATE INDEX api_keys_tenant ON api_keys (tenant_id) WHERE tenant_id IS NOT NULL;
