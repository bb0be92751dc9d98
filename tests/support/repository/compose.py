"""The Compose file as data: as it is written, and as Compose itself resolves it."""

import json
import os
import re
import subprocess
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml

from tests.support.repository.source_tree import ROOT, text_of

COMPOSE_FILE = ROOT / "docker-compose.yml"
EXAMPLE = ROOT / "deploy" / "example.env"


class StrictLoader(yaml.SafeLoader):
    """Refuses a key that a mapping has twice, as Compose v2 does; PyYAML keeps the last one."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        # Here and not in construct_mapping: there the keys that `<<` merges are in the node too.
        node = super().compose_mapping_node(anchor)
        repeated = repeated_names(key.value for key, _ in node.value)
        if repeated:
            raise yaml.MarkedYAMLError(
                problem=f"repeated: {repeated}", problem_mark=node.start_mark
            )
        return node


def parse_yaml(text: str) -> Any:
    """One YAML document, strictly."""
    return yaml.load(text, StrictLoader)  # noqa: S506  it is a SafeLoader


def parse_env(text: str) -> dict[str, str]:
    """The variables of an env file: `NAME=value` lines, comments and blank lines; nothing else."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    malformed = [line for line in lines if not re.match(r"[A-Z][A-Z0-9_]*=", line)]
    repeated = repeated_names(line.split("=")[0] for line in lines)
    if malformed or repeated:
        raise ValueError(f"malformed: {malformed}, repeated: {repeated}")
    return dict(line.split("=", 1) for line in lines)


def repeated_names(names: Iterable[str]) -> list[str]:
    """Those that are there more than once."""
    return [name for name, count in Counter(names).items() if count > 1]


@cache
def written() -> dict[str, Any]:
    """The file as it is written, with its merges done."""
    loaded = parse_yaml(text_of(COMPOSE_FILE))
    assert isinstance(loaded, dict)
    return loaded


def compose_program() -> Path:
    """Docker Compose itself; the wheel's own command ends with 0 whatever became of it."""
    spec = find_spec("compose")
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "docker-compose"


def run_compose(
    *arguments: str, file: Path = COMPOSE_FILE, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run Docker Compose itself; nothing of this environment reaches it but the path."""
    return subprocess.run(
        [str(compose_program()), "--file", str(file), "--env-file", str(EXAMPLE), *arguments],
        env={"PATH": os.environ["PATH"], **(env or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=ROOT,
    )


@cache
def resolved() -> dict[str, Any]:
    """The file as Compose understands it with the example environment, with all profiles."""
    done = run_compose("--profile", "*", "config", "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    loaded = json.loads(done.stdout)
    assert isinstance(loaded, dict)
    return loaded


def services() -> dict[str, Any]:
    """Every service, as Compose understands it."""
    return dict(resolved()["services"])


def ours() -> dict[str, Any]:
    """The services that run the command line."""
    return {
        name: service
        for name, service in services().items()
        if "deploy/Dockerfile" in str(service.get("build")) and not service["entrypoint"]
    }
