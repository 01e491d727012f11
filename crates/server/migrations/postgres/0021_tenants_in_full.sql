-- What an operator says of a tenant, how it came to stand as it does, and what Stripe is still to be told.
ALTER TABLE tenants ADD COLUMN phone text;
-- Why and since when it stands as it does. Of a terminated one: when its retention began.
ALTER TABLE tenants ADD COLUMN status_reason text;
ALTER TABLE tenants ADD COLUMN status_since timestamptz;
-- How its people sign in at the application: OIDC or SAML, as the operator gave it.
ALTER TABLE tenants ADD COLUMN sso jsonb;
-- Features and limits that are its own, whatever its plan says.
ALTER TABLE tenants ADD COLUMN overrides jsonb;
-- How long what is personal is kept, where that is its own.
ALTER TABLE tenants ADD COLUMN retention jsonb;
-- The plan it was created with, and whether that was begun.
ALTER TABLE tenants ADD COLUMN opening jsonb;
ALTER TABLE tenants ADD COLUMN opened boolean NOT NULL DEFAULT FALSE;
-- Name and addresses in small letters, for those who look for it.
ALTER TABLE tenants ADD COLUMN search_text text NOT NULL DEFAULT '';
UPDATE tenants SET search_text = lower(name || ' ' || contact_email || ' ' || coalesce(billing_email, ''));
-- When Stripe is next to be made to follow; none where it does. How often that was asked for, and tried.
ALTER TABLE tenants ADD COLUMN settle_at timestamptz;
ALTER TABLE tenants ADD COLUMN settle_asked bigint NOT NULL DEFAULT 0;
ALTER TABLE tenants ADD COLUMN settle_attempts bigint NOT NULL DEFAULT 0;
-- Until when one instance has it in hand.
ALTER TABLE tenants ADD COLUMN settle_claimed_until timestamptz;
CREATE INDEX tenants_settle ON tenants (settle_at) WHERE settle_at IS NOT NULL;
