-- What a login sees of the server, of the database and of itself.
SELECT
    current_setting('server_version') AS version,
    current_setting('server_version_num')::integer AS version_number,
    host(inet_server_addr()) AS address,
    inet_server_port() AS port,
    current_setting('server_encoding') AS encoding,
    current_user::text AS login,
    role.rolsuper AS is_superuser,
    EXISTS (
        SELECT FROM pg_stat_ssl AS session WHERE session.pid = pg_backend_pid() AND session.ssl
    ) AS is_encrypted,
    clock_timestamp() AS clock,
    current_setting('max_connections')::integer AS most_connections,
    current_setting('superuser_reserved_connections')::integer
        + coalesce(current_setting('reserved_connections', true)::integer, 0) AS reserved,
    role.rolconnlimit AS most_of_login,
    here.datconnlimit AS most_of_database
FROM pg_roles AS role, pg_database AS here
WHERE role.rolname = current_user AND here.datname = current_database();
