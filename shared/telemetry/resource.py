"""What every signal says of its process."""

import socket

from opentelemetry.sdk.resources import SERVICE_INSTANCE_ID, SERVICE_NAME, SERVICE_VERSION, Resource


def describe_process(service: str, instance: str = "", version: str = "") -> Resource:
    """The service, the process among its kind (without a name: its host), the version. Nothing else is looked up."""
    names = {SERVICE_NAME: f"parcours-{service}", SERVICE_INSTANCE_ID: instance or socket.gethostname()}
    return Resource(names | ({SERVICE_VERSION: version} if version else {}))
