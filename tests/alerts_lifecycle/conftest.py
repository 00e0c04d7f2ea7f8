"""Registries as the tests of the registry have them: SQLite, and a real PostgreSQL."""

from tests.registry.conftest import open_registry, postgresql_server, postgresql_url, registry, url

__all__ = ["open_registry", "postgresql_server", "postgresql_url", "registry", "url"]
