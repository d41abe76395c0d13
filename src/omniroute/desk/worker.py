"""The worker: ticks and delivers for every desk of a store, in as many processes as one likes.

A desk's row says when somebody should come by at the latest. Workers choose the earliest under a
lease that runs out by itself, so that they share the desks among them and a dead one delays its
desks by a minute.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from omniroute.desk.desk import Desk
from omniroute.desk.runtime import Runtime
from omniroute.desk.tick import earliest
from omniroute.desk.unit import Unit
from omniroute.errors import StoreError, UsageError
from omniroute.instants import SECOND, to_duration
from omniroute.lazy import later
from omniroute.model.values import frozen
from omniroute.ports import Transaction
from omniroute.rules.arguments import blaming
from omniroute.rules.names import shown
from omniroute.schema import DESKS, OUTBOX

if TYPE_CHECKING:
    import logging
else:
    (logging,) = later(globals(), None, "logging")

__all__ = ["Round", "Worker"]

_DUE = DESKS.index("due_desks")
_READY = OUTBOX.index("ready")

_LEASE: Final = 60 * SECOND
_AT_ONCE: Final = 16
_SWEEP: Final = 30 * SECOND
"""How long a desk goes without a visit: what was accepted without its lock waits no longer than this."""


@frozen
class Round:
    """What one round did: desks visited, deadlines fired, messages tried."""

    desks: int
    fired: int
    tried: int


@blaming
class Worker:
    """Does what is due, for all desks of a store.

    `wait` is called with the seconds to pause after a round in which no desk was due: the `wait` of
    a `threading.Event`, or a sleep.
    """

    def __init__(
        self, runtime: Runtime, *, wait: Callable[[float], object], every: str | timedelta
    ) -> None:
        if not callable(wait):
            raise UsageError(
                "cannot be used", where="wait", expected="a function of seconds", got=shown(wait)
            )
        self._runtime = runtime
        self._wait = wait
        self._pause = to_duration(every, where="every") / SECOND

    def run(self, stop: Callable[[], bool]) -> None:
        """Work until `stop()` says so, whatever happens meanwhile.

        A store that does not answer is asked again after a pause. A desk that fails is left for a
        minute, and the others go on. Both are told in the log `omniroute.desk`.
        """
        while not stop():
            try:
                names = self._runtime.read(self._leased)
                self._visited(names)
            except StoreError as error:
                names = []
                logging.getLogger("omniroute.desk").warning("a worker's store failed: %s", error)
            if not names and not stop():
                self._wait(self._pause)

    def round(self) -> Round:
        """Visit the desks that are due, at most 16; return what was done.

        Where one fails, the others are visited all the same. Then its error is raised.
        """
        names = self._runtime.read(self._leased)
        visits, failures = self._visited(names)
        if failures:
            raise failures[0]
        return Round(len(names), sum(each[0] for each in visits), sum(each[1] for each in visits))

    def _visited(self, names: list[str]) -> tuple[list[tuple[int, int]], list[Exception]]:
        visits, failures = list[tuple[int, int]](), list[Exception]()
        log = logging.getLogger("omniroute.desk")
        for name in names:
            try:
                visits.append(self._visit(Desk(name, self._runtime)))
            except Exception as error:
                log.exception("a worker could not do what is due at desk %r", name)
                failures.append(error)
        return visits, failures

    def _leased(self, tx: Transaction) -> list[str]:
        now = self._runtime.clock.now()
        desks = tx.lease(_DUE, "", now=now, until=now + _LEASE, limit=_AT_ONCE)
        return [desk.id for desk in desks]

    def _visit(self, desk: Desk) -> tuple[int, int]:
        done = desk.tick(), desk.deliver()
        self._runtime.run(desk.id, self._runtime.clock.now(), _rest)
        return done


def _rest(unit: Unit) -> None:
    """Say when to come by again: at the next deadline or message, and not much later in any case."""
    deadline = earliest(unit.tx, unit.desk)
    message = unit.tx.entries(_READY, unit.desk, limit=1)
    # A message that cannot go out now, behind another in its lane, must not keep the worker
    # spinning.
    ahead = [] if deadline is None else [deadline]
    ahead += [max(message[0][0], unit.now + SECOND)] if message else []
    unit.come_back_at(min(*ahead, unit.now + _SWEEP) if ahead else unit.now + _SWEEP)
