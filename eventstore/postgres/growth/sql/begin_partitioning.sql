-- Have the ids of new events noted, and say how large partitions will be.
SELECT eventstore.begin_partitioning($1);
