-- One row per event: who did what to which stream, when, why and because of what.
CREATE TABLE {schema}.audit_log (
    position bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    stream text NOT NULL,
    category text NOT NULL,
    version integer NOT NULL,
    event_type text NOT NULL,
    act text,
    details text,
    actor text NOT NULL,
    reason text,
    correlation_id text NOT NULL,
    causation_id text NOT NULL,
    run_id text,
    trace_id text,
    event_id uuid NOT NULL,
    CONSTRAINT audit_log_pkey PRIMARY KEY (position)
);

CREATE INDEX audit_log_stream ON {schema}.audit_log (stream, position);
CREATE INDEX audit_log_actor ON {schema}.audit_log (actor, position);
CREATE INDEX audit_log_event_type ON {schema}.audit_log (event_type, position);
CREATE INDEX audit_log_correlation ON {schema}.audit_log (correlation_id, position);
CREATE INDEX audit_log_trace ON {schema}.audit_log (trace_id) WHERE trace_id IS NOT NULL;
-- What came in and went out of late, for counting.
CREATE INDEX audit_log_turnover ON {schema}.audit_log (recorded_at, event_type)
    WHERE event_type IN ('OrderSubmitted', 'OrderCompleted', 'OrderCancelled');
CREATE INDEX audit_log_recorded_at ON {schema}.audit_log USING brin (recorded_at);
