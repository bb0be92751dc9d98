"""All settings, their sources, and one clear line when one is wrong.

The first source that has a value wins: environment variables ``ORDERSAGA_*``; the files of the
folder named by ORDERSAGA_SECRETS_DIR, one a setting; the file named by ORDERSAGA_CONFIG_FILE
(``.toml``, or ``.env`` lines); the embedded stack that runs on the data folder, if no database URL
is set; defaults. Temporal's address, namespace, TLS and API key come from Temporal's own variables
(TEMPORAL_ADDRESS …) and configuration file.
"""

import os
from itertools import zip_longest
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlsplit

from pydantic import (
    AfterValidator,
    AnyHttpUrl,
    BeforeValidator,
    Field,
    PostgresDsn,
    SecretStr,
    TypeAdapter,
    ValidationError,
)
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from adapters.notifications.signature import parse_secrets
from adapters.personal_data.keys import parse_master_key
from domain.errors import InvalidValue
from domain.order.terms import MAX_CANCEL_AFTER_S
from eventstore.deadline import STATEMENT_S
from ordersaga.access.oidc.options import OidcOptions, parse_roles, read_options, require_safe_url
from ordersaga.access.roles import Role
from ordersaga.bootstrap.setting_sources import (
    CONFIG_FILE_VARIABLE,
    SECRETS_DIR_VARIABLE,
    RunningStackSource,
    file_source,
    secrets_source,
)
from ordersaga.bootstrap.stack_state import DATA_DIR_VARIABLE, chosen_data_dir
from ordersaga.errors import Unreachable, WrongSetting

ENV_PREFIX = "ORDERSAGA_"
SANDBOX_PREFIX = "ORDERSAGA_SANDBOX_"

BEYOND_DRAINING_S = 2.0
"""A process is gone this long after its drain limit, whatever hangs."""

Seconds = Annotated[float, Field(gt=0, le=3600)]
LongSeconds = Annotated[float, Field(gt=0, le=7 * 24 * 3600)]
Port = Annotated[int, Field(ge=1, le=65535)]
Count = Annotated[int, Field(ge=1, le=10_000)]
SafeUrl = Annotated[str, AfterValidator(require_safe_url)]
Claim = Annotated[str, Field(pattern=r"^[!-~]{1,200}$")]
Roles = Annotated[dict[str, Role], NoDecode, BeforeValidator(parse_roles)]
VersionPart = Annotated[str, Field(pattern=r"^[A-Za-z0-9_+-][A-Za-z0-9_.+-]{0,99}$")]


class Settings(BaseSettings):
    """The settings of every ordersaga program; read them with `load_settings`.

    Attributes:
        database_url: PostgreSQL URL; secret, because it may hold a password.
        database_password: password of the URL's user, if the URL holds none.
        database_pool_size: the most connections that one process opens.
        database_timeout_s: how long a statement may take; a lock is waited for half of it.
        payment_provider: which payment provider is used.
        payment_url: base URL of the payment sandbox.
        carrier_url: base URL of the carrier.
        stripe_api_base: base URL of Stripe's API, for tests.
        gateway_timeout_s: time limit of a call to a provider or carrier.
        cancel_after_s: an order that does not say itself what to do (`on_outage`) is cancelled once
            a provider has failed for this long; not set: it waits, however long.
        if_parcel_left: what is done about a parcel that has left before its order is undone, unless
            the order says it: ask a person, or ship it and collect the money.
        worker_concurrency: activities that a worker runs concurrently, per task queue.
        workflow_concurrency: workflow tasks that a worker runs concurrently.
        starter_concurrency: sagas that the starter starts concurrently.
        drain_timeout_s: how long a process may take to finish running work after SIGTERM; by
            default slightly longer than the time limit of an activity attempt. It is gone two
            seconds later, whatever hangs.
        worker_versioning: whether open sagas stay on the build that started them (pinned), move to
            the current one (auto_upgrade), or builds are not distinguished (off); needs
            `build_id` unless off.
        deployment_name: the worker deployment, one for all builds and task queues.
        build_id: the build of the code that a worker runs.
        metrics_port: port that serves Prometheus metrics.
        health_port: port that serves ``/livez`` and ``/readyz``.
        stuck_after_s: a loop of a process that has not moved for this long is started again.
        silent_after_s: an open order that waits for nothing is a finding after this time without
            an event.
        bind_host: address that all ports listen on.
        api_port: port of the HTTP API.
        api_rate_per_s: requests that one token may send a second to one process of the API, twice
            as many in a burst.
        oidc_issuer: whose tokens (OpenID Connect) are taken beside our own, exactly as it names
            itself.
        oidc_audience: whom its tokens for the API must be for; not set: the API takes none.
        oidc_roles: our roles by the issuer's roles or groups; a token's first one counts.
        oidc_roles_claim: the claim with the roles or groups; a dot leads into an object.
        oidc_name_claim: the claim that names a person in the audit trail.
        oidc_client_id: the console as a client of the issuer; not set: nobody logs in with it.
        oidc_client_secret: of the client; not set: it is a public one.
        oidc_redirect_uri: where the issuer sends a browser back to.
        oidc_scopes: that the console asks for.
        oidc_label: what the issuer is called on the button that logs in with it.
        ready_file: file that exists while a process is ready.
        otlp_endpoint: base URL of an OpenTelemetry collector (HTTP); turns tracing on.
        ui_url: base URL of the Temporal UI, for links.
        embedded_temporal_address: set by `ordersaga up` for its processes.
        webhook_url: receives notifications; without it they are logged.
        webhook_secret: one or two signing keys ``whsec_<base64>``, separated by a space.
        webhook_timeout_s: time limit for the receiver's answer.
        webhook_connections: notifications that a sender sends concurrently.
        notification_attempts: attempts after which a notification is dead.
        notification_max_age_days: age after which an unsent notification is dead.
        notification_source: CloudEvents source of this installation, a URI reference.
        encrypt_personal_data: False stores personal data in plain text, which cannot be erased.
        master_key: base64 of 32 random bytes; encrypts the data keys.
        master_key_file: file that holds the master key; used if `master_key` is not set.
        older_master_keys: previous master keys, separated by spaces; used only to decrypt.
    """

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True
    )

    database_url: SecretStr | None = None
    database_password: SecretStr | None = None
    database_pool_size: Count = 10
    database_timeout_s: Seconds = STATEMENT_S
    payment_provider: Literal["sandbox", "stripe"] = "sandbox"
    payment_url: AnyHttpUrl = AnyHttpUrl("http://127.0.0.1:8181")
    carrier_url: AnyHttpUrl = AnyHttpUrl("http://127.0.0.1:8182")
    stripe_api_key: SecretStr | None = None
    stripe_api_base: AnyHttpUrl | None = None
    gateway_timeout_s: Seconds = 5.0
    cancel_after_s: Annotated[float, Field(ge=1, le=MAX_CANCEL_AFTER_S)] | None = None
    if_parcel_left: Literal["ask", "ship_and_collect"] = "ask"
    worker_concurrency: Count = 50
    workflow_concurrency: Count = 100
    starter_concurrency: Count = 16
    drain_timeout_s: Seconds = 11.0
    worker_versioning: Literal["off", "pinned", "auto_upgrade"] = "off"
    deployment_name: VersionPart = "ordersaga"
    build_id: VersionPart | None = None
    metrics_port: Port | None = None
    health_port: Port | None = None
    stuck_after_s: Annotated[float, Field(ge=15, le=3600)] = 30.0
    silent_after_s: LongSeconds = 900.0
    bind_host: str = "127.0.0.1"
    api_port: Port = 8180
    api_rate_per_s: Count = 100
    oidc_issuer: SafeUrl | None = None
    oidc_audience: Claim | None = None
    oidc_roles: Roles | None = None
    oidc_roles_claim: Claim = "roles"
    oidc_name_claim: Claim = "sub"
    oidc_client_id: Claim | None = None
    oidc_client_secret: SecretStr | None = None
    oidc_redirect_uri: SafeUrl | None = None
    oidc_scopes: Annotated[str, Field(pattern=r"^[!-~ ]{1,200}$")] = "openid"
    oidc_label: Annotated[str, Field(min_length=1, max_length=60)] = "OpenID Connect"
    ready_file: Path | None = None
    otlp_endpoint: AnyHttpUrl | None = None
    log_format: Literal["console", "json"] = "console"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    ui_url: AnyHttpUrl = AnyHttpUrl("http://127.0.0.1:8233")
    embedded_temporal_address: str | None = None
    webhook_url: AnyHttpUrl | None = None
    webhook_secret: SecretStr | None = None
    webhook_timeout_s: Seconds = 10.0
    webhook_connections: Count = 8
    notification_attempts: Count = 30
    notification_max_age_days: Count = 7
    notification_source: Annotated[str, Field(pattern=r"^[!-~]+$")] = "/ordersaga"
    encrypt_personal_data: bool = True
    master_key: SecretStr | None = None
    master_key_file: Path | None = None
    older_master_keys: SecretStr | None = None

    def dsn(self) -> str:
        """The database URL with its password; never show it.

        Raises:
            Unreachable: no URL is set, and no embedded stack runs on the data folder.
        """
        if self.database_url is None:
            raise Unreachable(
                f"no database: {ENV_PREFIX}DATABASE_URL is not set and no embedded stack runs on "
                f"{chosen_data_dir()} (start one with `ordersaga up`)"
            )
        url = self.database_url.get_secret_value()
        return _with_password(url, self.database_password) if self.database_password else url

    def master_key_texts(self) -> list[str]:
        """The master key and the previous ones, as base64; empty if none is set.

        Raises:
            OSError: the file cannot be read.
        """
        if self.master_key is not None:
            current = self.master_key.get_secret_value()
        elif self.master_key_file is not None:
            current = self.master_key_file.read_text()
        else:
            return []
        older = self.older_master_keys.get_secret_value() if self.older_master_keys else ""
        return [current, *older.split()]

    def oidc(self) -> OidcOptions | None:
        """The issuer whose tokens are taken; None: there is none. Raises InvalidValue."""
        return read_options(self)

    def database_location(self) -> str:
        """Hosts, ports and name of the database, without the password."""
        dsn = PostgresDsn(self.dsn())
        hosts = (f"{host.get('host')}:{host.get('port') or 5432}" for host in dsn.hosts())
        return f"{','.join(hosts)}{dsn.path or ''}"

    def saga_link(self, workflow_id: str) -> str:
        """URL of a saga's page in the Temporal UI."""
        base, namespace = str(self.ui_url).rstrip("/"), os.environ.get("TEMPORAL_NAMESPACE")
        return f"{base}/namespaces/{namespace or 'default'}/workflows/{workflow_id}"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  the interface's argument
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003  the same
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """In order: environment, secrets, file, running stack."""
        running = RunningStackSource(settings_cls)
        secrets = secrets_source(settings_cls)
        return (init_settings, env_settings, *secrets, *file_source(settings_cls), running)


def unknown_variables() -> list[str]:
    """Environment variables with our prefix that name no setting, such as misspelled ones."""
    ours = {ENV_PREFIX + name.upper() for name in Settings.model_fields}
    ours |= {CONFIG_FILE_VARIABLE, SECRETS_DIR_VARIABLE, DATA_DIR_VARIABLE}
    return sorted(
        name
        for name in os.environ
        if name.startswith(ENV_PREFIX) and name not in ours and not name.startswith(SANDBOX_PREFIX)
    )


def load_settings(**overrides: Any) -> Settings:
    """Read and check all settings; `overrides` take precedence over every source.

    Raises:
        WrongSetting: names the variable and what is expected; never shows a secret.
    """
    try:
        settings = Settings(**overrides)
    except ValidationError as error:
        raise WrongSetting(_first_problem(error)) from None
    except (OSError, ValueError) as error:
        path = os.environ.get(CONFIG_FILE_VARIABLE, "")
        raise WrongSetting(f"{CONFIG_FILE_VARIABLE}: cannot read {path}: {error}") from None
    _check_combinations(settings)
    return settings


def _with_password(url: str, password: SecretStr) -> str:
    """The URL with the password after its user, unless it has one already."""
    parts = urlsplit(url)
    user, at, hosts = parts.netloc.rpartition("@")
    if not at or ":" in user:
        return url
    netloc = f"{user}:{quote(password.get_secret_value(), safe='')}@{hosts}"
    return parts._replace(netloc=netloc).geturl()


def _first_problem(error: ValidationError) -> str:
    problem = error.errors(include_input=False, include_url=False)[0]
    variable = ENV_PREFIX + ".".join(str(part) for part in problem["loc"]).upper()
    return f"{variable}: {problem['msg']}"


def _check_combinations(settings: Settings) -> None:
    if settings.payment_provider == "stripe" and settings.stripe_api_key is None:
        raise _wrong("STRIPE_API_KEY", f"needed when {ENV_PREFIX}PAYMENT_PROVIDER is stripe")
    if settings.worker_versioning != "off" and settings.build_id is None:
        raise _wrong("BUILD_ID", "needed when worker versioning is on")
    _check_webhook(settings)
    _check_master_keys(settings)
    _check_oidc(settings)
    if settings.database_url is None:
        return
    try:
        TypeAdapter(PostgresDsn).validate_python(settings.database_url.get_secret_value())
    except ValidationError:
        shape = "postgresql://user:password@host:port/name"
        raise _wrong("DATABASE_URL", f"must look like {shape}") from None


def _check_webhook(settings: Settings) -> None:
    if settings.webhook_secret is None:
        if settings.webhook_url is not None:
            raise _wrong("WEBHOOK_SECRET", "needed when a webhook URL is set")
        return
    try:
        parse_secrets(settings.webhook_secret.get_secret_value())
    except ValueError as error:
        raise _wrong("WEBHOOK_SECRET", str(error)) from None


def _check_oidc(settings: Settings) -> None:
    try:
        settings.oidc()
    except InvalidValue as error:
        raise _wrong(error.field.upper(), error.problem) from None


def _check_master_keys(settings: Settings) -> None:
    try:
        texts = settings.master_key_texts()
    except (OSError, UnicodeDecodeError) as error:
        raise _wrong("MASTER_KEY_FILE", f"cannot be read ({type(error).__name__})") from None
    if not texts:
        return
    for name, text in zip_longest(["MASTER_KEY"], texts, fillvalue="OLDER_MASTER_KEYS"):
        try:
            parse_master_key(text)
        except ValueError as error:
            raise _wrong(name, str(error)) from None


def _wrong(name: str, problem: str) -> WrongSetting:
    return WrongSetting(f"{ENV_PREFIX}{name}: {problem}")
