"""What a saga step does.

Ports to the outside world, activity inputs and results, and one class per task queue.
"""
