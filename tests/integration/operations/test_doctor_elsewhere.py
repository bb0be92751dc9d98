"""What `doctor` says of servers of other kinds: a standby, a full one, one with TLS, one of two."""

import datetime as dt
import ipaddress
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ordersaga.bootstrap.schema import migrate_all
from ordersaga.embedded.postgres import EmbeddedPostgres
from tests.support.faults import database as faults
from tests.support.stack.stack import free_ports
from tests.support.stores.doctor import found, only_bad, running
from tests.support.stores.logins import as_processes
from tests.support.stores.postgres_server import PostgresServer

DEBIANS = Path("/usr/lib/postgresql/15/bin")
"""The wheel's server was built without TLS."""


@asynccontextmanager
async def migrated(
    folder: Path, *, of: Path | None = None, **options: str
) -> AsyncIterator[tuple[PostgresServer, str]]:
    """A server, and the URL of the login of processes in its database."""
    with running(folder, of=of, **options) as server:
        await migrate_all(server.url())
        yield server, await as_processes(server.url())


async def test_a_standby_is_named(tmp_path: Path) -> None:
    async with migrated(tmp_path) as (server, url):
        server.stop()
        (server.data_dir / "standby.signal").touch()
        server.start()
        assert "is read-only (a standby" in (await only_bad(url, "writing")).finding


@pytest.mark.system
async def test_a_full_disk_is_named(tmp_path: Path) -> None:
    with faults.small_disk(tmp_path / "disk", 200):
        async with migrated(tmp_path / "disk", wal_recycle="off") as (_, url):
            with faults.full(tmp_path / "disk"):
                bad = await only_bad(url, "writing")
                assert bad.finding == "the database has no disk space left"
            assert (await found(url))["writing"].ok


@pytest.mark.system
async def test_encryption_is_told_with_what_it_is_worth(tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    options = {"ssl": "on", "ssl_cert_file": str(certificate), "ssl_key_file": str(key)}
    async with migrated(tmp_path, of=DEBIANS, **options) as (_, url):
        by_default = (await found(url))["encryption"]
        assert by_default.finding == "TLS, but sslmode=prefer checks no certificate"
        assert "verify-full" in by_default.advice
        verified = f"{url}?sslmode=verify-full&sslrootcert={certificate}"
        checked = (await found(verified))["encryption"]
        assert (checked.ok, checked.advice) == (True, "")
        other, _ = self_signed(tmp_path / "other")
        (refused,) = (await found(f"{url}?sslmode=verify-full&sslrootcert={other}")).values()
        assert "could not be reached by TLS (self-signed certificate)" in refused.finding


async def test_the_host_of_several_that_answered_is_named(tmp_path: Path) -> None:
    async with migrated(tmp_path) as (server, url):
        (nobody,) = free_ports(1)
        both = url.replace(
            f"127.0.0.1:{server.port}", f"127.0.0.1:{nobody},127.0.0.1:{server.port}"
        )
        finding = (await found(both))["database"].finding
        assert f"127.0.0.1:{nobody},127.0.0.1:{server.port}/" in finding
        assert finding.endswith(f"answered by 127.0.0.1:{server.port}")


def self_signed(folder: Path) -> tuple[Path, Path]:
    """A certificate for this machine that signs itself, and its key, which the server may read."""
    folder.mkdir(exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ordersaga test")])
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now).not_valid_after(now + dt.timedelta(days=1))
    local = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    signed = builder.add_extension(local, critical=False).sign(key, hashes.SHA256())
    files = folder / "server.crt", folder / "server.key"
    files[0].write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    files[1].chmod(0o600)
    if os.geteuid() == 0:  # the server then runs as a user of its own
        for file in files:
            shutil.chown(file, EmbeddedPostgres(folder, 0).user)
    return files
