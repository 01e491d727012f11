-- Plans, by code and version: a version in use never changes its terms.
CREATE TABLE plans (
    code        TEXT NOT NULL,
    version     INTEGER NOT NULL,
    kind        TEXT NOT NULL CHECK (kind IN ('base', 'addon')),
    name        TEXT NOT NULL,
    tier        TEXT NOT NULL,
    -- The plan as the catalog file has it.
    definition  TEXT NOT NULL CHECK (json_valid(definition)),
    -- Whether it is sold now; older versions stay for those who have them.
    current     INTEGER NOT NULL CHECK (current IN (0, 1)),
    loaded_at   TEXT NOT NULL,
    PRIMARY KEY (code, version)
) STRICT;

CREATE TABLE prices (
    lookup_key      TEXT PRIMARY KEY,
    plan_code       TEXT NOT NULL,
    plan_version    INTEGER NOT NULL,
    interval        TEXT NOT NULL CHECK (interval IN ('day', 'week', 'month', 'year')),
    interval_count  INTEGER NOT NULL CHECK (interval_count > 0),
    currency        TEXT NOT NULL,
    -- The price as the catalog file has it.
    definition      TEXT NOT NULL CHECK (json_valid(definition)),
    -- Its place in the plan.
    position        INTEGER NOT NULL,
    -- Whether it is sold now; who bought it before keeps it.
    sold            INTEGER NOT NULL CHECK (sold IN (0, 1)),
    stripe_price_id TEXT UNIQUE,
    FOREIGN KEY (plan_code, plan_version) REFERENCES plans (code, version)
) STRICT;
CREATE INDEX prices_plan ON prices (plan_code, plan_version);

CREATE TABLE meters (
    code            TEXT PRIMARY KEY,
    definition      TEXT NOT NULL CHECK (json_valid(definition)),
    stripe_meter_id TEXT UNIQUE
) STRICT;
