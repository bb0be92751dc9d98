"""Keeps the objects of a process's start out of later garbage collections."""

import gc


def freeze_startup_objects() -> None:
    """Exclude all present objects from garbage collection; call it once, at the end of the start.

    Modules, classes and schemas are hundreds of thousands of containers that live as long as the
    process. Otherwise a full collection visits all of them after every few pages of events, which
    took a fifth of the time of catching up.
    """
    gc.collect()
    gc.freeze()
