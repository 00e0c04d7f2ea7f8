"""The database of a server, made where it is missing."""

import re
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from shared.errors import ConfigurationError
from shared.store.client import Store
from shared.store.failures import typed_errors

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_QUERY_LIMIT_S: Final = 30
_MEMORY_MB: Final = 512


def ensure_database(dsn: str) -> None:
    """Make the database that a server's DSN names, unless it is there; of a folder nothing is done.

    Raises `ConfigurationError` for a name that is none, `StoreError` when the server refuses or does not answer.
    """
    parts = urlsplit(dsn)
    name = parts.path.strip("/")
    if parts.scheme == "chdb" or not name:
        return
    if not _NAME.fullmatch(name):
        raise ConfigurationError(f"PARCOURS_CLICKHOUSE names the database {name}: letters, digits and _ only")
    server = Store(urlunsplit(parts._replace(path="")), _MEMORY_MB, _QUERY_LIMIT_S)
    try:
        known = {row[0] for row in server.query("SELECT name FROM system.databases").rows}
        if name not in known:
            with typed_errors("CREATE DATABASE"):
                server.writer().command(f"CREATE DATABASE IF NOT EXISTS `{name}`")
    finally:
        server.close()
