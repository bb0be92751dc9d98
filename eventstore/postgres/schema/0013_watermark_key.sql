-- The key of the watermark lock: a tag in the upper 16 bits, below it the position. Advisory locks
-- for other purposes in this database use the two-integer form or another tag.
CREATE FUNCTION eventstore.watermark_key(place bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (x'4553'::bigint << 48) | place;
