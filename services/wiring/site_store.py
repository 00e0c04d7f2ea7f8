"""The ClickHouse of this site, and the right to change what it holds or to read it undisturbed."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from services.wiring.analytics import open_store as open_folder
from services.wiring.cluster.loader import SERVICE as LOADER
from services.wiring.cluster.parts import instance_name
from services.wiring.folder import DataFolder
from services.wiring.registry import open_registry
from services.wiring.site_keys import fingerprints
from services.wiring.version import program_version
from shared.errors import ConfigurationError, RegistryError
from shared.privacy.keys import load_or_make_keys
from shared.registry.keeper import LeaseKeeper
from shared.settings import Settings
from shared.store.client import Store
from shared.store.database import ensure_database
from shared.store.dump import TABLES, dump
from shared.store.dump_manifest import DumpFile, read_manifest
from shared.store.restore import restore

LEASE_WAIT_S: Final = 10.0
RECORDS: Final = "records.json"
"""The file of a dump that holds what the registry keeps of people's records."""

Counted = Callable[[int, int], None]
"""Rows done, of all."""


def open_site_store(settings: Settings) -> Store:
    """The server of the settings, or ClickHouse in the data folder; nothing is opened before its first use."""
    if settings.clickhouse:
        return Store(settings.clickhouse, settings.clickhouse_memory_mb, settings.query_limit_s)
    folder = DataFolder(settings.data)
    folder.create()
    return open_folder(settings, folder)


def dump_site(settings: Settings, folder: Path, counted: Counted) -> Mapping[str, int]:
    """Dump what ClickHouse holds, while nothing is loaded; rows by table. Raises `ParcoursError`."""
    keys = _keys(settings, "the keys belong to a dump: run this where they are")
    with _undisturbed(settings) as (store, still):
        total = sum(
            store.query("SELECT count() FROM {table:Identifier}", {"table": name}).rows[0][0] for name in TABLES
        )
        rows = dump(store, folder, program_version(), keys, _telling(counted, total, still)).rows
    with open_registry(settings) as registry:
        registry.upgrade()
        return dict(rows) | dict(registry.write_records(folder / RECORDS))


def restore_site(settings: Settings, folder: Path, counted: Counted) -> Mapping[str, int]:
    """Restore a dump into this site's empty ClickHouse, while nothing is loaded; rows by table. Raises `ParcoursError`.

    The keys must be there before: rows made with other keys would never belong to the same persons as new ones.
    """
    manifest, _ = read_manifest(folder)
    here = _keys(settings, "copy the folder keys/ of the site that was dumped to this place first")
    for name, fingerprint in sorted(manifest.keys.items()):
        if here.get(name) != fingerprint:
            raise ConfigurationError(
                f"{DataFolder(settings.data).keys / name} is not the key that the dump was made with: copy keys/ of the "
                f"site that was dumped to this place first"
            )
    with _undisturbed(settings) as (store, still):
        ensure_database(settings.clickhouse)
        rows = restore(store, folder, _telling(counted, sum(manifest.rows.values()), still)).rows
    return dict(rows) | _restore_records(settings, folder)


def _restore_records(settings: Settings, folder: Path) -> dict[str, int]:
    """What people wrote down; a dump of an earlier version has none."""
    if not (folder / RECORDS).exists():
        return {}
    with open_registry(settings) as registry:
        registry.upgrade()
        return dict(registry.read_records(folder / RECORDS))


def _keys(settings: Settings, advice: str) -> dict[str, str]:
    keys = DataFolder(settings.data).keys
    if not keys.is_dir() or not any(keys.glob("*.key")):
        raise ConfigurationError(f"{keys}: there are no keys; {advice}")
    return fingerprints(load_or_make_keys(keys))


@contextmanager
def _undisturbed(settings: Settings) -> Iterator[tuple[Store, Callable[[], bool]]]:
    """The store, and whether nothing else may load it: by the folder's lock, or by the loader's lease."""
    with ExitStack() as stack:
        store = open_site_store(settings)
        stack.callback(store.close)
        if not settings.clickhouse:
            yield store, lambda: True
            return
        registry = stack.enter_context(open_registry(settings))
        registry.upgrade()
        keeper = stack.enter_context(LeaseKeeper(registry.leases, LOADER, instance_name(settings)))
        if not keeper.wait(LEASE_WAIT_S):
            holder = str(registry.leases.holder(LOADER)).partition("/")[0]
            raise ConfigurationError(
                f"A loader is running ({holder}): stop the loaders, and start them again afterwards"
            )
        yield store, keeper.held


def _telling(counted: Counted, total: int, still: Callable[[], bool]) -> Callable[[DumpFile], None]:
    done = 0

    def tell(file: DumpFile) -> None:
        nonlocal done
        if not still():
            raise RegistryError("The loader's lease was lost: something may be loaded meanwhile; begin again")
        done += file.rows
        counted(done, total)

    return tell
