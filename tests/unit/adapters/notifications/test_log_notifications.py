"""Attention notices in the log."""

from structlog.testing import capture_logs

from activities.ports import AttentionNotice, Notifications
from adapters.notifications.log import LogNotifications
from domain.ids import OrderId


async def test_a_notice_is_one_warning_with_order_step_and_action() -> None:
    with capture_logs() as logs:
        notifications: Notifications = LogNotifications()
        await notifications.needs_attention(
            AttentionNotice(OrderId("A1"), "undo_payment", "retry or resolve")
        )
    assert logs == [
        {
            "event": "saga needs attention",
            "log_level": "warning",
            "order_id": "A1",
            "at_step": "undo_payment",
            "waiting_for": "retry or resolve",
        }
    ]
