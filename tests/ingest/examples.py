"""Events as publishers send them."""

import json
from typing import Any


def event(number: int = 1, /, **changes: Any) -> dict[str, Any]:
    """A good event; `data` changes are given as `data_NAME`, and `None` removes a field."""
    value: dict[str, Any] = {
        "specversion": "1.0",
        "id": f"e{number}",
        "source": "/test",
        "type": "contact.made",
        "time": "2026-11-01T10:00:00+01:00",
        "subject": "account:17",
        "data": {"service": "housing-benefit"},
    }
    for name, change in changes.items():
        target, key = (value["data"], name.removeprefix("data_")) if name.startswith("data_") else (value, name)
        if change is None:
            target.pop(key, None)
        else:
            target[key] = change
    return value


def text(value: Any) -> bytes:
    """The JSON text."""
    return json.dumps(value, ensure_ascii=False).encode()


def batch(*events: dict[str, Any] | bytes) -> bytes:
    """A batch of events; bytes are put in as they are."""
    return b"[" + b",".join(item if isinstance(item, bytes) else text(item) for item in events) + b"]"


def lines(*events: dict[str, Any] | bytes) -> bytes:
    """NDJSON of events; bytes are put in as they are."""
    return b"\n".join(item if isinstance(item, bytes) else text(item) for item in events)
