"""Creates the configured clients of providers: payments, carrier, notifications."""

from typing import Protocol

from activities.payment_port import PaymentGateway, PaymentLedger
from activities.ports import Carrier, CarrierLedger
from adapters.notifications.cloud_events import LogSink, Sink
from adapters.notifications.signature import parse_secrets
from adapters.notifications.webhooks import WebhookSink
from adapters.payments.http import HttpPaymentGateway
from adapters.providers.provider import Provider
from adapters.shipping.http import HttpCarrier
from ordersaga.bootstrap.settings import Settings


class Payments(PaymentGateway, PaymentLedger, Protocol):
    """A payment provider that also shows its ledger."""


class Carriers(Carrier, CarrierLedger, Protocol):
    """A carrier that also shows its ledger."""


class Providers:
    """The providers as this process sees them; all clients that it builds share them."""

    def __init__(self) -> None:
        self.payments = Provider("payment provider")
        self.carrier = Provider("carrier")


def build_payments(settings: Settings, providers: Providers) -> Payments:
    """The configured payment provider."""
    if settings.payment_provider == "stripe":
        return _stripe(settings, providers)
    url, timeout_s = _base(settings.payment_url), settings.gateway_timeout_s
    return HttpPaymentGateway(url, timeout_s, providers.payments)


def _stripe(settings: Settings, providers: Providers) -> Payments:
    from adapters.payments.stripe import gateway  # noqa: PLC0415  a large library that few need

    if settings.stripe_api_key is None:
        raise RuntimeError("load_settings accepts no Stripe setting without a key")
    base = _base(settings.stripe_api_base) if settings.stripe_api_base else None
    return gateway.StripePaymentGateway(
        settings.stripe_api_key.get_secret_value(),
        api_base=base,
        timeout_s=settings.gateway_timeout_s,
        provider=providers.payments,
    )


def build_carrier(settings: Settings, providers: Providers) -> Carriers:
    """The configured carrier."""
    url, timeout_s = _base(settings.carrier_url), settings.gateway_timeout_s
    return HttpCarrier(url, timeout_s, providers.carrier)


def build_sink(settings: Settings) -> Sink:
    """The configured webhook; the log if none is set."""
    if settings.webhook_url is None or settings.webhook_secret is None:
        return LogSink()
    return WebhookSink(
        str(settings.webhook_url),
        parse_secrets(settings.webhook_secret.get_secret_value()),
        timeout_s=settings.webhook_timeout_s,
        connections=settings.webhook_connections,
    )


def _base(url: object) -> str:
    return str(url).rstrip("/")
