-- The second step, once all ids are noted: says where the table as it is will end. Far enough ahead
-- that appends do not reach it before the last step. Holds appends up for a moment; the proof that
-- all rows comply (VALIDATE CONSTRAINT) is a statement of its own, which holds up nobody.
CREATE FUNCTION eventstore.bound_events() RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    ends bigint;
BEGIN
    -- Proving reads some million rows a second: a twentieth of them is more than what comes in.
    SELECT ((pos.last_value + pos.last_value / 20) / p.size + 2) * p.size INTO STRICT ends
    FROM eventstore.positions AS pos, eventstore.partitioning AS p;
    UPDATE eventstore.partitioning SET border = ends;
    ALTER TABLE eventstore.events DROP CONSTRAINT IF EXISTS events_border_check;
    EXECUTE format(
        'ALTER TABLE eventstore.events ADD CONSTRAINT events_border_check'
        ' CHECK (position < %s) NOT VALID', ends);
END
$$;
