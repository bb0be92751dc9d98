"""Notices kept in memory, for tests and benchmarks."""

from activities.ports import AttentionNotice


class RecordingNotifications:
    """Records notices; `failures` holds the exceptions that the next calls raise."""

    def __init__(self) -> None:
        self.notices: list[AttentionNotice] = []
        self.failures: list[Exception] = []

    async def needs_attention(self, notice: AttentionNotice) -> None:
        """Record the notice, or raise the next of `failures`."""
        if self.failures:
            raise self.failures.pop(0)
        self.notices.append(notice)
