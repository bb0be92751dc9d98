"""What the kernel lets a container's process do, beside what its service is allowed."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from tests.support.containers.podman import Container

_CAPABILITIES: Final = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
_CONTROLS: Final = Path("/sys/fs/cgroup")


def excesses(container: Container, service: Mapping[str, Any]) -> list[str]:
    """What its main process may do beyond its service, in words; asked of the kernel.

    Args:
        container: a running one, as Podman knows it.
        service: as Compose understands it.
    """
    process = Path("/proc") / str(container["State"]["Pid"])
    return [*_rights(process), *_writable(process, service), *_limits(process, service)]


def _rights(process: Path) -> Iterator[str]:
    status = dict(
        line.split(":", 1) for line in (process / "status").read_text().splitlines() if ":" in line
    )
    if "0" in status["Uid"].split():
        yield "runs as root"
    for name in _CAPABILITIES:
        if int(status[name], 16):
            yield f"{name} is {status[name].strip()}"
    if status["NoNewPrivs"].strip() != "1":
        yield "may gain privileges"
    if status["Seccomp"].strip() != "2":
        yield "has no filter of system calls"


def _writable(process: Path, service: Mapping[str, Any]) -> Iterator[str]:
    mounts = [line.split() for line in (process / "mountinfo").read_text().splitlines()]
    (root,) = (fields[5].split(",") for fields in mounts if fields[4] == "/")
    if service.get("read_only") and "ro" not in root:
        yield "writes its file system"


def _limits(process: Path, service: Mapping[str, Any]) -> Iterator[str]:
    given = service["deploy"]["resources"]["limits"]
    for what, limit, allowed in (
        ("bytes of memory", _memory(process), float(given["memory"])),
        ("processes", _processes(process), float(given["pids"])),
        ("processors", _processors(process), float(given["cpus"])),
    ):
        if limit > allowed:
            yield f"{what}: {limit:g}, not {allowed:g}"


def _memory(process: Path) -> float:
    return _number(_control(process, "memory", "memory.limit_in_bytes", "memory.max"))


def _processes(process: Path) -> float:
    return _number(_control(process, "pids", "pids.max", "pids.max"))


def _processors(process: Path) -> float:
    quota = _control(process, "cpu", "cpu.cfs_quota_us", "cpu.max").split()
    period = quota[1:] or [_control(process, "cpu", "cpu.cfs_period_us", "cpu.max")]
    return float("inf") if quota[0] in ("-1", "max") else float(quota[0]) / float(period[0])


def _number(text: str) -> float:
    return float("inf") if text == "max" else float(text)


def _control(process: Path, name: str, old: str, new: str) -> str:
    """A value of the process's control group, of the first or of the second version."""
    for line in (process / "cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if name in controllers.split(","):
            return (_CONTROLS / name / path.lstrip("/") / old).read_text().strip()
        if not controllers and (file := _CONTROLS / path.lstrip("/") / new).exists():
            return file.read_text().strip()
    raise RuntimeError(f"no control group limits {name}")
