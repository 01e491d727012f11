-- The second wall between tenants: what a tenant's own people read is read under a role that is bound by these policies,
-- with the tenant in the setting `tollhouse.tenant` (`db/wall.rs`). The owner of the tables is bound by none, and where the
-- setting is empty they let everything through.
CREATE FUNCTION is_visible(owner uuid) RETURNS boolean LANGUAGE sql STABLE
    RETURN COALESCE(owner = NULLIF(current_setting('tollhouse.tenant', true), '')::uuid,
        COALESCE(current_setting('tollhouse.tenant', true), '') = '');

-- What names its tenant.
DO $$
DECLARE owned text;
BEGIN
    FOREACH owned IN ARRAY ARRAY[
        'audit_entries', 'checkouts', 'credit_accounts', 'credit_grants', 'credit_readings', 'event_counters', 'events',
        'invoices', 'meter_events', 'recurring_revenue', 'reservation_locks', 'reservations', 'slot_counters', 'slots',
        'subscriptions', 'usage_alerts', 'usage_billable', 'usage_events', 'usage_rollups', 'usage_values'
    ] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', owned);
        EXECUTE format('CREATE POLICY own ON %I USING (is_visible(tenant_id))', owned);
    END LOOP;
END $$;
ALTER TABLE tenants ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON tenants USING (is_visible(id));

-- What hangs on an invoice or a subscription is seen where that is.
DO $$
DECLARE part text;
BEGIN
    FOREACH part IN ARRAY ARRAY['invoice_lines', 'invoice_payments', 'refunds', 'credit_notes', 'disputes'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', part);
        EXECUTE format(
            'CREATE POLICY own ON %I USING (EXISTS (SELECT 1 FROM invoices WHERE invoices.id = invoice_id))', part);
    END LOOP;
END $$;
ALTER TABLE subscription_items ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON subscription_items
    USING (EXISTS (SELECT 1 FROM subscriptions WHERE subscriptions.id = subscription_id));
