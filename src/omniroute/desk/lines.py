"""The two lines of a queue as one unit of work sees them: who waits in it, and who serves it.

Read from the store once and in bounded pieces, then kept right in memory while the unit gives
conversations to agents, so that a batch of assignments costs few reads and one write at its end.
What comes out is what the store's indexes would list after every single one. No rule lives here.
"""

from __future__ import annotations

from bisect import insort
from collections import deque
from collections.abc import Container, Iterable, Sequence
from typing import Any, Final

from omniroute.desk.foresight import FIRST_LOOK, SERVING, WAITING, listening
from omniroute.desk.unit import Unit
from omniroute.model.agent import Agent
from omniroute.model.conversation import Conversation
from omniroute.model.state import State
from omniroute.rules.assignment import LOOKED_AT
from omniroute.rules.waiting import lane_name

__all__ = ["Entry", "Lines"]

Entry = tuple[Any, ...]

_SPARE: Final = 32  # so many servers more are read where several change places in one unit
_MOST: Final = 100  # conversations read at once


class Lines:
    """The lines of a unit's queues, from the first look until the unit is written down."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._servers: dict[str, _Servers] = {}
        self._waiting: dict[Entry, _Waiting] = {}
        self._given: set[str] = set()
        self._moves = 0
        self._written = unit.agents_written

    # --- who serves -------------------------------------------------------------------------------

    def servers(self, queue: str) -> list[Entry]:
        """Return the first `LOOKED_AT` agents who serve a queue, or a pool of it, as index entries."""
        if self._unit.agents_written != self._written:
            self._servers.clear()  # what was read of them is not what is stored any more
            self._written = self._unit.agents_written
        changed = self._unit.changed_agents
        known = self._servers.get(queue)
        if known is None or not known.serve_beside(changed):
            limit = FIRST_LOOK
            if known is not None or len(changed) > 1:
                limit = LOOKED_AT + len(changed) + (1 if known is None else _SPARE)
            found = self._unit.tx.entries(SERVING, self._unit.desk, (queue,), limit=limit)
            known = self._servers[queue] = _Servers(queue, found, whole=len(found) < limit)
            known.serve_beside(changed)
        return known.first(changed)

    # --- who waits --------------------------------------------------------------------------------

    def heads(self, lanes: Sequence[Entry], room: int) -> list[Entry | None]:
        """Return the first entry of each lane, or None, for an agent with room for so many (R2, S8).

        A lane is a prefix of the waiting index: queue, name and, where they are looked at apart,
        segment and class.
        """
        self._catch_up()
        self._look_at(lanes)
        waiting = [self._waiting[lane] for lane in lanes]
        at_once = min(-(-room // max(1, sum(not each.ended for each in waiting))), _MOST)
        if at_once > 1:
            self._foresee(waiting, at_once)
        return [self._head(each, at_once) for each in waiting]

    def first_but(self, lane: Entry, passed: Container[str], most: int) -> Entry | None:
        """Return the first entry of a lane that is not among those `passed`, at most so many."""
        self._catch_up()
        self._look_at([lane])
        line = self._waiting[lane]
        while not line.ended and len(line.entries) <= most:
            self._read_on(line, most + 1)
        return next((entry for entry in line.entries if entry[-1] not in passed), None)

    def given(self, conversation: Conversation, after: Conversation) -> None:
        """Note that a conversation was given to an agent, and what it is since."""
        if after.state is not State.QUEUED:
            self._given.add(conversation.id)
            entry = _entry(conversation)
            for length in (_SHALLOW, _DEEP):
                if (line := self._waiting.get(entry[:length])) is not None:
                    line.leave(entry)
            if self._unit.moves_in_line == self._moves + 1:
                self._moves += 1  # that was this one: nobody else moved

    def _catch_up(self) -> None:
        """Look anew where others than those given to agents came or went."""
        if self._unit.moves_in_line != self._moves:
            self.flush()
            self._moves = self._unit.moves_in_line

    def flush(self) -> None:
        """Write the unit's states down, and look anew: what is listed is what is stored."""
        self._unit.flush()
        self._waiting.clear()
        self._given.clear()
        self._servers.clear()

    def _look_at(self, lanes: Sequence[Entry]) -> None:
        """Find out where anybody waits."""
        new = [lane for lane in lanes if lane not in self._waiting]
        if new:
            heads = self._unit.tx.heads(WAITING, self._unit.desk, new)
            found = {head[:length]: head for head in heads for length in (_SHALLOW, _DEEP)}
            for lane in new:
                self._waiting[lane] = _Waiting(lane, found.get(lane))

    def _foresee(self, waiting: Iterable[_Waiting], at_once: int) -> None:
        """Let whoever stands in lanes that nobody has looked into come in one way, and who serves them."""
        tx, desk = listening(self._unit.tx), self._unit.desk
        if tx is None:
            return
        for line in waiting:
            if line.seen is None and not line.ended:
                tx.expect_list(WAITING, desk, line.lane, limit=at_once, whole=True)
                if (queue := line.lane[0]) not in self._servers and not self._unit.setup.counted:
                    tx.expect_list(SERVING, desk, (queue,), limit=FIRST_LOOK, whole=False)

    def _head(self, line: _Waiting, at_once: int) -> Entry | None:
        while not line.entries and not line.ended:
            if line.seen is None and at_once == 1 and line.first[-1] not in self._given:
                return line.first
            self._read_on(line, at_once)
        return line.entries[0] if line.entries else None

    def _read_on(self, line: _Waiting, at_once: int) -> None:
        """Read who comes next in a line; their conversations are read with them."""
        found = self._unit.tx.scan(
            WAITING, self._unit.desk, line.lane, after=line.seen, limit=at_once
        )
        for each in found:
            entry = _entry(each)
            line.seen = entry[len(line.lane) :]
            if each.id not in self._given:
                line.entries.append(entry)
        line.ended = len(found) < at_once


_SHALLOW: Final = 2  # a lane's prefix: queue and name
_DEEP: Final = 4  # and segment and class


def _entry(conversation: Conversation) -> Entry:
    """A waiting conversation's entry in its index."""
    routing = conversation.extras.routing
    return (
        conversation.queue,
        lane_name(routing, conversation.place.channel),
        routing.segment,
        routing.wait_class,
        conversation.clocks.queued_at,
        conversation.id,
    )


class _Waiting:
    """Those of one lane who were read and still wait, in order; `seen` is the last one read."""

    __slots__ = ("ended", "entries", "first", "lane", "seen")

    def __init__(self, lane: Entry, first: Entry | None) -> None:
        self.lane = lane
        self.first: Entry = first or ()
        self.ended = first is None
        self.seen: Entry | None = None
        self.entries: deque[Entry] = deque()

    def leave(self, gone: Entry) -> None:
        for entry in self.entries:
            if entry == gone:
                self.entries.remove(entry)
                return


class _Servers:
    """The first agents who serve a queue as they were read, and how they stand by now."""

    def __init__(self, queue: str, read: list[Entry], *, whole: bool) -> None:
        self._queue = queue
        self._read = read
        self._whole = whole
        self._changed = -1
        self._others: list[Entry] = []

    def serve_beside(self, changed: dict[str, Agent]) -> bool:
        """Leave out agents that have changed since; return whether enough of the others are known."""
        if len(changed) != self._changed:
            self._changed = len(changed)
            others = [entry for entry in self._read if entry[4] not in changed]
            self._others = others[:LOOKED_AT]
        return self._whole or len(self._others) == LOOKED_AT

    def first(self, changed: dict[str, Agent]) -> list[Entry]:
        """Return the first of all, those who have changed at their new places."""
        entries = self._others.copy()
        for agent in changed.values():
            for fields in _entries(agent):
                if fields[0] == self._queue:
                    insort(entries, (*fields, agent.id))
        return entries[:LOOKED_AT]


def _entries(agent: Agent) -> list[Entry]:
    of = SERVING.many
    assert of is not None  # noqa: S101  (as it is declared)
    return [tuple(fields) for fields in of(agent)]
