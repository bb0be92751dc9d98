"""A workflow goes on as a new run before its history reaches a limit of the server.

The run stops between two activities, or ends the wait for one that a trouble keeps from its end. It
hands over everything that it knows, and the new run goes on where it was. An activity that was cut
off is started again; its effects happen once.
"""

from temporalio import workflow

from workflows import policies


class RunIsFull(Exception):
    """The history of this run is long: its work goes on in a new one."""


def history_is_long() -> bool:
    """Whether the running workflow should go on as a new run."""
    info = workflow.info()
    length = info.get_current_history_length()
    if length >= policies.MOST_EVENTS:
        return True
    if not info.is_continue_as_new_suggested():
        return False
    size = info.get_current_history_size()
    return length >= policies.FEWEST_EVENTS or size >= policies.MOST_BYTES
