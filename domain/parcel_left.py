"""What to do about a parcel that has left although its order is undone."""

from enum import StrEnum


class IfLeft(StrEnum):
    """What to do about a parcel that has left before its order was undone.

    ask: a person decides. ship_and_collect: the parcel goes on to the customer, and the money is
    collected. lost: the goods are written off. coming_back: the goods are on their way back, and
    are put into stock when they arrive. The order is cancelled with the last two.
    """

    ASK = "ask"
    SHIP_AND_COLLECT = "ship_and_collect"
    LOST = "lost"
    COMING_BACK = "coming_back"


RULES = (IfLeft.ASK, IfLeft.SHIP_AND_COLLECT)
"""What a shop or an order can say beforehand."""

CHOICES = (IfLeft.SHIP_AND_COLLECT, IfLeft.LOST, IfLeft.COMING_BACK)
"""What a person can choose."""
