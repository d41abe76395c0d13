"""Desks with every way of assigning switched on, and the books that judge who got what there.

Of four queues one widens from group to group, one is shared by per cent, one asks for a skill, and in
all of them a contact who is back waits for their last agent. Books go by the log alone and share no
code with omniroute. Where time opens a wait to more agents they know from when on somebody may have
it, and say nothing of whether somebody must have it already: that is for whoever comes by next.
"""

from __future__ import annotations

import heapq
import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final

from tests.faults.books import Agent, Books, Report

__all__ = ["ModeBooks", "assigning", "staff"]

_SECOND: Final = 1_000_000  # in microseconds
_RULES: Final[tuple[dict[str, Any], ...]] = (
    {"mode": "cascade", "cascade": ["tier1", "tier2"], "widen_after": "1s"},
    {"mode": "percent", "percent": {"tier1": 6000, "tier2": 4000}, "open_after": "1s"},
    {"skills": {"router": ">= 2"}},
    {},
)
_STICKY: Final = {"sticky_within": "1h", "sticky_wait": "1s"}

Lane = tuple[str, str]
"""A queue, and everything else by which a place in line differs, as text."""


def assigning(number: int) -> dict[str, Any]:
    """Return how the queue of a number is assigned."""
    return {**_RULES[number % len(_RULES)], **_STICKY}


def staff(number: int) -> dict[str, Any]:
    """Return what the agent of a number is beside the queues they serve."""
    return {"groups": [f"tier{number // 2 % 2 + 1}"], "skills": {"router": number % 3 + 1}}


class ModeBooks(Books):
    """Who waits in which lane, and who may take them."""

    def __init__(self, desk: str, report: Report) -> None:
        super().__init__(desk, report)
        self._lanes: dict[str, set[Lane]] = defaultdict(set)
        self._heaps: dict[Lane, list[tuple[int, str]]] = defaultdict(list)
        self._where: dict[str, Lane] = {}
        self._routing: dict[Lane, dict[str, Any]] = {}
        self._groups: dict[str, frozenset[str]] = {}
        self._router: dict[str, int] = {}
        self._empty_at: dict[str, int] = {}

    def read(self, position: int, event: dict[str, Any]) -> None:
        """Take in the next event."""
        super().read(position, event)
        for number in range(8):
            queue = f"q{number}"
            if number % 4 == 0 and not self._first_group_there(queue):
                self._empty_at[queue] = event["at"]

    def _continues(self, event: dict[str, Any]) -> bool:
        began = self._began_with
        if event["kind"] == "lined":
            self._began_with = began
            return True
        return super()._continues(event)

    # --- waiting ----------------------------------------------------------------------------------

    def _wait(self, name: str, event: dict[str, Any]) -> None:
        talk = self.talks[name]
        talk.state, talk.queue, talk.waits_since = "queued", event["queue"], event["at"]
        self._stand(name, event.get("routing"))

    def _lined(self, event: dict[str, Any]) -> None:
        self._stand(event["conversation"], event.get("routing"))

    def _stand(self, name: str, routing: dict[str, Any] | None) -> None:
        talk, routing = self.talks[name], dict(routing or {})
        routing.pop("transfers", None)
        lane = (str(talk.queue), json.dumps(routing, sort_keys=True))
        self._where[name] = lane
        self._routing[lane] = routing
        self._lanes[lane[0]].add(lane)
        heapq.heappush(self._heaps[lane], (talk.waits_since, name))
        self._unsettled = True

    def _first(self, lane: Lane) -> tuple[int, str] | None:
        heap = self._heaps[lane]
        while heap:
            since, name = heap[0]
            talk = self.talks[name]
            stands = (talk.state, talk.waits_since, self._where[name])
            if stands == ("queued", since, lane):
                return heap[0]
            heapq.heappop(heap)
        return None

    def _for(self, name: str, agent: Agent) -> Iterator[tuple[int, int, str]]:
        """Yield the first of each lane that an agent may take whatever the time is."""
        for leaf in agent.leaves:
            for lane in self._lanes[leaf]:
                if not self._may(name, lane, 0, -1):
                    continue
                if (head := self._first(lane)) is not None:
                    yield self._routing[lane].get("wait_class", 2), *head

    def _first_for(self, agent: Agent) -> str | None:
        name = next(name for name, each in self.agents.items() if each is agent)
        return min(self._for(name, agent), default=(0, 0, None))[2]

    # --- who may take what ------------------------------------------------------------------------

    def _may(self, agent: str, lane: Lane, waited: int, since: int) -> bool:
        """Whether an agent may take what has waited so long in a lane, since that instant."""
        queue, routing = lane[0], self._routing[lane]
        if routing.get("sticky") is not None:
            return bool(routing["sticky"] == agent)
        rule = int(queue.removeprefix("q")) % len(_RULES)
        if rule == 0:
            skipped = 0 <= since <= self._empty_at.get(queue, -1)
            return "tier1" in self._groups[agent] or waited >= _SECOND or skipped
        if rule == 1:
            return routing.get("group") in self._groups[agent] or waited >= _SECOND
        return rule != 2 or self._router[agent] >= 2

    def _check_push(self, name: str, agent_name: str, agent: Agent) -> None:
        self.pushed.add((name, self.position))
        talk, lane = self.talks[name], self._where[name]
        waited = self._at - talk.waits_since
        served = agent.available and talk.queue in agent.leaves
        if not served or not self._may(agent_name, lane, waited, talk.waits_since):
            self._wrong("not entitled", f"{agent_name} was given {name} of {lane}")
            return
        first, mine = self._first(lane), (self._routing[lane].get("wait_class", 2),)
        if first is None or first[1] != name:
            self._wrong("out of order", f"{agent_name} was given {name}, and {first} stood before")
        best = min(self._for(agent_name, agent), default=None)
        if best is not None and best < (*mine, talk.waits_since, name):
            self._wrong("out of order", f"{agent_name} was given {name}, and {best} came before")

    def _assigned(self, event: dict[str, Any]) -> None:
        self._at = event["at"]
        super()._assigned(event)

    def _agent_saved(self, event: dict[str, Any]) -> None:
        super()._agent_saved(event)
        self._groups[event["agent"]] = frozenset(event.get("groups", ()))
        self._router[event["agent"]] = event.get("skills", {}).get("router", 0)

    def _first_group_there(self, queue: str) -> bool:
        return any(
            agent.available and queue in agent.leaves and "tier1" in self._groups[name]
            for name, agent in self.agents.items()
        )
