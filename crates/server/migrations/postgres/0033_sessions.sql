-- Sessions of people's browsers. What their cookies hold is kept nowhere.
CREATE TABLE sessions (
    id       uuid PRIMARY KEY,
    -- SHA-256 of what the cookie holds.
    hash     bytea NOT NULL UNIQUE,
    subject  text NOT NULL,
    role     text NOT NULL,
    -- Their own tenant, as the token had it.
    tenant   text,
    began_at timestamptz NOT NULL,
    ends_at  timestamptz NOT NULL
);
CREATE INDEX sessions_ends_at ON sessions (ends_at);
