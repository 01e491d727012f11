-- One look at everything that is kept. At most one is under way, on the instance that holds its lease.
CREATE TABLE retention_runs (
    id           uuid PRIMARY KEY,
    state        text NOT NULL CHECK (state IN ('running', 'done')),
    -- Whether it only counts what would go.
    dry_run      boolean NOT NULL,
    -- How many rows went, or would go, by table.
    removed      jsonb NOT NULL,
    error        text,
    -- Until when nobody else may work at it. Who takes it over raises the fence: the one before removes no more.
    leased_until timestamptz NOT NULL,
    fence        bigint NOT NULL,
    started_at   timestamptz NOT NULL,
    finished_at  timestamptz
);
CREATE UNIQUE INDEX retention_runs_running ON retention_runs (state) WHERE state = 'running';
