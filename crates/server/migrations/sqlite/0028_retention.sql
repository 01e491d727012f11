-- One look at everything that is kept. At most one is under way, on the instance that holds its lease.
CREATE TABLE retention_runs (
    id           BLOB PRIMARY KEY,
    state        TEXT NOT NULL CHECK (state IN ('running', 'done')),
    -- Whether it only counts what would go.
    dry_run      INTEGER NOT NULL CHECK (dry_run IN (0, 1)),
    -- How many rows went, or would go, by table.
    removed      TEXT NOT NULL CHECK (json_valid(removed)),
    error        TEXT,
    -- Until when nobody else may work at it. Who takes it over raises the fence: the one before removes no more.
    leased_until TEXT NOT NULL,
    fence        INTEGER NOT NULL,
    started_at   TEXT NOT NULL,
    finished_at  TEXT
) STRICT;
CREATE UNIQUE INDEX retention_runs_running ON retention_runs (state) WHERE state = 'running';
