-- Plans, by code and version: a version in use never changes its terms.
CREATE TABLE plans (
    code        text NOT NULL,
    version     bigint NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('base', 'addon')),
    name        text NOT NULL,
    tier        text NOT NULL,
    -- The plan as the catalog file has it.
    definition  jsonb NOT NULL,
    -- Whether it is sold now; older versions stay for those who have them.
    current     boolean NOT NULL,
    loaded_at   timestamptz NOT NULL,
    PRIMARY KEY (code, version)
);

CREATE TABLE prices (
    lookup_key      text PRIMARY KEY,
    plan_code       text NOT NULL,
    plan_version    bigint NOT NULL,
    interval        text NOT NULL CHECK (interval IN ('day', 'week', 'month', 'year')),
    interval_count  bigint NOT NULL CHECK (interval_count > 0),
    currency        text NOT NULL,
    -- The price as the catalog file has it.
    definition      jsonb NOT NULL,
    -- Its place in the plan.
    position        bigint NOT NULL,
    -- Whether it is sold now; who bought it before keeps it.
    sold            boolean NOT NULL,
    stripe_price_id text UNIQUE,
    FOREIGN KEY (plan_code, plan_version) REFERENCES plans (code, version)
);
CREATE INDEX prices_plan ON prices (plan_code, plan_version);

CREATE TABLE meters (
    code            text PRIMARY KEY,
    definition      jsonb NOT NULL,
    stripe_meter_id text UNIQUE
);
