-- What the watchdog sees: observations, not events. Each look replaces them.
CREATE SCHEMA watchdog;

-- One row for each finding that still holds. `subject` is a workflow id or a task queue; `id` is
-- also that of its notification, and a finding that comes back gets a new one.
CREATE TABLE watchdog.findings (
    kind text NOT NULL,
    subject text NOT NULL,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    order_id text,
    run_id text,
    detail text NOT NULL,
    action text NOT NULL,
    first_seen timestamptz NOT NULL DEFAULT now(),
    last_seen timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT findings_pkey PRIMARY KEY (kind, subject)
);

CREATE INDEX findings_order ON watchdog.findings (order_id) WHERE order_id IS NOT NULL;
CREATE INDEX findings_last_seen ON watchdog.findings (last_seen);

-- One row: the watchdog that looks now, until when the others leave it to that one, when a look
-- last ended, and what that look could not rely on.
CREATE TABLE watchdog.watch (
    only_one boolean NOT NULL DEFAULT true,
    holder uuid NOT NULL,
    held_until timestamptz NOT NULL,
    looked_at timestamptz,
    remark text,
    CONSTRAINT watch_pkey PRIMARY KEY (only_one),
    CONSTRAINT watch_is_one_row CHECK (only_one)
);
