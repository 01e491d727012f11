-- The last number given; taken in the transaction of the event, so that numbers have no gaps.
CREATE TABLE event_counters (
    tenant_id BLOB PRIMARY KEY REFERENCES tenants (id),
    last      INTEGER NOT NULL
) STRICT;

CREATE TABLE events (
    tenant_id    BLOB NOT NULL REFERENCES tenants (id),
    sequence     INTEGER NOT NULL,
    id           BLOB NOT NULL UNIQUE,
    type         TEXT NOT NULL,
    occurred_at  TEXT NOT NULL,
    summary      TEXT NOT NULL,
    subject_kind TEXT NOT NULL,
    subject_id   TEXT NOT NULL,
    data         TEXT NOT NULL CHECK (json_valid(data)),
    PRIMARY KEY (tenant_id, sequence)
) STRICT;

CREATE TABLE audit_entries (
    id           BLOB PRIMARY KEY,
    tenant_id    BLOB REFERENCES tenants (id),
    action       TEXT NOT NULL,
    actor_kind   TEXT NOT NULL,
    actor        TEXT NOT NULL,
    request_id   TEXT,
    subject_kind TEXT NOT NULL,
    subject_id   TEXT NOT NULL,
    data         TEXT NOT NULL CHECK (json_valid(data)),
    occurred_at  TEXT NOT NULL
) STRICT;
CREATE INDEX audit_entries_tenant ON audit_entries (tenant_id, id);
