-- Wakes the readers of the feed; never called inside an append, because NOTIFY takes a lock of the
-- whole cluster across its commit. A poke that is lost in a crash costs one polling interval.
CREATE FUNCTION eventstore.poke() RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    PERFORM pg_notify('eventstore_appended', '');
END
$$;
