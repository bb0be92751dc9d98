"""The workflow of a job: one act on many orders."""
