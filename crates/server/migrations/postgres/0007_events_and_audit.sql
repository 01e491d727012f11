-- The last number given; taken in the transaction of the event, so that numbers have no gaps.
CREATE TABLE event_counters (
    tenant_id uuid PRIMARY KEY REFERENCES tenants (id),
    last      bigint NOT NULL
);

CREATE TABLE events (
    tenant_id    uuid NOT NULL REFERENCES tenants (id),
    sequence     bigint NOT NULL,
    id           uuid NOT NULL UNIQUE,
    type         text NOT NULL,
    occurred_at  timestamptz NOT NULL,
    summary      text NOT NULL,
    subject_kind text NOT NULL,
    subject_id   text NOT NULL,
    data         jsonb NOT NULL,
    PRIMARY KEY (tenant_id, sequence)
);

CREATE TABLE audit_entries (
    id           uuid PRIMARY KEY,
    tenant_id    uuid REFERENCES tenants (id),
    action       text NOT NULL,
    actor_kind   text NOT NULL,
    actor        text NOT NULL,
    request_id   text,
    subject_kind text NOT NULL,
    subject_id   text NOT NULL,
    data         jsonb NOT NULL,
    occurred_at  timestamptz NOT NULL
);
CREATE INDEX audit_entries_tenant ON audit_entries (tenant_id, id);
