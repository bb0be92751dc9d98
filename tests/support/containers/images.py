"""The images that docker-compose.yml names: those of the registry, or stand-ins made here.

Stand-ins are made of Debian's packages and our wheels, under names of their own, so that they are
never taken for what they stand for.
"""

import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ordersaga.embedded.layout import DYNAMIC_CONFIG, temporal_program
from ordersaga.embedded.postgres import binaries
from tests.support.containers.podman import Podman
from tests.support.repository.compose import EXAMPLE, parse_env
from tests.support.repository.source_tree import ROOT, text_of

OURS: Final = "ORDERSAGA_IMAGE"
BASE: Final = "localhost/ordersaga-rehearsal/base:bookworm"
STAND_INS: Final = Path(__file__).parent / "stand_ins"
_PREFIX: Final = "localhost/ordersaga-rehearsal/"
_PACKAGES: Final = "python3,python3-venv,ca-certificates,netcat-openbsd,socat"
_CERTIFICATES: Final = Path("/etc/ssl/certs")
_OF_DEBIAN: Final = "Debian|bookworm|"
_REACHED_WITHIN_S: Final = 20.0

Say = Callable[[str], None]


@dataclass(frozen=True)
class Images:
    """What the containers are made of.

    Attributes:
        names: by the variable of the Compose file.
        temporal_pages: whether the Temporal UI has pages; the server brings none for a stand-in.
    """

    names: Mapping[str, str]
    temporal_pages: bool = True


def pulled_images(podman: Podman, say: Say) -> Images | None:
    """Pull every image but our own, which is built; None: the registry does not answer."""
    real = {name: _qualified(image) for name, image in _named().items() if name != OURS}
    if not _can_be_pulled(podman, real["POSTGRES_IMAGE"]):
        return None
    for image in sorted(set(real.values())):
        say(f"pulling {image}")
        podman("pull", "--quiet", image)
    say("building the shipped Dockerfile")
    ours = _PREFIX + _named()[OURS]
    _build_ours(podman, ours)
    return Images({**real, OURS: ours})


def made_images(podman: Podman, folder: Path, server: Path | None, say: Say) -> Images:
    """Build our own on the base image, and stand-ins of the others.

    Args:
        podman: builds them.
        folder: for what they are made of.
        server: a folder with Temporal's `temporal-server`, `temporal-sql-tool` and `schema`; None:
            the development server stands in for them.
        say: called with a line about each step.
    """
    made = {name: _PREFIX + image for name, image in _named().items()}
    say("building the shipped Dockerfile")
    _build_ours(podman, made[OURS], "--build-arg", f"PYTHON_IMAGE={BASE}")
    say("making stand-ins of the other images")
    temporal = _lay_out_temporal(folder / "temporal", server)
    built: dict[str, str] = {}
    for image in sorted(set(made.values()) - {made[OURS]}):
        target = _stand_in_of(image)
        if target in built:
            podman("tag", built[target], image)
        else:
            _build_stand_in(podman, target, image, temporal)
            built[target] = image
    return Images(made, temporal_pages=server is None)


def make_base(podman: Podman, folder: Path, say: Say) -> None:
    """A small Debian with Python, if there is none yet."""
    if podman.run("podman", "image", "exists", BASE).returncode == 0:
        return
    say("making a base image of Debian's packages")
    root = folder / "rootfs"
    command = ["debootstrap", "--variant=minbase", f"--include={_PACKAGES}", "bookworm"]
    podman.run(*command, str(root), _archive()).check_returncode()
    (root / "usr/bin/python").symlink_to("python3")
    packed = folder / "rootfs.tar"
    podman.run("tar", "-C", str(root), "-cf", str(packed), ".").check_returncode()
    podman("import", str(packed), BASE)
    shutil.rmtree(root)
    packed.unlink()


def _named() -> dict[str, str]:
    """The images of the Compose file, by variable."""
    example = parse_env(text_of(EXAMPLE))
    return {name: image for name, image in example.items() if name.endswith("IMAGE")}


def _qualified(image: str) -> str:
    """The name with its registry, as Docker understands the short one."""
    return f"docker.io/{image if '/' in image else f'library/{image}'}"


def _can_be_pulled(podman: Podman, image: str) -> bool:
    asking = ("podman", "manifest", "inspect", f"docker://{image}")
    try:
        return podman.run(*asking, limit_s=_REACHED_WITHIN_S).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def _archive() -> str:
    """Where this machine's apt has Debian's packages from."""
    form = "$(ORIGIN)|$(CODENAME)|$(REPO_URI)"
    command = ["apt-get", "indextargets", "--format", form]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return next(line for line in lines if line.startswith(_OF_DEBIAN)).rpartition("|")[2]


def _build_ours(podman: Podman, image: str, *more: str) -> None:
    """Our own image from our own Dockerfile; the build uses this machine's network and pip."""
    options = ["--network=host", f"--volume={_CERTIFICATES}:{_CERTIFICATES}:ro"]
    for name, value in sorted(podman.environment.items()):
        if name.startswith(("PIP_", "SSL_")) and name != "PIP_FIND_LINKS":
            options += ["--env", f"{name}={value}"]
    file = str(ROOT / "deploy" / "Dockerfile")
    podman("build", *options, *more, "-f", file, "-t", image, str(ROOT))


def _stand_in_of(image: str) -> str:
    """The target that stands in for it; that of Temporal's server has the tools too."""
    name = image.rpartition(":")[0].rpartition("/")[2]
    return name if name in ("postgres", "ui") else "server"


def _build_stand_in(podman: Podman, target: str, image: str, temporal: Path) -> None:
    package = binaries().parents[1]
    folders = {
        "scripts": STAND_INS,
        "postgres": package,
        "libraries": package.with_name(f"{package.name}.libs"),
        "temporal": temporal,
    }
    file = STAND_INS / ("postgres" if target == "postgres" else "temporal")
    contexts = [f"--build-context={name}={folder}" for name, folder in folders.items()]
    options = [*contexts, f"--target={target}", "--build-arg", f"BASE={BASE}"]
    podman("build", *options, "-f", f"{file}.Dockerfile", "-t", image, str(STAND_INS))


def _lay_out_temporal(folder: Path, server: Path | None) -> Path:
    """Programs and files of the images of Temporal: the server's, or the development server's."""
    programs, files = folder / "bin", folder / "etc"
    programs.mkdir(parents=True)
    shutil.copy2(temporal_program(), programs / "temporal")
    shutil.copytree(STAND_INS / "temporal", files)
    (files / "dynamic-config").write_text("".join(f"{value}\n" for value in DYNAMIC_CONFIG))
    if server is None:
        (files / "temporal-sql-tool").rename(programs / "temporal-sql-tool")
        for name in ("temporal", "visibility"):
            (files / "schema" / "postgresql" / "v12" / name / "versioned").mkdir(parents=True)
        return folder
    for name in ("temporal-server", "temporal-sql-tool"):
        shutil.copy2(server / name, programs / name)
    shutil.copytree(server / "schema", files / "schema")
    return folder
