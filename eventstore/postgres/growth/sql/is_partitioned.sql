-- Whether the events are cut into partitions.
SELECT EXISTS (SELECT FROM eventstore.partitioning WHERE done);
