-- Whether a worker currently holds the fence of a lane.
SELECT read_models.is_held($1, $2, $3::smallint)
