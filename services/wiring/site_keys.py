"""The keys of the site, and that they are those the log was written with.

Pseudonyms made with another key could never be joined with those stored, and nobody would see it happen. Beside the log
therefore stands a fingerprint of each key, which tells nothing of the key itself.
"""

import hashlib
import hmac
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from services.wiring.folder import DataFolder, write_json
from services.wiring.streams import EVENTS
from shared.errors import ConfigurationError, ParcoursError
from shared.privacy.keys import Keys, load_or_make_keys

_TEXT: Final = b"parcours key fingerprint"
_FINGERPRINT_CHARS: Final = 16

_decoder = msgspec.json.Decoder(dict[str, str])


def open_site_keys(folder: DataFolder) -> Keys:
    """The keys; new ones only for a folder without events. Fingerprints that are not beside the log yet are written.

    Raises `ConfigurationError`, one line, when keys are missing, cannot be used, or are not those of the log.
    """
    if folder.stream(EVENTS).exists() and not _has_keys(folder.keys):
        raise ConfigurationError(
            f"{folder.keys}: the keys are missing while {folder.stream(EVENTS)} holds events made with them; "
            f"restore the keys from a backup, or start with an empty data folder"
        )
    keys = load_or_make_keys(folder.keys)
    found = fingerprints(keys)
    known = _read(folder.key_fingerprints)
    _compare(folder, known, found)
    if known != found:
        try:
            write_json(folder.key_fingerprints, found, durable=True)
        except OSError as error:
            raise ParcoursError(f"{folder.key_fingerprints} cannot be written: {error.strerror}") from error
    return keys


def check_site_keys(folder: DataFolder) -> None:
    """The same, before anything is started, for a folder that has events."""
    if folder.stream(EVENTS).exists():
        open_site_keys(folder)


def fingerprints(keys: Keys) -> dict[str, str]:
    """By the name of the key's file."""
    named = {"routing.key": keys.routing, "sealing.key": keys.sealing}
    named |= {f"pseudonym-{epoch}.key": key for epoch, key in keys.pseudonym.items()}
    return {name: hmac.new(key, _TEXT, hashlib.sha256).hexdigest()[:_FINGERPRINT_CHARS] for name, key in named.items()}


def _compare(folder: DataFolder, known: Mapping[str, str], found: Mapping[str, str]) -> None:
    for name, fingerprint in sorted(known.items()):
        if found.get(name) != fingerprint:
            problem = "is not the key" if name in found else "is missing, a key"
            raise ConfigurationError(
                f"{folder.keys / name} {problem} that {folder.log} was written with (its fingerprint is in "
                f"{folder.key_fingerprints}): restore keys/ and log/ from one backup, or start with an empty data folder"
            )


def _has_keys(keys: Path) -> bool:
    try:
        return any(path.suffix == ".key" for path in keys.iterdir())
    except FileNotFoundError:
        return False
    except OSError as error:
        raise ConfigurationError(f"{keys}: the keys cannot be read: {error.strerror}") from error


def _read(path: Path) -> dict[str, str]:
    try:
        return _decoder.decode(path.read_bytes())
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigurationError(f"{path}: the fingerprints of the keys cannot be read: {error.strerror}") from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{path}: the fingerprints of the keys are damaged; restore the file from a backup, or delete it if keys/ is "
            f"known to be the right one"
        ) from error
