"""What one user runs with `ordersaga up` is closed to the others of the machine."""

import ipaddress
import os
import shutil
import stat
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import psutil
import pytest

from ordersaga.embedded import system_user
from ordersaga.embedded.layout import API_LOGIN, DATABASE, OPERATOR, PROJECTIONS_LOGIN, WORKER_LOGIN
from ordersaga.embedded.postgres import HOST, SUPERUSER, binaries
from ordersaga.embedded.system_user import NAME, reachable_programs, remove_cluster
from tests.support.stack.stack import Up, clean_environment, ordersaga
from tests.support.stores.postgres_server import let_pass

OF_OTHERS = 0o077
LOGINS = (SUPERUSER, OPERATOR, WORKER_LOGIN, PROJECTIONS_LOGIN, API_LOGIN)
MODES: dict[Path, int] = {}


@pytest.fixture(scope="module")
async def own_stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Up]:
    """A stack in a folder that did not exist, below one that others may enter."""
    above = tmp_path_factory.mktemp("above")
    let_pass(above)  # so that only the folder itself keeps others out
    up = Up(above / "data")
    MODES.update((folder, folder.stat().st_mode) for folder in up.data_dir.parents)
    umask = os.umask(0o022)
    try:
        await up.start()
    finally:
        os.umask(umask)
    yield up
    await up.stop()
    remove_cluster(up.data_dir / "pgdata")


def test_files_and_folders_are_for_their_owner_only(own_stack: Up) -> None:
    found = [own_stack.data_dir, *own_stack.data_dir.rglob("*")]
    found += (own_stack.data_dir / "pgdata").resolve().rglob("*")
    assert len(found) > 500
    open_ones = [
        path
        for path in found
        if not path.is_symlink() and path.exists() and stat.S_IMODE(path.stat().st_mode) & OF_OTHERS
    ]
    assert open_ones == []


def test_the_folders_above_stay_as_they_are(own_stack: Up) -> None:
    assert {folder: folder.stat().st_mode for folder in own_stack.data_dir.parents} == MODES


def test_nothing_listens_but_on_loopback(own_stack: Up) -> None:
    family = own_stack.family()
    sockets = [each for process in family for each in process.net_connections("inet")]
    listening = {each.laddr for each in sockets if each.status == psutil.CONN_LISTEN}
    assert len({port for _, port in listening}) >= 5
    assert [
        address for address in listening if not ipaddress.ip_address(address[0]).is_loopback
    ] == []


@pytest.mark.parametrize("login", [*LOGINS, "nobody"])
@pytest.mark.parametrize("password", ["", ":", ":guess"])
async def test_no_login_gets_in_without_its_password(
    own_stack: Up, login: str, password: str
) -> None:
    place = own_stack.state().database_url.rpartition("@")[2]
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(f"postgresql://{login}{password}@{place}", passfile="/nowhere")


async def test_no_program_of_the_stack_is_a_superuser(own_stack: Up) -> None:
    connection = await asyncpg.connect(own_stack.state().database_url)
    logins = await connection.fetch(
        "SELECT DISTINCT usename::text, usesuper FROM pg_stat_activity JOIN pg_user USING (usename)"
        " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
    )
    assert {tuple(row) for row in logins} == {
        (login, False) for login in (API_LOGIN, PROJECTIONS_LOGIN, WORKER_LOGIN)
    }
    assert await connection.fetchval(
        "SELECT NOT usesuper FROM pg_user WHERE usename = $1", OPERATOR
    )
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute("COPY (SELECT 1) TO PROGRAM 'cat'")
    await connection.close()


def test_passwords_are_not_printed_and_in_no_command_line(own_stack: Up) -> None:
    password = own_stack.state().database_url.split(":")[2].split("@")[0]
    assert len(password) >= 32
    assert password not in "".join(own_stack.printed)
    for process in own_stack.family():
        assert password not in " ".join(process.cmdline())


async def test_a_folder_of_something_else_that_is_open_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    folder.chmod(0o755)
    (folder / "letter.txt").touch()
    ended = await ordersaga("up", "--data-dir", str(folder), env=clean_environment())
    assert ended.code == 1
    assert "holds other files" in ended.err
    assert [path.name for path in folder.iterdir()] == ["letter.txt"]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o755


@pytest.mark.system
@pytest.mark.parametrize("other", ["nobody", NAME])
def test_another_user_gets_nowhere(own_stack: Up, other: str) -> None:
    data_dir, state = own_stack.data_dir, own_stack.state()
    for file in ("stack.json", "master.key", "pgdata.passwords.json", "temporal.db", "logs"):
        assert "Permission denied" in said(other, "cat", str(data_dir / file)), file
    assert "Permission denied" in said(other, "ls", str(data_dir))
    if other != NAME:
        assert "Permission denied" in said(other, "ls", str((data_dir / "pgdata").resolve()))
    psql = str(reachable_programs(binaries()) / "psql")
    port = state.database_url.rpartition(":")[2].partition("/")[0]
    for login in LOGINS:
        command = ("-w", "-h", HOST, "-p", port, "-U", login, "-d", DATABASE, "-c", "SELECT 1")
        assert "no password supplied" in said(other, psql, *command)


def said(user: str, *command: str) -> str:
    """What a program that fails says, run by another user."""
    done = subprocess.run(
        command, user=user, env={}, cwd="/", capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    return done.stderr


@pytest.mark.system
def test_programs_that_the_servers_user_cannot_reach_run_from_a_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_pass(tmp_path)
    closed = tmp_path / "closed"
    closed.mkdir(0o700)
    package = binaries().parents[1]
    for folder in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(folder, closed / folder.name, symlinks=True)
    monkeypatch.setattr(system_user, "_PROGRAMS", tmp_path / "programs")
    programs = reachable_programs(closed / binaries().relative_to(package.parent))
    assert programs.is_relative_to(tmp_path / "programs")
    for _ in range(2):  # made once
        done = subprocess.run([programs / "postgres", "--version"], user=NAME, check=False, cwd="/")
        assert done.returncode == 0
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
