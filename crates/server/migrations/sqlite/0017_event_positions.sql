-- One order of all tenants' events: given after the commit, by one at a time. NULL until then.
ALTER TABLE events ADD COLUMN position INTEGER;

-- One row: whoever gives positions holds it until the commit.
CREATE TABLE event_positions (
    id   INTEGER PRIMARY KEY CHECK (id = 1),
    last INTEGER NOT NULL
) STRICT;

-- What happened before, in the order of time as far as each tenant's own order allows.
UPDATE events SET position = placed.place
FROM (
    SELECT tenant_id, sequence, ROW_NUMBER() OVER (ORDER BY latest, tenant_id, sequence) AS place
    FROM (
        SELECT tenant_id, sequence, MAX(occurred_at) OVER (PARTITION BY tenant_id ORDER BY sequence) AS latest
        FROM events
    ) AS timed
) AS placed
WHERE events.tenant_id = placed.tenant_id AND events.sequence = placed.sequence;
INSERT INTO event_positions (id, last) SELECT 1, COUNT(*) FROM events;

CREATE UNIQUE INDEX events_position ON events (position);
CREATE INDEX events_unplaced ON events (tenant_id, sequence) WHERE position IS NULL;
