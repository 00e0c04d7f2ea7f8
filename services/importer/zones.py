"""Time zones by name, from the machine's database or the one that comes with the platform."""

from datetime import tzinfo
from zoneinfo import ZoneInfo


def read_zone(name: object) -> tzinfo | None:
    """The zone of an IANA name, or `None` if there is none such."""
    if not isinstance(name, str) or not name:
        return None
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):  # OSError: the name of a folder of the database
        return None
