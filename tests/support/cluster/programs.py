"""The programs of Temporal's server, built from its Go module with the Go that is installed.

    python -m tests.support.cluster.programs           # that of the containers, and the one before
    python -m tests.support.cluster.programs 1.32.1    # only this one

A build from nothing takes nine minutes on two cores. It is kept for every checkout of this user, in
`ordersaga/temporal/VERSION` below $XDG_CACHE_HOME or ~/.cache:

    temporal-server      one program for all services
    temporal-sql-tool    makes the schema and brings it up to date
    schema/postgresql/v12/{temporal,visibility}/versioned

They are linked statically, so they run in an image that holds nothing else.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from tests.support.repository.compose import EXAMPLE, parse_env
from tests.support.repository.source_tree import text_of

SERVER: Final = "temporal-server"
SQL_TOOL: Final = "temporal-sql-tool"
SCHEMA: Final = Path("schema/postgresql/v12")
VERSION: Final = parse_env(text_of(EXAMPLE))["TEMPORAL_SERVER_IMAGE"].rpartition(":")[2]
"""The version that the containers run."""

BEFORE: Final = "1.31.4"
"""The minor version before it, from which a cluster is upgraded."""

_MODULE: Final = "go.temporal.io/server"
_COMMANDS: Final = {SERVER: "cmd/server", SQL_TOOL: "cmd/tools/sql"}


def folder_of(version: str = VERSION) -> Path:
    """Where the programs of a version lie, whether they are built or not."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "ordersaga" / "temporal" / version


def build(version: str = VERSION) -> Path:
    """Build the programs of a version unless they are there; returns their folder.

    Raises:
        CalledProcessError: Go could not; it has said why.
    """
    folder = folder_of(version)
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder.parent) as made:
            draft = Path(made) / version
            _build(version, draft)
            draft.rename(folder)
    return folder


def _build(version: str, folder: Path) -> None:
    folder.mkdir()
    for program, package in _COMMANDS.items():
        _go("install", "-ldflags=-s -w", f"{_MODULE}/{package}@v{version}", into=folder)
        (folder / Path(package).name).rename(folder / program)
    module: dict[str, Any] = json.loads(_go("mod", "download", "-json", f"{_MODULE}@v{version}"))
    shutil.copytree(Path(module["Dir"]) / SCHEMA, folder / SCHEMA)
    for each in folder.rglob("*"):  # Go keeps modules so that nobody may write, nor remove them
        each.chmod(0o755 if each.is_dir() or each.parent == folder else 0o644)


def _go(*arguments: str, into: Path | None = None) -> str:
    own = {"GOTOOLCHAIN": "local", "CGO_ENABLED": "0", **({"GOBIN": str(into)} if into else {})}
    done = subprocess.run(
        ["go", *arguments],
        env={**os.environ, **own},
        cwd="/",  # within no module of anybody
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout


def main() -> None:
    """Build what the command line names, or the two versions that the tests need."""
    for version in sys.argv[1:] or [VERSION, BEFORE]:
        sys.stdout.write(f"{build(version)}\n")


if __name__ == "__main__":
    main()
