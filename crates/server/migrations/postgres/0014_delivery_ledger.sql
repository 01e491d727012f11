-- What came with a delivery beside its body, how long it was worked, and what people look it up by.
ALTER TABLE deliveries ADD COLUMN signed_at timestamptz;
-- The version the event's object is written in; thin notifications have none.
ALTER TABLE deliveries ADD COLUMN api_version text;
ALTER TABLE deliveries ADD COLUMN user_agent text;
-- All attempts together, in milliseconds.
ALTER TABLE deliveries ADD COLUMN worked_ms bigint NOT NULL DEFAULT 0;
CREATE INDEX deliveries_state ON deliveries (state, id);
CREATE INDEX deliveries_type ON deliveries (event_type, state, id);
CREATE INDEX deliveries_object ON deliveries (object_id, id);
