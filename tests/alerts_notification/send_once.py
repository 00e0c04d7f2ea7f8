"""A process that sends what the outbox of a registry holds to one webhook, until it is killed: `URL-OF-REGISTRY PORT`."""

import random
import sys
import threading

from services.alerts.notification.sender import Sender
from services.alerts.notification.worker import Bounds
from shared.clock import now_us
from shared.registry.registry import Registry
from tests.alerts_notification.to_webhook import webhook_to


def main() -> None:
    """Send until killed."""
    registry = Registry(sys.argv[1])
    bounds = Bounds(timeout_s=20, max_tries=100, max_age_s=10**9)
    channels = {"web": webhook_to(int(sys.argv[2]), 20)}
    Sender(
        channels, registry.outbox, registry.outbox, bounds=bounds, clock_us=now_us, random=random.Random(1).random
    ).start()
    threading.Event().wait()


if __name__ == "__main__":
    main()
