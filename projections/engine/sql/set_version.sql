-- Record the version of a projection that a target's tables belong to; the fences are held.
UPDATE read_models.checkpoints SET version = $3 WHERE target = $1 AND projection = $2
