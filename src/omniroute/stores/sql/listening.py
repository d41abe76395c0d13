"""PostgreSQL's LISTEN and NOTIFY: hints between processes that a desk's log has grown.

One connection for each store, outside of its pool, and one thread that waits on it. Whatever goes
wrong with them costs nothing but time: watchers poll. Behind a pooler that gives connections out
transaction by transaction nothing is ever heard, and nothing else changes.
"""

from __future__ import annotations

import contextlib
import os
import select
import threading
from collections.abc import Callable
from typing import Any, Final

from omniroute.stores.hints import Hints

__all__ = ["CHANNEL", "NOTIFY", "Listener"]

CHANNEL: Final = "omniroute_changes"
NOTIFY: Final = f"SELECT pg_notify('{CHANNEL}', %s)"

_BEFORE_ANOTHER_TRY: Final = 1.0  # seconds


class Listener:
    """Hears what other processes announce, and wakes this one's watchers."""

    def __init__(self, connect: Callable[[], Any], hints: Hints) -> None:
        self._connect = connect
        self._hints = hints
        self._closing = threading.Event()
        self._ear, self._mouth = os.pipe()  # wakes the thread when it is to end
        self._thread = threading.Thread(target=self._run, name="omniroute-listen", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread and its connection."""
        if not self._closing.is_set():
            self._closing.set()
            os.write(self._mouth, b".")
            self._thread.join()
            os.close(self._ear)
            os.close(self._mouth)

    def _run(self) -> None:
        while not self._closing.is_set():
            with contextlib.suppress(Exception):  # the database is away: watchers poll meanwhile
                self._listen()
            self._closing.wait(_BEFORE_ANOTHER_TRY)

    def _listen(self) -> None:
        connection = self._connect()
        try:
            connection.autocommit = True
            connection.execute(f"LISTEN {CHANNEL}")
            self._hints.tell()  # what happened until now was not heard
            while not self._closing.is_set():
                select.select([connection.fileno(), self._ear], [], [])
                self._pass_on(connection.pgconn)
        finally:
            connection.close()

    def _pass_on(self, connection: Any) -> None:
        connection.consume_input()
        while (heard := connection.notifies()) is not None:
            self._hints.tell([heard.extra.decode()])
