-- When providers failed. Each process of workers reports what it sees; the first one that sees a
-- provider fail begins the incident, and any one ends it.
CREATE SCHEMA incidents;

-- One row for each incident, and at most one that has not ended of a provider. `id` is also that of
-- its notification.
CREATE TABLE incidents.incidents (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    provider text NOT NULL,
    begun_at timestamptz NOT NULL,
    ended_at timestamptz,
    failure text NOT NULL,
    access_refused boolean NOT NULL,
    most_waiting integer NOT NULL,
    CONSTRAINT incidents_pkey PRIMARY KEY (id)
);

CREATE UNIQUE INDEX incidents_open ON incidents.incidents (provider) WHERE ended_at IS NULL;
CREATE INDEX incidents_begun ON incidents.incidents (begun_at);

-- How a process last saw a provider: while there is an incident every few seconds, otherwise twice
-- a minute. `name` is the process for people; `failing_since` is null while calls pass.
CREATE TABLE incidents.reports (
    provider text NOT NULL,
    process uuid NOT NULL,
    name text NOT NULL,
    failing_since timestamptz,
    access_refused boolean NOT NULL,
    failure text NOT NULL,
    failed_at timestamptz,
    worked_at timestamptz,
    works_since timestamptz,
    waiting integer NOT NULL,
    reported_at timestamptz NOT NULL,
    CONSTRAINT reports_pkey PRIMARY KEY (provider, process)
);
