-- First step: record the ids of new events, and set the size of partitions.
SELECT eventstore.begin_partitioning($1);
