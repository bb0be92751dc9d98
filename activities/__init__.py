"""The activities of the workflows.

Ports to the outside world, inputs and results, and one folder for each task queue and for returns.
Every activity can fail as unavailable (see `failures`), which is retried; its docstring names what
else it raises.
"""
