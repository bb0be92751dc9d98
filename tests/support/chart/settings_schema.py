"""Which settings the values of the chart may name, taken from the settings themselves.

.venv/bin/python -m tests.support.chart.settings_schema writes them into values.schema.json.
"""

import json
from typing import Any, Final

from ordersaga.bootstrap.settings import Settings
from tests.support.repository.source_tree import ROOT

SCHEMA_FILE: Final = ROOT / "deploy" / "helm" / "ordersaga" / "values.schema.json"

BY_THE_CHART: Final = frozenset(
    {
        *("database_url", "payment_provider", "payment_url", "carrier_url", "stripe_api_base"),
        *("otlp_endpoint", "webhook_url", "log_format"),
        *("bind_host", "health_port", "metrics_port", "api_port"),
        *("database_password", "master_key", "older_master_keys"),
        *("stripe_api_key", "webhook_secret"),
        *("oidc_issuer", "oidc_audience", "oidc_roles", "oidc_roles_claim", "oidc_name_claim"),
        *("oidc_client_id", "oidc_client_secret", "oidc_redirect_uri", "oidc_scopes", "oidc_label"),
    }
)
"""Settings that the chart gives from values of their own, secrets among them."""

NOT_IN_A_POD: Final = frozenset({"master_key_file", "ready_file", "embedded_temporal_address"})
"""Settings that have no use in a pod."""

_KEPT: Final = frozenset(
    {"type", "enum", "pattern", "minLength", "minimum", "maximum", "exclusiveMinimum"}
)


def settings_schema() -> dict[str, Any]:
    """The part of the schema that says which further settings there are."""
    fields = Settings.model_json_schema()["properties"]
    names = sorted(fields.keys() - BY_THE_CHART - NOT_IN_A_POD)
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {name: _rule(fields[name]) for name in names},
    }


def _rule(field: dict[str, Any]) -> dict[str, Any]:
    choice = next((each for each in field.get("anyOf", ()) if each["type"] != "null"), field)
    return {key: value for key, value in choice.items() if key in _KEPT}


if __name__ == "__main__":
    written = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    written["properties"]["settings"] = settings_schema()
    SCHEMA_FILE.write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")
