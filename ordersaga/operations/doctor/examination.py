"""Runs every check, those that do not need one another side by side."""

import asyncio

from ordersaga.bootstrap.providers import Providers, build_carrier, build_payments
from ordersaga.bootstrap.settings import Settings, load_settings, unknown_variables
from ordersaga.errors import WRONG_USAGE, WrongSetting
from ordersaga.operations.doctor.database import database_checks
from ordersaga.operations.doctor.diagnosis import Diagnosis, bad
from ordersaga.operations.doctor.outside import asked, temporal_checks


async def examine() -> list[Diagnosis]:
    """Run every check, except those that an earlier failure makes impossible."""
    try:
        settings = load_settings()
    except WrongSetting as error:
        return [bad("settings", str(error), "correct the variable or the file", WRONG_USAGE)]
    clients = Providers()
    payments = asked("payment provider", _provider(settings), build_payments(settings, clients))
    carrier = asked("carrier", str(settings.carrier_url), build_carrier(settings, clients))
    database, temporal, *providers = await asyncio.gather(
        database_checks(settings), temporal_checks(settings), payments, carrier
    )
    return [_settings(settings), *database, *temporal, *providers]


def _provider(settings: Settings) -> str:
    if settings.payment_provider != "stripe":
        return str(settings.payment_url)
    return f"Stripe at {settings.stripe_api_base}" if settings.stripe_api_base else "Stripe"


def _settings(settings: Settings) -> Diagnosis:
    if unknown := unknown_variables():
        finding = f"unknown: {', '.join(unknown)}"
        return bad("settings", finding, "correct or remove the variable", WRONG_USAGE)
    return Diagnosis("settings", True, f"payment provider {settings.payment_provider}")
