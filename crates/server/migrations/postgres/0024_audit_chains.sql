-- Where an entry stands in the chain of its tenant, or of the platform; none until it is sealed.
ALTER TABLE audit_entries ADD COLUMN number bigint;
-- SHA-256 over the entry and the hash before it.
ALTER TABLE audit_entries ADD COLUMN hash bytea;
-- Where the request came from; none where nobody asked.
ALTER TABLE audit_entries ADD COLUMN address text;
CREATE INDEX audit_entries_unsealed ON audit_entries (id) WHERE number IS NULL;
CREATE INDEX audit_entries_sealed ON audit_entries (tenant_id, number) WHERE number IS NOT NULL;

-- A chain of entries. The platform's has the UUID that is all zeros; whoever seals holds that row.
CREATE TABLE audit_chains (
    id          uuid PRIMARY KEY,
    -- The newest sealed entry.
    last_number bigint NOT NULL,
    last_hash   bytea NOT NULL
);
INSERT INTO audit_chains (id, last_number, last_hash) VALUES ('00000000-0000-0000-0000-000000000000', 0, '');

-- What was done stays as it was written.
CREATE FUNCTION refuse_to_change_audit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'an audit entry never changes'; END $$;
CREATE TRIGGER audit_entries_stay BEFORE UPDATE OF id, tenant_id, action, actor_kind, actor, request_id, subject_kind, subject_id, data, occurred_at, address ON audit_entries
    FOR EACH ROW EXECUTE FUNCTION refuse_to_change_audit();
CREATE TRIGGER audit_seals_stay BEFORE UPDATE OF number, hash ON audit_entries
    FOR EACH ROW WHEN (OLD.number IS NOT NULL) EXECUTE FUNCTION refuse_to_change_audit();
