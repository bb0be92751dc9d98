-- Places in the feed. CACHE 1: with a larger cache a backend would hand out positions below
-- those that others have drawn since, and the feed's watermark would be wrong. The upper 16 bits
-- of a bigint are left to the tag of the watermark lock.
CREATE SEQUENCE eventstore.positions
    AS bigint MINVALUE 0 MAXVALUE 281474976710655 START WITH 1 CACHE 1 NO CYCLE;
