"""Databases of other versions: of the oldest release, and of before there was one."""

import subprocess
from pathlib import PurePosixPath

import asyncpg

from eventstore.postgres.migrator import Schema
from tests.support.repository.source_tree import ROOT


def oldest_release() -> str | None:
    """The first tag ``v<version>``; None before the first release."""
    tags = _git("tag", "--list", "v*", "--sort=version:refname").split()
    return tags[0] if tags else None


def released_baseline(schema: Schema, tag: str) -> str:
    """The files of `schema/` as they were in a release, as one script."""
    folder = PurePosixPath(schema.package.replace(".", "/"), "schema")
    names = _git("ls-tree", "--name-only", tag, f"{folder}/").splitlines()
    return "\n".join(_git("show", f"{tag}:{name}") for name in sorted(names) if ".sql" in name)


async def make_old_chain(url: str) -> None:
    """What versions before 0.1.0 left behind: rows named after their numbered files."""
    connection = await asyncpg.connect(url)
    await connection.execute("CREATE TABLE public.applied_migrations (name text PRIMARY KEY)")
    await connection.execute(
        "INSERT INTO public.applied_migrations (name) VALUES ('eventstore/0001_schema')"
    )
    await connection.close()


def _git(*arguments: str) -> str:
    command = ["git", *arguments]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
