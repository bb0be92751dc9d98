-- Whether the events are partitioned.
SELECT EXISTS (SELECT FROM eventstore.partitioning WHERE done);
