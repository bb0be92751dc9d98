"""Which amounts Stripe charges by card, for each currency.

https://docs.stripe.com/currencies: presentment currencies, minor units, special cases, minimum and
maximum charge amounts. The account settles in every currency, so that no minimum depends on a rate
of exchange; a currency without a minimum in the table has that of one unit.
"""

from typing import Final

from adapters.sandboxes.stripe.errors import StripeRefusal, invalid

_ZERO_DECIMAL: Final = "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf"
_TWO_DECIMAL: Final = """
    usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd bwp byn bzd
    cad cdf chf cny cop crc cve czk dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gtq gyd hkd
    hnl htg huf idr ils inr jmd kes kgs khr kyd kzt lak lbp lkr lrd lsl mad mdl mkd mmk mnt mop
    mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd pab pen pgk php pkr pln qar ron rsd rub sar
    sbd scr sek sgd shp sle sos srd std szl thb tjs top try ttd twd tzs uah uyu uzs wst xcd xcg
    yer zar zmw
"""

ZERO_DECIMAL: Final = frozenset(_ZERO_DECIMAL.split())
THREE_DECIMAL: Final = frozenset({"bhd", "jod", "kwd", "omr", "tnd"})
WHOLE_UNITS: Final = frozenset({"isk", "ugx"})
"""Two decimals in amounts, always 00."""

SUPPORTED: Final = ZERO_DECIMAL | THREE_DECIMAL | WHOLE_UNITS | frozenset(_TWO_DECIMAL.split())

MINIMUM: Final = {
    **dict.fromkeys(("usd", "aud", "brl", "cad", "chf", "eur", "inr", "nzd", "sgd"), 50),
    **dict.fromkeys(("aed", "myr", "pln", "ron"), 200),
    **dict.fromkeys(("mxn", "thb"), 1000),
    **dict.fromkeys(("nok", "sek"), 300),
    "bgn": 100,
    "czk": 1500,
    "dkk": 250,
    "gbp": 30,
    "hkd": 400,
    "huf": 17500,
    "jpy": 50,
}

MAXIMUM: Final = {
    "idr": 999_999_999_999,
    "inr": 999_999_999,
    "lbp": 99_999_999_999_999,
    "cop": 999_999_999_990,
    "huf": 999_999_999_900,
    "jpy": 9_999_999_999,
}
_USUAL_MAXIMUM: Final = 99_999_999


def check_currency(currency: str) -> None:
    """Refuse a currency that cannot be charged, or that is not written in lower case."""
    if currency not in SUPPORTED:
        listed = ", ".join(sorted(SUPPORTED))
        raise invalid(
            f"Invalid currency: {currency}. Stripe currently supports these currencies: {listed}",
            "currency",
        )


def check_charge(amount: int, currency: str) -> None:
    """Refuse an amount that cannot be charged in a supported currency."""
    if amount < 1:
        raise invalid("Invalid positive integer", "amount", "parameter_invalid_integer")
    least = MINIMUM.get(currency, 1)
    most = MAXIMUM.get(currency, _USUAL_MAXIMUM)
    if amount < least:
        raise invalid(
            f"Amount must be at least {shown(least, currency)}", "amount", "amount_too_small"
        )
    if amount > most:
        raise invalid(
            f"Amount must be no more than {shown(most, currency)}", "amount", "amount_too_large"
        )
    check_steps(amount, currency)


def check_steps(amount: int, currency: str, param: str = "amount") -> None:
    """Refuse a part that the currency does not have at Stripe, of a charge, capture or refund."""
    step = steps(currency)
    if amount % step:
        raise StripeRefusal(
            400,
            f"Invalid amount: {currency} amounts must be a multiple of {step}",
            code="invalid_charge_amount",
            param=param,
        )


def steps(currency: str) -> int:
    """What every amount of a currency is a multiple of."""
    if currency in THREE_DECIMAL:
        return 10
    return 100 if currency in WHOLE_UNITS else 1


def shown(amount: int, currency: str) -> str:
    """An amount for people."""
    if currency in ZERO_DECIMAL:
        return f"{amount} {currency}"
    digits = 3 if currency in THREE_DECIMAL else 2
    return f"{amount / 10**digits:.{digits}f} {currency}"
