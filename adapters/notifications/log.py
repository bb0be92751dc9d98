"""Attention notices as warnings in the log, which every installation has."""

import structlog

from activities.ports import AttentionNotice


class LogNotifications:
    """Writes each notice as one warning, on which the log pipeline can alert."""

    def __init__(self) -> None:
        self._log = structlog.stdlib.get_logger("ordersaga.attention")

    async def needs_attention(self, notice: AttentionNotice) -> None:
        """Write the notice to the log."""
        await self._log.awarning(
            "saga needs attention",
            order_id=notice.order_id,
            at_step=notice.at_step,
            waiting_for=notice.waiting_for,
        )
