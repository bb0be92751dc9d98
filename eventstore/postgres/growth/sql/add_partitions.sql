-- Create partitions until $1 are ready beyond the one in use; returns how many it created.
SELECT eventstore.add_partitions($1);
