-- The invoices in one state that an operator pages through, newest first.
CREATE INDEX invoices_status ON invoices (status, id);
