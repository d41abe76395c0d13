"""What the narrator looks up: names, messages, decisions, all by the desk's reading methods."""

from __future__ import annotations

from collections.abc import Iterable
from textwrap import shorten

from omniroute.clock import Clock
from omniroute.desk.desk import Desk
from omniroute.desk.explain import describe
from omniroute.desk.views import ConversationView, MessageView
from omniroute.instants import SECOND, from_micros, render_duration
from omniroute.model.events import CONTACT, SYSTEM, Event, actor_agent
from omniroute.model.explanation import Explanation

__all__ = ["Book", "excerpt", "quote", "span"]


class Book:
    """Looks things up at a desk, and says them as people do."""

    def __init__(self, desk: Desk, clock: Clock) -> None:
        self._desk = desk
        self._clock = clock

    def conversation(self, conversation: str) -> ConversationView:
        """Return a conversation as it stands."""
        return self._desk.conversation(conversation)

    def contact(self, conversation: str) -> str:
        """Return the name of a conversation's contact, or their address."""
        view = self.conversation(conversation)
        return self._desk.contacts.get(view.contact).name or view.address

    def agent(self, agent: str) -> str:
        """Return an agent's name."""
        return self._desk.staff.get(agent).name

    def actor(self, actor: str, conversation: str) -> tuple[str, str]:
        """Return an actor's name, and what they are: contact, agent or desk."""
        agent = actor_agent(actor)
        if agent is not None:
            return self.agent(agent), "agent"
        if actor == CONTACT:
            return self.contact(conversation), "contact"
        return ("desk" if actor == SYSTEM else actor), "desk"

    def message(self, conversation: str, message: str) -> MessageView:
        """Return a message of a conversation."""
        messages = self._desk.messages(conversation, limit=1000)
        return next(each for each in messages if each.id == message)

    def target(self, conversation: str, provider_id: str | None) -> MessageView | None:
        """Return the message of a conversation that the provider calls so."""
        messages = self._desk.messages(conversation, limit=1000)
        return next((each for each in messages if provider_id in each.provider_ids), None)

    def decisions(self, conversations: Iterable[str]) -> dict[int, list[Explanation]]:
        """Return conversations' routing decisions by the log position at which each was taken."""
        found: dict[int, list[Explanation]] = {}
        for conversation in dict.fromkeys(conversations):
            for decision in self._desk.explain(conversation).decisions:
                found.setdefault(decision.position, []).append(decision)
        return found

    def now(self) -> str:
        """Return the time of day at the desk."""
        return self.clock(self._clock.now())

    def clock(self, micros: int) -> str:
        """Return an instant as the time of day at the desk."""
        return f"{from_micros(micros, self._desk.config.zone):%H:%M:%S}"

    def words(self, event: Event) -> str:
        """Return an event in words, as the desk's own timeline has them."""
        return describe(event, self._desk.config.zone)


def quote(message: MessageView) -> str:
    """Return what a message says, as one would read it out."""
    parts = [f"[{each.kind}]" for each in message.attachments]
    if message.text:
        parts.append(f'"{message.text}"')
    return " ".join(parts) or f"[{message.type}]"


def excerpt(message: MessageView) -> str:
    """Return the beginning of what a message says."""
    return shorten(quote(message), 44, placeholder=' …"')


def span(micros: int) -> str:
    """Return a duration in whole seconds."""
    return render_duration(micros // SECOND * SECOND)
