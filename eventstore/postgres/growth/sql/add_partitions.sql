-- Make partitions until so many are ahead of need; how many were made.
SELECT eventstore.add_partitions($1);
