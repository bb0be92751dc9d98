"""What a database's schemas contain, as lines that can be compared."""

from collections.abc import Sequence

import asyncpg

from eventstore.postgres.roles import find_roles

_RELATIONS = """
SELECT format('%s %s %s %s %s owner %s rights %s', c.relkind, c.oid::regclass, c.relpersistence,
    c.reloptions, CASE WHEN c.relkind = 'v' THEN pg_get_viewdef(c.oid) END,
    c.relowner::regrole, c.relacl)
FROM pg_class AS c
WHERE c.relnamespace = ANY ($1::text[]::regnamespace[]) AND c.relkind IN ('r', 'p', 'v', 'S')
"""
_COLUMNS = """
SELECT format('column %s %s %s %s %s %s default %s identity %s', a.attrelid::regclass,
    row_number() OVER (PARTITION BY a.attrelid ORDER BY a.attnum), a.attname,
    format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attcollation::regcollation,
    pg_get_expr(d.adbin, d.adrelid), a.attidentity)
FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE c.relnamespace = ANY ($1::text[]::regnamespace[]) AND c.relkind IN ('r', 'p', 'v')
    AND a.attnum > 0 AND NOT a.attisdropped
"""
_SEQUENCES = """
SELECT format('sequence %s %s', s.seqrelid::regclass, to_jsonb(s) - 'seqrelid')
FROM pg_sequence AS s JOIN pg_class AS c ON c.oid = s.seqrelid
WHERE c.relnamespace = ANY ($1::text[]::regnamespace[])
"""
_CONSTRAINTS = """
SELECT format('constraint %s %s %s valid %s', conrelid::regclass, conname,
    pg_get_constraintdef(oid), convalidated)
FROM pg_constraint WHERE connamespace = ANY ($1::text[]::regnamespace[])
"""
_INDEXES = """
SELECT pg_get_indexdef(c.oid)
FROM pg_class AS c
WHERE c.relnamespace = ANY ($1::text[]::regnamespace[]) AND c.relkind = 'i'
"""
_TRIGGERS = """
SELECT format('%s enabled %s', pg_get_triggerdef(t.oid), t.tgenabled)
FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid
WHERE c.relnamespace = ANY ($1::text[]::regnamespace[]) AND NOT t.tgisinternal
"""
_FUNCTIONS = """
SELECT format('%s owner %s rights %s', pg_get_functiondef(oid), proowner::regrole, proacl)
FROM pg_proc WHERE pronamespace = ANY ($1::text[]::regnamespace[])
"""
_SCHEMAS = """
SELECT format('schema %s owner %s rights %s', nspname, nspowner::regrole, nspacl)
FROM pg_namespace WHERE oid = ANY ($1::text[]::regnamespace[])
"""
_KINDS = (_SCHEMAS, _RELATIONS, _COLUMNS, _SEQUENCES, _CONSTRAINTS, _INDEXES, _TRIGGERS, _FUNCTIONS)


async def contents(url: str, schemas: Sequence[str]) -> list[str]:
    """Tables, columns in their order, constraints, indexes, triggers, functions, rights and so on.

    The roles of a database are named after it: they are shown as ``owner``, ``reader`` …
    """
    connection = await asyncpg.connect(url)
    try:
        lines = [row[0] for kind in _KINDS for row in await connection.fetch(kind, list(schemas))]
        roles = await find_roles(connection)
    finally:
        await connection.close()
    assert roles is not None
    for shown, name in roles.all().items():
        lines = [line.replace(name, shown) for line in lines]
    return sorted(lines)
