-- Sessions of people's browsers. What their cookies hold is kept nowhere.
CREATE TABLE sessions (
    id       BLOB PRIMARY KEY,
    -- SHA-256 of what the cookie holds.
    hash     BLOB NOT NULL UNIQUE,
    subject  TEXT NOT NULL,
    role     TEXT NOT NULL,
    -- Their own tenant, as the token had it.
    tenant   TEXT,
    began_at TEXT NOT NULL,
    ends_at  TEXT NOT NULL
) STRICT;
CREATE INDEX sessions_ends_at ON sessions (ends_at);
