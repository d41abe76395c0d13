"""What is kept of queues' lines while a unit runs: lanes of their own, allotments, opened stages.

Most queues have nothing of it. A line is loaded when it is first asked for, under the desk's lock, and
written with the unit. The choices are `rules.waiting`'s and `rules.allotment`'s.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import evolve

from omniroute.model.assign import AssignPolicy, Lane, QueueLine
from omniroute.model.conversation import Conversation
from omniroute.ports import Transaction
from omniroute.rules import allotment
from omniroute.rules.waiting import is_plain, lane_of
from omniroute.schema import QUEUE_LINES

__all__ = ["QueueLines"]


class QueueLines:
    """What is kept of the lines of a desk's queues, as it stands in one unit."""

    def __init__(self, tx: Transaction, desk: str, lined: tuple[str, ...]) -> None:
        self._tx = tx
        self._desk = desk
        self._lined = set(lined)
        self._found: dict[str, QueueLine] = {}
        self._changed: dict[str, QueueLine] = {}

    @property
    def lined(self) -> tuple[str, ...]:
        """The queues with lanes of their own, or for whose conversations room is kept, in order."""
        return tuple(sorted(self._lined))

    def of(self, queue: str) -> QueueLine:
        """Return what is kept of a queue's line."""
        found = self._found.get(queue)
        if found is None:
            found = self._tx.get(QUEUE_LINES, self._desk, (queue,)) or QueueLine(queue=queue)
            self._found[queue] = found
            if found.keepers:
                self._lined.add(queue)  # older versions did not name such a queue in the desk's row
        return found

    def lanes(self, queue: str) -> tuple[Lane, ...]:
        """Return the lanes of a queue beside the plain ones."""
        return self.of(queue).lanes if queue in self._lined else ()

    def note(self, conversation: Conversation, channels: Mapping[str, None]) -> None:
        """Remember the lane in which a conversation waits, where nobody would look for it (S8)."""
        routing, queue = conversation.extras.routing, conversation.queue
        if queue is None or (is_plain(routing) and conversation.place.channel in channels):
            return
        lane, line = lane_of(conversation), self.of(queue)
        if lane not in line.lanes:
            self._keep(evolve(line, lanes=(*line.lanes, lane)))

    def drop(self, queue: str, lane: Lane) -> None:
        """Forget a lane that nobody stands in any more."""
        line = self.of(queue)
        self._keep(evolve(line, lanes=tuple(each for each in line.lanes if each != lane)))

    def allot(self, queue: str, assign: AssignPolicy) -> str:
        """Return the group that the queue's next conversation is allotted to, and count it (M2)."""
        line = self.of(queue)
        counts = line.counts if line.shares == assign.percent else {}
        group = allotment.next_group(assign.percent, counts)
        counts = {**counts, group: counts.get(group, 0) + 1}
        self._keep(evolve(line, shares=dict(assign.percent), counts=counts))
        return group

    def open_stages(self, queue: str, cascade: tuple[str, ...], opened: tuple[int, ...]) -> None:
        """Note until when waits are open to each later stage of a cascade of these groups (M1)."""
        line = self.of(queue)
        if line.opened(cascade) != opened:
            self._keep(evolve(line, stages_until=opened, stages_of=cascade))

    def keepers(self, queue: str) -> Mapping[str, str]:
        """Return whose parts are kept, by the conversation of a queue they are kept for (R2)."""
        return self.of(queue).keepers

    def keep_room(self, conversation: Conversation, agent: str | None) -> None:
        """Note whose parts are kept for a conversation that waits; None: nobody's any more (R2)."""
        line = self.of(conversation.queue or "")
        keepers = {each: by for each, by in line.keepers.items() if each != conversation.id}
        if agent is not None:
            keepers[conversation.id] = agent
        self._keep(evolve(line, keepers=keepers))

    def note_served(self, queue: str, gaps: tuple[int, ...], at: int) -> None:
        """Keep how fast the queue moved lately (P8)."""
        self._keep(evolve(self.of(queue), gaps=gaps, served_at=at))

    def _keep(self, line: QueueLine) -> None:
        self._found[line.queue] = self._changed[line.queue] = line
        if line.lanes or line.keepers:
            self._lined.add(line.queue)
        else:
            self._lined.discard(line.queue)

    def write(self) -> None:
        """Write the lines that changed."""
        for line in self._changed.values():
            self._tx.put(QUEUE_LINES, self._desk, line)
        self._changed.clear()
