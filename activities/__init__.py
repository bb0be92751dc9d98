"""The activities of the workflows.

Ports to the outside world, inputs and results, and one folder for each task queue and for returns.
The worker names the failures (see `failures`). A docstring names those that are final; every
activity can also meet trouble that is nobody's answer about the order, which is retried.
"""
