"""Builds the wheels of the product and its client, and uses them outside the repository.

They are installed into an environment of their own.

An editable install hides what a wheel forgets: a package that is not listed, an SQL file or a
`py.typed` that is not shipped, a dependency that only the development environment has.
"""

import os
import subprocess
import sys
import tomllib
import venv
import zipfile
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parent.parent
SHIPPED_SUFFIXES = {".py", ".sql", ".typed", ".html", ".css", ".js", ".svg"}


def shipped_packages() -> list[str]:
    """The top-level packages that pyproject.toml puts into the wheel."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return list(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])


def build_wheel(project: Path, folder: Path) -> Path:
    """Build the wheel of a project with the pinned backend, without isolation or network."""
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder), cwd=project)
    (wheel,) = folder.glob("*.whl")
    return wheel


def expected_files() -> set[str]:
    """Every source, SQL, page and marker file, and every schema, that must be in the wheel."""
    return {
        f"ordersaga/{path.relative_to(ROOT)}" for path in (ROOT / "schemas").rglob("*.json")
    } | {
        path.relative_to(ROOT).as_posix()
        for package in shipped_packages()
        for path in (ROOT / package).rglob("*")
        if path.suffix in SHIPPED_SUFFIXES or path.name == "py.typed"
    }


def check_contents(wheel: Path) -> None:
    """Compare the wheel with the working tree, both ways."""
    with zipfile.ZipFile(wheel) as archive:
        shipped = {name for name in archive.namelist() if ".dist-info/" not in name}
    missing = expected_files() - shipped
    strangers = {name for name in shipped if name.split("/")[0] not in shipped_packages()}
    if missing or strangers:
        sys.exit(f"wheel: missing {sorted(missing)}, not ours {sorted(strangers)}")
    print(f"wheel: {len(shipped)} files, {len(list(filter(is_sql, shipped)))} of them SQL")


def is_sql(name: str) -> bool:
    """Whether a file of the wheel is an SQL file."""
    return name.endswith(".sql")


def install(wheels: Iterable[Path], environment: Path) -> Path:
    """Make an environment with the locked dependencies and the wheels; return its programs."""
    venv.create(environment, with_pip=True)
    programs = environment / ("Scripts" if os.name == "nt" else "bin")
    python = str(programs / "python")
    requirements = str(ROOT / "requirements" / "production.txt")
    run(python, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", requirements)
    run(python, "-m", "pip", "install", "--quiet", "--no-deps", *map(str, wheels))
    run(python, "-m", "pip", "check")
    return programs


def use(programs: Path, folder: Path) -> None:
    """Import every package from the wheel and ask the command line for help, away from the tree."""
    python = str(programs / "python")
    imports = "; ".join(f"import {name}" for name in shipped_packages())
    where = "import ordersaga, sys; sys.exit(not ordersaga.__file__.startswith(sys.prefix))"
    run(python, "-I", "-c", f"{imports}; {where}", cwd=folder)
    run(python, "-I", "-m", "ordersaga", "--help", cwd=folder)
    run(str(programs / "ordersaga"), "--help", cwd=folder, quiet=True)


def run(*command: str, cwd: Path | None = None, quiet: bool = False) -> None:
    """Run a program; end with its output if it fails."""
    done = subprocess.run(
        command, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"failed ({done.returncode}): {' '.join(command)}\n{done.stdout}{done.stderr}")
    if done.stdout.strip() and not quiet:
        print(done.stdout.strip())


def main() -> None:
    """Build, look inside, install, use."""
    with TemporaryDirectory(prefix="ordersaga-wheel-") as name:
        folder = Path(name).resolve()
        wheel = build_wheel(ROOT, folder / "dist")
        check_contents(wheel)
        client = build_wheel(ROOT / "clients" / "python", folder / "client")
        programs = install((client, wheel), folder / "venv")
        use(programs, folder)
    print("wheel smoke test: ok")


if __name__ == "__main__":
    main()
