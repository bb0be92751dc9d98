-- What the role of processes ($1) was granted and this login may not do.
SELECT lower(granted.privilege) || ' on ' || granted.object
FROM (
    SELECT acl.privilege_type, acl.grantee, s.oid::regnamespace::text,
        has_schema_privilege(s.oid, acl.privilege_type)
    FROM pg_namespace AS s, aclexplode(s.nspacl) AS acl
    UNION ALL
    SELECT acl.privilege_type, acl.grantee, c.oid::regclass::text,
        has_table_privilege(c.oid, acl.privilege_type)
    FROM pg_class AS c, aclexplode(c.relacl) AS acl
    UNION ALL
    SELECT acl.privilege_type, acl.grantee, p.oid::regprocedure::text,
        has_function_privilege(p.oid, acl.privilege_type)
    FROM pg_proc AS p, aclexplode(p.proacl) AS acl
) AS granted (privilege, grantee, object, is_held)
WHERE granted.grantee = (SELECT r.oid FROM pg_roles AS r WHERE r.rolname = $1)
    AND NOT granted.is_held
ORDER BY 1;
