"""A bound on how long a connection may be in use, kept on this side.

The limits that a server is given hold only while it lives: one that is paused keeps its connections open and says nothing.
"""

import os
import socket
import threading
from contextlib import suppress
from typing import Any, Final

from sqlalchemy import Engine, event
from sqlalchemy.exc import DisconnectionError

USE_LIMIT_S: Final = 12.0
"""Longer than a lock and a statement may take; nothing here holds a connection for longer."""
_KEY: Final = "parcours_deadline"


def bound_use(engine: Engine, limit_s: float = USE_LIMIT_S) -> None:
    """Cut connections that are not given back within `limit_s`: whoever waits on one gets an error then.

    A connection is tried when it is taken, within the limit, which the pool's own `pool_pre_ping` would not be. For drivers
    whose connection has a `fileno()`.
    """

    def begin(connection: Any, record: Any, _proxy: Any) -> None:
        deadline = _Deadline(connection.fileno(), limit_s)
        try:
            engine.dialect.do_ping(connection)
        except Exception as error:
            deadline.met()
            raise DisconnectionError from error  # the pool makes another
        record.info[_KEY] = deadline

    def end(_connection: Any, record: Any) -> None:
        deadline = record.info.pop(_KEY, None)
        if deadline is not None:
            deadline.met()

    event.listen(engine, "checkout", begin)
    event.listen(engine, "checkin", end)


class _Deadline:
    def __init__(self, descriptor: int, limit_s: float) -> None:
        # A copy of its own: the number may mean another file by the time the limit is over.
        self._socket = socket.socket(fileno=os.dup(descriptor))
        self._lock = threading.Lock()
        self._timer = threading.Timer(limit_s, self._passed)
        self._timer.daemon = True
        self._timer.start()

    def met(self) -> None:
        """The connection is given back."""
        self._timer.cancel()
        with self._lock:
            self._socket.close()

    def _passed(self) -> None:
        with self._lock, suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
