"""Renders and lints the Helm chart with Helm itself; runs in the environment of `make chart`.

    .venv-chart/bin/python scripts/chart.py render < values.json   # a list; prints a list
    .venv-chart/bin/python scripts/chart.py lint < values.json     # a list; prints a list

Each answer of `render` is a mapping of template to text, or a text: why the values are refused.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import helm_python as helm

CHART = Path(__file__).resolve().parent.parent / "deploy" / "helm" / "ordersaga"


def render(chart: helm.Chart, values: Mapping[str, Any], release: str) -> dict[str, str] | str:
    """The rendered templates, or the reason of a refusal."""
    try:
        return chart.render(dict(values), name=release, namespace="orders")
    except helm.HelmError as error:
        return str(error)


def main(what: str, release: str) -> None:
    """Answer for each of the values."""
    given = json.load(sys.stdin)
    if what == "lint":
        answers: list[Any] = [helm.lint(CHART, values, strict=True) for values in given]
    else:
        with helm.Chart.load(CHART) as chart:
            answers = [render(chart, values, release) for values in given]
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "shop")
