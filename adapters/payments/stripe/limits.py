"""What Stripe takes, as it publishes it, and how it counts money.

Sources: https://docs.stripe.com/currencies (presentment currencies, zero-decimal and three-decimal
currencies, special cases, minimum and maximum charge amounts) and
https://docs.stripe.com/api/payment_intents/create (amount, payment_method).

Minimums are those of a charge that is settled in its own currency; Stripe converts, so a charge in
another currency near the minimum can still be refused by Stripe itself.
"""

import re
from collections.abc import Mapping
from typing import Final

from domain.money import Money, format_amount, minor_digits

_USUAL_DIGITS: Final = 2


def _codes(text: str) -> list[str]:
    return text.split()


CURRENCIES: Final = frozenset(
    _codes("""
    AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BWP BYN BZD
    CAD CDF CHF CLP CNY COP CRC CVE CZK DJF DKK DOP DZD EGP ETB EUR FJD FKP GBP GEL GIP GMD GNF GTQ
    GYD HKD HNL HTG HUF IDR ILS INR ISK JMD JOD JPY KES KGS KHR KMF KRW KWD KYD KZT LAK LBP LKR LRD
    LSL MAD MDL MGA MKD MMK MNT MOP MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK
    PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SEK SGD SHP SLE SOS SRD STD SZL THB TJS TND TOP
    TRY TTD TWD TZS UAH UGX USD UYU UZS VND VUV WST XAF XCD XOF XPF YER ZAR ZMW
    """)
)
_WITHOUT: Final = _codes("BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF")
"""Zero-decimal currencies; MGA has two digits in ISO 4217."""
_SPECIAL: Final = _codes("ISK UGX")
"""Special cases: no digits in ISO 4217, but two at Stripe, both of them always 0."""
_WITH_THREE: Final = _codes("BHD JOD KWD OMR TND")
"""Three-decimal currencies, of which Stripe wants the last digit to be 0."""

_DIGITS: Final[Mapping[str, int]] = {
    **dict.fromkeys(_WITHOUT, 0),
    **dict.fromkeys(_SPECIAL, 2),
    **dict.fromkeys(_WITH_THREE, 3),
}
_STEPS: Final[Mapping[str, int]] = {
    **dict.fromkeys(_WITH_THREE, 10),
    **dict.fromkeys(_SPECIAL, 100),
}
_MINIMUMS: Final[Mapping[str, int]] = {
    "AED": 200, "AUD": 50, "BGN": 100, "BRL": 50, "CAD": 50, "CHF": 50, "CZK": 1500, "DKK": 250,
    "EUR": 50, "GBP": 30, "HKD": 400, "HUF": 17500, "INR": 50, "JPY": 50, "MXN": 1000, "MYR": 200,
    "NOK": 300, "NZD": 50, "PLN": 200, "RON": 200, "SEK": 300, "SGD": 50, "THB": 1000, "USD": 50,
}  # fmt: skip
_MAXIMUM: Final = 99_999_999
_MAXIMUMS: Final[Mapping[str, int]] = {"IDR": 999_999_999_999}
_TOKEN: Final = re.compile(r"(?:pm|card|src)_[A-Za-z0-9_]{1,250}", re.ASCII)


def to_stripe(amount: Money) -> int:
    """An amount as Stripe counts it.

    Raises:
        ValueError: Stripe cannot say this amount; the text names the next ones that it can.
    """
    ours, theirs = minor_digits(amount.currency), _digits(amount.currency)
    units, rest = divmod(amount.minor * _power(theirs - ours), _power(ours - theirs))
    step = _STEPS.get(amount.currency, 1)
    if rest or units % step:
        below = units - units % step
        near = (from_stripe(each, amount.currency) for each in (below, below + step))
        texts = " and ".join(format_amount(each) for each in near)
        raise ValueError(f"the next amounts that Stripe takes are {texts}")
    return units


def from_stripe(units: int, currency: str) -> Money:
    """An amount that Stripe says; what is less than a minor unit is dropped."""
    ours, theirs = minor_digits(currency), _digits(currency)
    minor = units * _power(ours - theirs) // _power(theirs - ours)
    return Money(minor, currency)


def _power(digits: int) -> int:
    return int(10 ** max(digits, 0))


def _digits(currency: str) -> int:
    return _DIGITS.get(currency, _USUAL_DIGITS)


class StripeLimits:
    """See `PaymentLimits`."""

    def problem(self, amount: Money, token: str) -> str | None:
        """Why Stripe would refuse such a payment: names the field and the limit, not the token."""
        currency = amount.currency
        if not _TOKEN.fullmatch(token):
            return "payment.token: Stripe takes the id of a payment method, such as pm_..."
        if currency not in CURRENCIES:
            return f"currency: Stripe takes no payment in {currency}"
        try:
            units = to_stripe(amount)
        except ValueError as error:
            return f"total: {format_amount(amount)} cannot be charged: {error}"
        lowest, highest = _MINIMUMS.get(currency, 1), _MAXIMUMS.get(currency, _MAXIMUM)
        if lowest <= units <= highest:
            return None
        bounds = (format_amount(from_stripe(each, currency)) for each in (lowest, highest))
        return f"total: Stripe takes {' to '.join(bounds)}"
