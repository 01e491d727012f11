-- Keys for programs. The key itself is shown once and kept nowhere.
CREATE TABLE api_keys (
    id           BLOB PRIMARY KEY,
    -- The digits it is found by.
    prefix       TEXT NOT NULL UNIQUE,
    -- SHA-256 of the whole key.
    hash         BLOB NOT NULL,
    name         TEXT NOT NULL,
    scopes       TEXT NOT NULL CHECK (json_valid(scopes)),
    -- The only tenant it reaches; all of them where absent.
    tenant_id    BLOB REFERENCES tenants (id),
    created_by   TEXT NOT NULL,
    created_at   TEXT NOT NULL,
    expires_at   TEXT,
    revoked_at   TEXT,
    last_used_at TEXT
) STRICT;
CREATE INDEX api_keys_tenant ON api_keys (tenant_id) WHERE tenant_id IS NOT NULL;
