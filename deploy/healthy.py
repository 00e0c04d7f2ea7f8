"""Whether a service of a cluster is well, as container engines ask it: exit status 0 or 1, with one line on why not.

`healthy.py http PORT` asks `/readyz`; `healthy.py heartbeat SERVICE` asks the registry for the sign of this instance.
"""  # noqa: INP001  # a program, not a package

import os
import sys
from http.client import HTTPConnection, HTTPException
from typing import Final

LIMIT_S: Final = 4.0
SILENT_S: Final = 15.0
"""The service itself gives a sign every second."""


def over_http(port: str) -> str | None:
    """Why `/readyz` on this port is not 200; `None` when it is."""
    connection = HTTPConnection("127.0.0.1", int(port), timeout=LIMIT_S)
    try:
        connection.request("GET", "/readyz")
        status = connection.getresponse().status
    except (OSError, HTTPException) as error:
        return f"port {port} does not answer ({type(error).__name__})"
    finally:
        connection.close()
    return None if status == 200 else f"/readyz answers {status}"


def by_heartbeat(service: str) -> str | None:
    """Why this instance of the service counts as silent; `None` when it gave a sign just now."""
    from shared.errors import ParcoursError  # noqa: PLC0415  # the other way needs none of this
    from shared.registry.registry import Registry  # noqa: PLC0415

    instance = os.environ["PARCOURS_INSTANCE"]
    try:
        with Registry(os.environ["PARCOURS_REGISTRY"]) as registry:
            ages_s = [each.age_s for each in registry.heartbeats.latest(service) if each.instance == instance]
    except ParcoursError as error:
        return str(error)
    if not ages_s:
        return f"{service} {instance} has given no sign yet"
    return None if min(ages_s) < SILENT_S else f"the last sign of {service} {instance} is {min(ages_s):.0f} s old"


if __name__ == "__main__":
    how, what = sys.argv[1:]
    sys.exit({"http": over_http, "heartbeat": by_heartbeat}[how](what))
