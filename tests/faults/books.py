"""Books on a desk, kept from its log alone: who waits, who holds what, and what is wrong with that.

Shares no code with omniroute, so that a fault there is not believed here.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

__all__ = ["KINDS", "Agent", "Books", "Report", "Talk"]

KINDS = {
    "over capacity": "an agent was given more than they may hold",
    "assigned twice": "a conversation was given away while somebody held it",
    "not entitled": "an agent was given work while off, or of a queue they do not serve",
    "out of order": "somebody who waited longer was passed over",
    "left waiting": "somebody waited while an agent had room for them",
    "wrong step": "an event starts from another state than the one before it ended in",
    "gap": "log positions are not 1, 2, 3, or the desk's row says another last one",
    "half": "two things that are written together are not both there, or do not agree",
    "lost": "a client was told that it was done, and it is not there",
    "twice": "something that was asked once is there more than once",
}
"""What can be found, and what it means."""

_EXAMPLES = 3
_WITH_MESSAGE = {"message_received", "message_sent", "note_added", "remarked"}


@dataclass
class Report:
    """What was counted, and what was found wrong."""

    figures: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def add(self, kind: str, text: str) -> None:
        """Note one finding."""
        assert kind in KINDS
        self.found[kind] += 1
        if len(self.examples[kind]) < _EXAMPLES:
            self.examples[kind].append(text)

    def __str__(self) -> str:
        lines = [", ".join(f"{count} {what}" for what, count in sorted(self.figures.items()))]
        for kind in KINDS:
            lines += [f"{self.found[kind]:6} {kind}", *(f"       {e}" for e in self.examples[kind])]
        return "\n".join(lines)


@dataclass
class Agent:
    """What is known of an agent."""

    leaves: frozenset[str]
    soft_max: int
    hard_max: int
    available: bool = False
    holds: set[str] = field(default_factory=set)

    @property
    def has_room(self) -> bool:
        return self.available and len(self.holds) < self.soft_max


@dataclass
class Talk:
    """What is known of a conversation."""

    state: str
    thread: tuple[str, ...]
    queue: str | None = None
    agent: str | None = None
    waits_since: int = 0


class Books:
    """Who waits and who holds what on one desk, event by event."""

    def __init__(self, desk: str, report: Report) -> None:
        self.desk = desk
        self.position = 0
        self.talks: dict[str, Talk] = {}
        self.agents: dict[str, Agent] = {}
        self.messages: dict[str, tuple[str, int, str]] = {}
        self.pushed: set[tuple[str, int]] = set()
        self.marks: Counter[str] = Counter()
        self._report = report
        self._waiting: dict[str, list[tuple[int, str]]] = defaultdict(list)
        self._told: Counter[tuple[Any, ...]] = Counter()
        self._open: dict[tuple[str, ...], str] = {}
        self._unsettled = False
        self._began_with: str | None = None

    def _wrong(self, kind: str, text: str) -> None:
        self._report.add(kind, f"desk {self.desk}, position {self.position}: {text}")

    def read(self, position: int, event: dict[str, Any]) -> None:
        """Take in the next event."""
        if position != self.position + 1:
            self._wrong("gap", f"followed by {position}")
        if not self._continues(event):
            self.settle()
        self.position = position
        self._report.figures["events"] += 1
        if event["kind"] in _WITH_MESSAGE:
            self.messages[event["message"]] = (event["conversation"], position, event["kind"])
        take = getattr(self, f"_{event['kind']}", None)
        if take is not None:
            take(event)

    def _continues(self, event: dict[str, Any]) -> bool:
        """Whether the event belongs to what the one before it began."""
        kind, talk = event["kind"], event.get("conversation")
        first, self._began_with = self._began_with, None
        if kind in ("opened", "queued", "reactivated"):
            self._began_with = talk
        if kind == "message_received":
            return talk is not None and talk == first
        return (kind == "assigned" and event["actor"] == "system") or bool(event.get("automatic"))

    def settle(self) -> None:
        """At the end of a command nobody waits while a suitable agent has room."""
        if not self._unsettled:
            return
        self._unsettled = False
        for name, agent in self.agents.items():
            first = self._first_for(agent) if agent.has_room else None
            if first is not None:
                self._wrong("left waiting", f"{first} waits, and {name} has room")

    # --- waiting ----------------------------------------------------------------------------------

    def _first_for(self, agent: Agent) -> str | None:
        heads = [head for leaf in agent.leaves if (head := self._head(leaf)) is not None]
        return min(heads)[1] if heads else None

    def _head(self, leaf: str) -> tuple[int, str] | None:
        line = self._waiting.get(leaf)
        while line:
            since, name = line[0]
            talk = self.talks[name]
            if talk.state == "queued" and (talk.queue, talk.waits_since) == (leaf, since):
                return line[0]
            heapq.heappop(line)  # has gone on in the meantime
        return None

    def _wait(self, name: str, event: dict[str, Any]) -> None:
        talk = self.talks[name]
        talk.state, talk.queue, talk.waits_since = "queued", event["queue"], event["at"]
        heapq.heappush(self._waiting[event["queue"]], (event["at"], name))
        self._unsettled = True

    # --- events, each by its kind -----------------------------------------------------------------

    def _opened(self, event: dict[str, Any]) -> None:
        name, place = event["conversation"], event["place"]
        thread = (place["entry_point"], place["contact"], place.get("thread", ""))
        if name in self.talks:
            self._wrong("twice", f"{name} was opened before")
        if thread in self._open:
            self._wrong("twice", f"{name} opened while {self._open[thread]} of its contact is open")
        self._open[thread] = name
        self.talks[name] = Talk("selecting", thread)
        self._report.figures["conversations"] += 1
        if event.get("queue") is not None:
            self._wait(name, event)

    def _from(self, event: dict[str, Any]) -> Talk:
        name = event["conversation"]
        talk = self.talks.setdefault(name, Talk("missing", (name,)))
        if talk.state != event["source"]:
            self._wrong("wrong step", f"{name} was {talk.state}, not {event['source']}")
        return talk

    def _queued(self, event: dict[str, Any]) -> None:
        talk = self._from(event)
        self._release(event)
        self._open[talk.thread] = event["conversation"]
        self._wait(event["conversation"], event)

    def _assigned(self, event: dict[str, Any]) -> None:
        name, agent = event["conversation"], self._known(event["agent"])
        talk = self._from(event)
        pushed = event["actor"] == "system"
        if talk.agent is not None:
            self._wrong("assigned twice", f"{name} is held by {talk.agent}")
        if pushed:
            self._check_push(name, event["agent"], agent)
        self._hold(name, event, agent, agent.soft_max if pushed else agent.hard_max)
        self._report.figures["assignments"] += 1

    def _check_push(self, name: str, agent_name: str, agent: Agent) -> None:
        self.pushed.add((name, self.position))
        first = self._first_for(agent)
        if not agent.available or self.talks[name].queue not in agent.leaves:
            self._wrong("not entitled", f"{agent_name} was given {name}")
        elif first != name:
            self._wrong("out of order", f"{agent_name} was given {name}, and {first} waited longer")

    def _took_over(self, event: dict[str, Any]) -> None:
        self._from(event)
        self._release(event)
        agent = self._known(event["agent"])
        self._hold(event["conversation"], event, agent, agent.hard_max)

    def _hold(self, name: str, event: dict[str, Any], agent: Agent, limit: int) -> None:
        agent.holds.add(name)
        if len(agent.holds) > limit:
            self._wrong("over capacity", f"{event['agent']} holds {len(agent.holds)} of {limit}")
        talk = self.talks[name]
        talk.state, talk.agent = "active", event["agent"]

    def _reactivated(self, event: dict[str, Any]) -> None:
        self._from(event).state = "active"

    def _ended(self, event: dict[str, Any]) -> None:
        talk = self._from(event)
        self._release(event)
        talk.state = "ended"
        self._open.pop(talk.thread, None)
        if event.get("disposition"):
            self.marks[event["disposition"]] += 1

    def _release(self, event: dict[str, Any]) -> None:
        name, released = event["conversation"], event.get("released")
        if released != self.talks[name].agent:
            self._wrong("wrong step", f"{name} was held by {self.talks[name].agent}")
        self.talks[name].agent = None
        if released is not None:
            self._known(released).holds.discard(name)
            self._unsettled = True

    def _sla_breached(self, event: dict[str, Any]) -> None:
        self._once(event["conversation"], event["kind"], event["clock"], event["due"])

    def _delivery_changed(self, event: dict[str, Any]) -> None:
        self._once(event["conversation"], event["message"], event["status"])

    def _once(self, *what: Any) -> None:
        self._told[what] += 1
        if self._told[what] > 1:
            self._wrong("twice", f"told {self._told[what]} times: {what}")

    def _known(self, agent: str) -> Agent:
        if agent not in self.agents:
            self._wrong("wrong step", f"{agent} is not on the staff")
            self.agents[agent] = Agent(frozenset(), 0, 0)
        return self.agents[agent]

    def _agent_saved(self, event: dict[str, Any]) -> None:
        capacity = event["capacity"]
        new = Agent(frozenset(event["leaves"]), capacity["soft_max"], capacity["hard_max"])
        old = self.agents.get(event["agent"])
        if old is not None:
            new.available, new.holds = old.available, old.holds
        self.agents[event["agent"]] = new
        self._unsettled = True

    def _agent_removed(self, event: dict[str, Any]) -> None:
        self.agents.pop(event["agent"], None)

    def _agent_availability(self, event: dict[str, Any]) -> None:
        self._known(event["agent"]).available = event["available"]
        self._unsettled = True
