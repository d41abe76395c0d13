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
from typing import Any, Final

from sqlalchemy import Engine

from omniroute.stores.hints import Hints

__all__ = ["CHANNEL", "NOTIFY", "Listener"]

CHANNEL: Final = "omniroute_changes"
NOTIFY: Final = f"SELECT pg_notify('{CHANNEL}', %s)"

_BEFORE_ANOTHER_TRY: Final = 1.0  # seconds


class Listener:
    """Hears what other processes announce, and wakes this one's watchers."""

    def __init__(
        self, engine: Engine, failures: tuple[type[BaseException], ...], hints: Hints
    ) -> None:
        self._engine = engine
        self._failures = (*failures, OSError)
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
            with contextlib.suppress(*self._failures):  # it is away: watchers poll meanwhile
                self._listen()
            self._closing.wait(_BEFORE_ANOTHER_TRY)

    def _listen(self) -> None:
        pooled: Any = self._engine.raw_connection()
        try:
            connection = pooled.driver_connection
            pooled.detach()  # so that the pool may open another in its place
            connection.autocommit = True
            connection.execute(f"LISTEN {CHANNEL}")
            self._hints.tell()  # what happened until now was not heard
            while not self._closing.is_set():
                select.select([connection.fileno(), self._ear], [], [])
                self._pass_on(connection.pgconn)
        finally:
            pooled.close()

    def _pass_on(self, connection: Any) -> None:
        connection.consume_input()
        while (heard := connection.notifies()) is not None:
            self._hints.tell([heard.extra.decode()])
