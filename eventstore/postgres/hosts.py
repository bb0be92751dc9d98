"""URLs that name several servers, such as the two between which a database fails over."""

from urllib.parse import parse_qsl, urlencode, urlsplit


def urls_of_hosts(dsn: str) -> list[str]:
    """The URL once for each host that it names, in their order.

    Hosts stand in the URL's place for them (`//one:5432,two:5432/shop`), or in its query, as libpq
    takes them (`//ann@/shop?host=one,two&port=5432,5433`).
    """
    url = urlsplit(dsn)
    login, at, hosts = url.netloc.rpartition("@")
    if hosts:
        return [url._replace(netloc=f"{login}{at}{host}").geturl() for host in hosts.split(",")]
    query = dict(parse_qsl(url.query))
    names, ports = query.get("host", "").split(","), query.get("port", "").split(",")
    ports = ports * len(names) if len(ports) == 1 else ports
    if len(names) == 1 or len(ports) != len(names):
        return [dsn]  # the driver knows what is meant, or says what is wrong
    each = [query | {"host": name, "port": port} for name, port in zip(names, ports, strict=True)]
    return [url._replace(query=urlencode(one)).geturl() for one in each]
