"""The keys that every gateway of a cluster must have: the same on all machines, and those of the log."""

from services.wiring.folder import DataFolder
from services.wiring.site_keys import fingerprints
from shared.errors import ConfigurationError, RegistryError
from shared.privacy.keys import Keys, load_or_make_keys
from shared.registry.values import Values

VALUE = "journey-events keys"


def open_cluster_keys(folder: DataFolder, values: Values) -> Keys:
    """The keys in the data folder, which `setup` made or an operator put there.

    The first process notes their fingerprints in the registry; with others, pseudonyms could never be joined. Raises
    `ConfigurationError` when keys are missing or are not those of the cluster, and `RegistryError`.
    """
    if not folder.keys.is_dir() or not any(folder.keys.glob("*.key")):
        raise ConfigurationError(
            f"{folder.keys}: no keys; run `parcours service setup` with this data folder, or copy the keys of the cluster"
        )
    keys = load_or_make_keys(folder.keys)
    found = fingerprints(keys)
    if values.get(VALUE) is None:
        values.put(VALUE, found, 0)
    known = values.get(VALUE)
    if known is None:
        raise RegistryError(f"The registry does not keep the value {VALUE}")
    if dict(known.document) != found:
        raise ConfigurationError(
            f"{folder.keys}: not the keys that this cluster's events were written with (their fingerprints are in the "
            f"registry, value `{VALUE}`); copy the keys of the cluster here"
        )
    return keys
