"""The folder, the ports and the configuration of one Temporal cluster on this machine.

Every service is a process of its own, as in production: a frontend, two of history, which share the
history shards, matching, and the worker of Temporal's own workflows.
"""

import contextlib
import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import psutil

from ordersaga.embedded.ports import HOST
from ordersaga.embedded.system_user import remove_cluster
from tests.support.repository.source_tree import ROOT

SERVICES: Final[Mapping[str, str]] = {
    "history-1": "history",
    "history-2": "history",
    "matching": "matching",
    "worker": "worker",
    "frontend": "frontend",
}
"""The service of each process, by the name of the process."""

SHARDS: Final = 8
DATABASES: Final[Mapping[str, str]] = {"temporal": "temporal", "temporal_visibility": "visibility"}
"""The databases of a cluster, each with the name of its schema."""

LOGIN: Final = "temporal"
DYNAMIC_CONFIG: Final = ROOT / "deploy" / "temporal" / "dynamicconfig.yaml"
"""The file that the containers give the server; nothing else is set."""

POSTGRES: Final = "postgres"
PARTS: Final = (*SERVICES, POSTGRES)
"""The processes of a cluster."""

_PORTS: Final = "ports.json"
_PLUGIN: Final = "postgres12_pgx"

# A member writes its port into a smallint: above 32,767 every process of the cluster ends at once.
INSIDE: Final = range(10_000, 15_000)
"""The ports among which those of the cluster's own parts are chosen."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the parts of a cluster are.

    Attributes:
        folder: of all its data.
        http: the port of the frontend's HTTP API.
        postgres: the port of its database.
        grpc: ports of the processes, by name; clients connect to that of the frontend.
        membership: ports on which they find each other.
    """

    folder: Path
    http: int
    postgres: int
    grpc: Mapping[str, int]
    membership: Mapping[str, int]

    @classmethod
    def of(cls, folder: Path, frontend: int, http: int, others: Iterator[int]) -> "Layout":
        """The layout of a folder: clients' ports as given, the inner ones as they were before."""
        if (folder / _PORTS).exists():
            kept = cls.found(folder)
            layout = replace(kept, http=http, grpc={**kept.grpc, "frontend": frontend})
        else:
            grpc = {name: next(others) for name in SERVICES} | {"frontend": frontend}
            membership = {name: next(others) for name in SERVICES}
            layout = cls(folder, http, next(others), grpc, membership)
        ports = {name: value for name, value in asdict(layout).items() if name != "folder"}
        (folder / _PORTS).write_text(json.dumps(ports))
        return layout

    @classmethod
    def found(cls, folder: Path) -> "Layout":
        """The layout of a cluster that has been started."""
        return cls(folder, **json.loads((folder / _PORTS).read_text()))

    @property
    def database_url(self) -> str:
        """The database that holds the workflows, for its owner."""
        return f"postgresql://{LOGIN}@{HOST}:{self.postgres}/temporal"

    @property
    def address(self) -> str:
        """Where clients connect."""
        return f"{HOST}:{self.grpc['frontend']}"

    def program(self, name: str) -> Path:
        """The program of a process: a link, so that one process can be upgraded at a time."""
        return self.folder / "programs" / name

    def file(self, name: str) -> Path:
        """The configuration of a process."""
        return self.folder / "config" / f"{name}.json"

    def log(self, name: str) -> Path:
        """The log of a process."""
        return self.folder / "logs" / f"{name}.log"

    def command(self, name: str) -> list[str]:
        """Program and arguments of a process."""
        file = ("--config-file", str(self.file(name)))
        start = ("start", "--service", SERVICES[name])
        return [str(self.program(name)), *file, "--allow-no-auth", *start]

    def tool(self, database: str) -> list[str]:
        """The arguments that bring Temporal's schema tool to a database of the cluster."""
        server = ("--plugin", _PLUGIN, "--endpoint", HOST, "--port", str(self.postgres))
        return [*server, "--user", LOGIN, "--database", database]

    def write_configuration(self) -> None:
        """Write the file of each process."""
        for name in SERVICES:
            self.file(name).parent.mkdir(0o700, exist_ok=True)
            self.file(name).write_text(json.dumps(self.configuration(name), indent=1))

    def configuration(self, name: str) -> dict[str, Any]:
        """What the file of a process says."""
        return {
            "log": {"stdout": True, "level": "warn"},
            "persistence": {
                "defaultStore": "temporal",
                "visibilityStore": "temporal_visibility",
                "numHistoryShards": SHARDS,
                "datastores": {database: self._store(database) for database in DATABASES},
            },
            "global": {"membership": {"maxJoinDuration": "30s", "broadcastAddress": HOST}},
            "services": {SERVICES[each]: {"rpc": self._rpc(each)} for each in (*SERVICES, name)},
            "clusterMetadata": self._metadata(),
            "dcRedirectionPolicy": {"policy": "noop"},
            "publicClient": {"hostPort": self.address},
            "dynamicConfigClient": {"filepath": str(DYNAMIC_CONFIG), "pollInterval": "10s"},
        }

    def _store(self, database: str) -> dict[str, Any]:
        place = {"connectAddr": f"{HOST}:{self.postgres}", "connectProtocol": "tcp"}
        limits = {"maxConns": 20, "maxIdleConns": 20, "maxConnLifetime": "1h"}
        return {
            "sql": {
                "pluginName": _PLUGIN,
                "databaseName": database,
                "user": LOGIN,
                **place,
                **limits,
            }
        }

    def _rpc(self, name: str) -> dict[str, Any]:
        http = {"httpPort": self.http} if name == "frontend" else {}
        ports = {"grpcPort": self.grpc[name], "membershipPort": self.membership[name]}
        return {**ports, **http, "bindOnIP": HOST}

    def _metadata(self) -> dict[str, Any]:
        active = {"enabled": True, "initialFailoverVersion": 1, "rpcName": "frontend"}
        return {
            "enableGlobalNamespace": False,
            "failoverVersionIncrement": 10,
            "masterClusterName": "active",
            "currentClusterName": "active",
            "clusterInformation": {"active": {**active, "rpcAddress": self.address}},
        }


def members(pid: int) -> dict[str, int]:
    """Process id by name, of the processes of a cluster.

    Args:
        pid: of the process that has started them.
    """
    found = {}
    with contextlib.suppress(psutil.NoSuchProcess):
        for child in psutil.Process(pid).children():
            with contextlib.suppress(psutil.NoSuchProcess, IndexError):
                found[Path(child.cmdline()[0]).name] = child.pid
    return {name: found[name] for name in PARTS if name in found}


def destroy(place: Path) -> int:
    """Remove the file of an embedded server or the folder of a cluster; returns its bytes."""
    if place.is_file():
        size = place.stat().st_size
        place.unlink()
        return size
    data = place / "pgdata"
    size = sum(each.stat().st_size for each in data.resolve().rglob("*") if each.is_file())
    remove_cluster(data)
    shutil.rmtree(place)
    return size
