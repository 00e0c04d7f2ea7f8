"""A webhook on this machine, as tests and their processes reach it."""

from ipaddress import ip_network

from services.alerts.notification.connection import Reach
from services.alerts.notification.webhook import WebhookChannel


def webhook_to(port: int, timeout_s: float) -> WebhookChannel:
    """The channel to a server on the loopback address."""
    reach = Reach(allow=(ip_network("127.0.0.0/8"),), timeout_s=timeout_s)
    return WebhookChannel(f"http://127.0.0.1:{port}/", [b"k" * 32], None, reach)
