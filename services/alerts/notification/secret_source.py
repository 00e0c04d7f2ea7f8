"""Where a secret is kept: its name stands in the settings, never the secret itself."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct

from shared.errors import ConfigurationError

MAX_SECRET_BYTES: Final = 4_096


class SecretSource(Struct, frozen=True, kw_only=True):
    """An environment variable or a file.

    where: the file of settings, the line and the setting that name it, for messages; line, setting: these two alone.
    """

    environment: str = ""
    file: Path | None = None
    where: str = ""
    line: int = 0
    setting: str = ""

    def reveal(self, environment: Mapping[str, str]) -> str:
        """The secret, without line breaks at its end. Raises `ConfigurationError` when there is none."""
        text = environment.get(self.environment, "") if self.file is None else self._read(self.file)
        if text.strip() == "":
            named = f"the variable {self.environment}" if self.file is None else f"the file {self.file}"
            raise ConfigurationError(f"{self.where}: {named}, which holds a secret, is missing or empty")
        return text.rstrip("\r\n")

    def _read(self, file: Path) -> str:
        try:
            with file.open("rb") as opened:
                content = opened.read(MAX_SECRET_BYTES + 1)
            if len(content) > MAX_SECRET_BYTES:
                raise ConfigurationError(
                    f"{self.where}: {file} is too large for a secret, {MAX_SECRET_BYTES} bytes at most"
                )
            return content.decode()
        except FileNotFoundError:
            return ""
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{self.where}: {file} cannot be read as a secret ({error})") from error
