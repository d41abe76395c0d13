"""One conversation in virtual time, on pure `decide`: commands at instants, deadlines in between."""

from __future__ import annotations

from bisect import bisect_right
from typing import Any

from omniroute.instants import MINUTE
from omniroute.model import commands as ask
from omniroute.model import events as tell
from omniroute.model.conversation import Conversation, DeadlineKind
from omniroute.model.policy import Policy
from omniroute.model.state import State
from omniroute.rules.lifecycle import decide, fold
from omniroute.testing import NOW, a_place

ROUTE = tell.Route("general", "primary inbox for chat", 10**15, "inbox general", "menu", 1)
FIRST = DeadlineKind.FIRST_RESPONSE


class Daily:
    """Open from `first` to `last` minute of every hour: hours that tests can count with."""

    def __init__(self, first: int, last: int) -> None:
        self.edges = [
            NOW + (hour * 60 + each) * MINUTE for hour in range(-2, 500) for each in (first, last)
        ]

    def is_open(self, at: int) -> bool:
        return bool(bisect_right(self.edges, at) % 2)

    def next_opening(self, at: int) -> int | None:
        place = bisect_right(self.edges, at)
        return self.edges[place + place % 2]

    def next_closing(self, at: int) -> int | None:
        place = bisect_right(self.edges, at)
        return self.edges[place + 1 - place % 2]


class Life:
    """A conversation that began at minute 0. Times are in minutes from there."""

    def __init__(self, *, queue: str | None = "general", **policy: Any) -> None:
        self.policy = Policy(**policy)
        opened = decide(None, ask.Open("c_1", a_place(), ROUTE, "m", queue), self.policy, NOW)
        self.events = list(opened.events)
        self.state: Conversation = opened.state

    def does(self, at: float, *commands: Any) -> Life:
        """Fire what comes before `at`, then let each command be done at that instant."""
        self.until(at, inclusive=False)
        for command in commands:
            self._decide(command, NOW + round(at * MINUTE))
        return self

    def until(self, at: float, *, inclusive: bool = True, late: float | None = None) -> Life:
        """Fire what has come at `at`, in order; `late` is when it is committed, else punctually."""
        end = NOW + round(at * MINUTE)
        while self.state.timers and self.state.timers[0][0] < end + inclusive:
            due, kind = self.state.timers[0]
            committed = None if late is None else NOW + round(late * MINUTE)
            before = self.state.timers
            self._decide(ask.Expire(kind, committed), due)
            assert self.state.timers != before, "a deadline that goes on being due"
        return self

    def _decide(self, command: Any, now: int) -> None:
        decision = decide(self.state, command, self.policy, now)
        self.events += decision.events
        self.state = decision.state
        assert fold(self.events) == self.state, "the log does not give the state (R16)"

    def held(self, at: float = 1, answered: float | None = 2) -> Life:
        """Let ana get it, and answer."""
        self.does(at, ask.Assign("ana"))
        return self if answered is None else self.does(answered, ask.Reply("ana", "m"))

    def writes(self, at: float) -> Life:
        """Let the contact write."""
        return self.does(at, ask.Receive("m", 10**15))

    @property
    def where(self) -> str:
        """The state it is in."""
        return self.state.state.value

    @property
    def story(self) -> list[tuple[Any, str]]:
        """What changed its state: the minute, and the state or the event without one."""
        told = (tell.Transition, tell.KeepAliveAsked)
        return [(self._minute(e.at), _name(e)) for e in self.events if isinstance(e, told)]

    @property
    def armed(self) -> list[tuple[Any, str]]:
        """What is armed: the minute and the kind, without the SLA's."""
        return [
            (self._minute(at), kind.value) for at, kind in self.state.timers if kind is not FIRST
        ]

    def _minute(self, at: int) -> float:
        return (at - NOW) / MINUTE


def _name(event: Any) -> str:
    if not isinstance(event, tell.Transition):
        return "asked"
    if isinstance(event, tell.Ended):
        return f"ended: {event.ending.value}"
    return State(event.target).value


def minutes(number: float) -> int:
    """Minutes as a duration."""
    return round(number * MINUTE)
