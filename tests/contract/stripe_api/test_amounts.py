"""Amounts and currencies, as Stripe documents them."""

from typing import Any

import pytest
import stripe

from tests.support.stack.stripe_rules import Server, body_of, documented, refused

PAGE = "/currencies"
NO_LIMITS = "takes any amount of any currency"

# https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts
MINIMUM = {
    "usd": 50,
    "aed": 200,
    "aud": 50,
    "bgn": 100,
    "brl": 50,
    "cad": 50,
    "chf": 50,
    "czk": 1500,
    "dkk": 250,
    "eur": 50,
    "gbp": 30,
    "hkd": 400,
    "huf": 17500,
    "inr": 50,
    "jpy": 50,
    "mxn": 1000,
    "myr": 200,
    "nok": 300,
    "nzd": 50,
    "pln": 200,
    "ron": 200,
    "sek": 300,
    "sgd": 50,
    "thb": 1000,
}


@documented(PAGE, "the minimum amount shown applies to all charges", localstripe=NO_LIMITS)
@pytest.mark.parametrize(("currency", "least"), MINIMUM.items())
async def test_a_charge_has_a_minimum(server: Server, currency: str, least: int) -> None:
    assert (await server.intent(amount=least, currency=currency)).amount == least
    error = await refused(server.intent(amount=least - 1, currency=currency))
    assert (error.http_status, error.code) == (400, "amount_too_small")
    assert body_of(error)["param"] == "amount"


@documented(
    PAGE,
    "8 digits for all other currencies, for a maximum charge of 999,999.99",
    localstripe=NO_LIMITS,
)
@pytest.mark.parametrize(
    ("currency", "most"),
    [("gbp", 99_999_999), ("idr", 999_999_999_999), ("inr", 999_999_999), ("krw", 99_999_999)],
)
async def test_a_charge_has_a_maximum(server: Server, currency: str, most: int) -> None:
    assert (await server.intent(amount=most, currency=currency)).amount == most
    error = await refused(server.intent(amount=most + 1, currency=currency))
    assert (error.http_status, error.code) == (400, "amount_too_large")


@documented(
    PAGE,
    "ISK transitioned to a zero-decimal currency, but backward compatibility requires you to"
    " represent it as a two-decimal value, where the decimal amount is always 00",
    localstripe=NO_LIMITS,
)
@pytest.mark.parametrize("currency", ["isk", "ugx"])
async def test_currencies_without_fractions_are_sent_with_two_zeros(
    server: Server, currency: str
) -> None:
    assert (await server.intent(amount=50_000, currency=currency)).amount == 50_000
    error = await refused(server.intent(amount=50_050, currency=currency))
    assert body_of(error)["param"] == "amount"


@documented(
    PAGE,
    "these API calls require the least-significant (last) digit to be 0",
    localstripe=NO_LIMITS,
)
@pytest.mark.parametrize("currency", ["bhd", "jod", "kwd", "omr", "tnd"])
async def test_three_decimal_currencies_end_with_zero(server: Server, currency: str) -> None:
    paid = await server.paid(amount=5120, currency=currency)
    await refused(server.intent(amount=5124, currency=currency))
    await refused(server.refund(paid.id, amount=1234))
    assert (await server.refund(paid.id, amount=1230)).amount == 1230


@documented(
    PAGE,
    "For the following zero-decimal currencies, the charge and the amount are the same",
    localstripe="knows fewer currencies",
)
@pytest.mark.parametrize("currency", ["jpy", "mga", "xof", "clp"])
async def test_zero_decimal_currencies_are_charged_as_they_are(
    server: Server, currency: str
) -> None:
    paid = await server.paid(amount=5000, currency=currency)
    assert (paid.amount_received, paid.currency) == (5000, currency)


@documented(
    "/api/payment_intents/create#create_payment_intent-currency",
    "Three-letter ISO currency code, in lowercase. Must be a supported currency",
    localstripe=NO_LIMITS,
)
@pytest.mark.parametrize("currency", ["xyz", "gpb", "cuc"])
async def test_an_unknown_currency_is_refused(server: Server, currency: str) -> None:
    error = await refused(server.intent(currency=currency))
    assert (error.http_status, body_of(error)["param"]) == (400, "currency")


@documented(
    "/api/payment_intents/create#create_payment_intent-amount",
    "A positive integer representing how much to charge in the smallest currency unit",
    localstripe="has other codes",
)
@pytest.mark.parametrize(
    ("amount", "code"),
    [("10.00", "parameter_invalid_integer"), ("0", None), ("-5", None), ("", None)],
)
async def test_an_amount_is_a_positive_integer(
    server: Server, amount: str, code: str | None
) -> None:
    error = await refused(server.intent(amount=amount))
    assert isinstance(error, stripe.InvalidRequestError)
    assert body_of(error)["param"] == "amount"
    assert code in (None, error.code)


@documented(
    "/error-codes",
    "parameter_missing: one or more required values are missing",
    localstripe="has no codes for this",
)
@pytest.mark.parametrize("name", ["amount", "currency"])
async def test_amount_and_currency_are_required(server: Server, name: str) -> None:
    sent: Any = {"amount": 1000, "currency": "gbp"}
    del sent[name]
    error = await refused(server.client.payment_intents.create_async(sent))
    assert (error.code, body_of(error)["param"]) == ("parameter_missing", name)


@documented(
    "/error-codes",
    "parameter_unknown: the request contains one or more unexpected parameters",
    localstripe="has no codes for this",
)
async def test_an_unknown_parameter_is_named(server: Server) -> None:
    error = await refused(server.intent(colour="red"))
    assert (error.code, body_of(error)["param"]) == ("parameter_unknown", "colour")
