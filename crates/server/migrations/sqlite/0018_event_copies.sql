-- Who copies the events to where, and how far it got.
CREATE TABLE event_copies (
    name       TEXT PRIMARY KEY,
    -- Every event up to this one was copied.
    position   INTEGER NOT NULL,
    -- Which process copies, until when. Another one raises the token: who shows an older one is too late.
    holder     BLOB,
    token      INTEGER NOT NULL,
    held_until TEXT NOT NULL
) STRICT;
INSERT INTO event_copies (name, position, token, held_until) VALUES ('redis', 0, 0, '1970-01-01T00:00:00.000000Z');
