-- Where an entry stands in the chain of its tenant, or of the platform; none until it is sealed.
ALTER TABLE audit_entries ADD COLUMN number INTEGER;
-- SHA-256 over the entry and the hash before it.
ALTER TABLE audit_entries ADD COLUMN hash BLOB;
-- Where the request came from; none where nobody asked.
ALTER TABLE audit_entries ADD COLUMN address TEXT;
CREATE INDEX audit_entries_unsealed ON audit_entries (id) WHERE number IS NULL;
CREATE INDEX audit_entries_sealed ON audit_entries (tenant_id, number) WHERE number IS NOT NULL;

-- A chain of entries. The platform's has the UUID that is all zeros; whoever seals holds that row.
CREATE TABLE audit_chains (
    id          BLOB PRIMARY KEY,
    -- The newest sealed entry.
    last_number INTEGER NOT NULL,
    last_hash   BLOB NOT NULL
) STRICT;
INSERT INTO audit_chains (id, last_number, last_hash) VALUES (zeroblob(16), 0, x'');

-- What was done stays as it was written.
CREATE TRIGGER audit_entries_stay BEFORE UPDATE OF id, tenant_id, action, actor_kind, actor, request_id, subject_kind, subject_id, data, occurred_at, address ON audit_entries
BEGIN SELECT RAISE(ABORT, 'an audit entry never changes'); END;
CREATE TRIGGER audit_seals_stay BEFORE UPDATE OF number, hash ON audit_entries WHEN OLD.number IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'a sealed audit entry never changes'); END;
