"""The registry of a site: a server's database, or a file in the data folder."""

from services.wiring.folder import DataFolder
from shared.registry.registry import Registry
from shared.settings import Settings


def open_registry(settings: Settings) -> Registry:
    """The database that processes share; without the setting, a file in the data folder. Nothing is opened yet."""
    folder = DataFolder(settings.data)
    if not settings.registry:
        folder.create()
    return registry_in(settings, folder)


def registry_in(settings: Settings, folder: DataFolder) -> Registry:
    """The same, without making the folder."""
    return Registry(settings.registry or f"sqlite:///{folder.registry.resolve()}")
