"""A conversation's timeline: what happened, what was said, and what comes next, as data and as text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from omniroute.desk import read
from omniroute.desk.explain import TimelineEntry, describe, every_entry
from omniroute.instants import from_micros
from omniroute.model import events as tell
from omniroute.model.conversation import DeadlineKind
from omniroute.model.message import Message
from omniroute.model.state import State
from omniroute.model.values import frozen
from omniroute.ports import Transaction
from omniroute.rules.resolution import Setup
from omniroute.schema import LOG, MESSAGES

__all__ = ["Ahead", "Timeline", "timeline"]

_LONGEST = 72


@frozen
class Ahead:
    """A deadline that is armed: what comes, and when."""

    at: datetime
    deadline: DeadlineKind


@frozen
class Timeline:
    """What happened to a conversation, in order, and what is armed. Instants are in the desk's zone."""

    conversation: str
    state: State
    label: str
    entries: tuple[TimelineEntry, ...]
    ahead: tuple[Ahead, ...]

    def as_text(self) -> str:
        """Return the timeline for a person to read: one event a line, the day where it changes."""
        lines, day = [f"{self.conversation}: {self.label}"], None
        for at, text in self._lines():
            if at.date() != day:
                day = at.date()
                lines.append(f"{at:%A, %d %B %Y}")
            lines.append(f"  {at:%H:%M:%S}  {text}")
        return "\n".join(lines)

    def _lines(self) -> Iterator[tuple[datetime, str]]:
        yield from ((entry.at, entry.text) for entry in self.entries)
        for each in self.ahead:
            yield each.at, f"to come: {each.deadline.value.replace('_', ' ')}"


def timeline(desk: str, conversation: str) -> Callable[[Transaction, Setup], Timeline]:
    """Return the work that reads a conversation's timeline; `UnknownConversation` when there is none."""

    def work(tx: Transaction, setup: Setup) -> Timeline:
        found, zone = read.find(tx, desk, conversation), setup.config.zone
        policy = setup.policy(found.place.channel, found.queue or found.place.inbox)
        entries = []
        for entry in every_entry(tx, LOG.index("timeline"), desk, conversation):
            name = getattr(entry.event, "message", None)
            said = None if name is None else tx.get(MESSAGES, desk, (name,))
            text = describe(entry.event, zone) + _quoted(entry.event, said)
            entries.append(TimelineEntry(entry.position, from_micros(entry.event.at, zone), text))
        return Timeline(
            found.id,
            found.state,
            policy.labels.get(found.state.value, found.state.value),
            tuple(entries),
            tuple(Ahead(from_micros(at, zone), kind) for at, kind in found.timers),
        )

    return work


def _quoted(event: tell.Event, message: Message | None) -> str:
    if message is None or not message.text or isinstance(event, tell.DeliveryChanged):
        return ""
    text = " ".join(message.text.split())
    short = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
    return f": {short}"
