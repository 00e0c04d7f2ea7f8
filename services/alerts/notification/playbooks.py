"""What to do about each cause: Markdown files in French and English, shipped, and a site's own laid over them file by file."""

import logging
from pathlib import Path
from typing import Final

from msgspec import Struct

from services.alerts.notification.markdown import title_of, to_html
from services.alerts.notification.titles import CAUSES
from shared.errors import ConfigurationError

LANGUAGES: Final = ("fr", "en")
MAX_BYTES: Final = 65_536

_SHIPPED: Final = Path(__file__).parents[1] / "playbooks"

_log = logging.getLogger(__name__)


class Playbook(Struct, frozen=True, kw_only=True):
    """One playbook in one language. `from_site`: the site wrote its own."""

    name: str
    language: str
    title: str
    text: str
    from_site: bool

    def html(self, first_level: int = 1) -> str:
        """Its text as safe HTML."""
        return to_html(self.text, first_level)


class Playbooks:
    """The playbooks of a site: files are read when asked for, so a change shows at once."""

    def __init__(self, site: Path | None = None) -> None:
        self._site = site

    def get(self, name: str, language: str) -> Playbook | None:
        """The playbook of a cause (see `titles.CAUSES`), in French or else in English; `None` for an unknown cause.

        A file of the site that cannot be used is logged, and the shipped one given.
        """
        if name not in CAUSES:
            return None
        chosen = language if language in LANGUAGES else "en"
        own = self._own(name, chosen)
        text = (_SHIPPED / chosen / f"{name}.md").read_text(encoding="utf-8") if own is None else own
        title = title_of(text) or name
        return Playbook(name=name, language=chosen, title=title, text=text, from_site=own is not None)

    def check(self) -> None:
        """Raise `ConfigurationError` for a file in the site's folder that would never be shown, or cannot be."""
        if self._site is None:
            return
        problems = [each for language in LANGUAGES for each in self._problems(self._site / language)]
        if problems:
            raise ConfigurationError("\n".join(problems))

    def _problems(self, folder: Path) -> list[str]:
        found = []
        for file in sorted(folder.glob("*.md")):
            if file.stem not in CAUSES:
                found.append(f"{file}: no alert has this name; known: {', '.join(CAUSES)}")
                continue
            try:
                _read(file)
            except (OSError, ValueError) as error:
                found.append(f"{file}: cannot be shown: {error}")
        return found

    def _own(self, name: str, language: str) -> str | None:
        if self._site is None:
            return None
        file = self._site / language / f"{name}.md"
        try:
            return _read(file)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            _log.warning("a playbook of the site cannot be shown", extra={"file": str(file), "error": str(error)})
            return None


def _read(file: Path) -> str:
    """Raises `OSError`, or `ValueError` for what is no text or too long."""
    with file.open("rb") as opened:
        content = opened.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ValueError(f"longer than {MAX_BYTES} bytes")
    return content.decode()
