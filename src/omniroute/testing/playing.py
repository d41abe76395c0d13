"""`play`: a desk, its people and a clock in one place, in virtual time.

    with play("desk.toml") as p:
        p.agent("ana").on()
        chat = p.contact("Maria").writes("Hello")
        assert chat.state is State.ACTIVE
        p.advance("12m")

Nothing sleeps, nothing leaves the process: contacts write straight to the desk, a scripted provider
takes what the desk sends. Thirty days take as long as what happens in them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from os import PathLike
from typing import Any

from attrs import evolve

from omniroute.clock import ManualClock
from omniroute.closing import Closes
from omniroute.config.load import load_config
from omniroute.desk.desk import Desk
from omniroute.desk.desks import Desks
from omniroute.desk.views import Change, ConversationView, MessageView, Received
from omniroute.errors import UnknownEntryPoint, UsageError
from omniroute.ids import SeededIds
from omniroute.instants import from_micros, instant_or_micros, to_duration, to_micros
from omniroute.model.desk_config import DeskConfig
from omniroute.model.wire import Choice, Inbound, InboundKind, Sender
from omniroute.ports import Store
from omniroute.rules.arguments import blaming
from omniroute.rules.judged import kind_of
from omniroute.rules.names import quoted, unknown
from omniroute.testing.scripted import Delivery, ScriptedPlugin, ScriptedProvider

__all__ = ["MONDAY", "Play", "PlayAgent", "PlayContact", "play"]

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
"""When a play begins unless told otherwise: a Monday morning."""


@blaming
def play(
    config: DeskConfig | Mapping[str, Any] | str | PathLike[str],
    *,
    store: str | Store = "memory://",
    start: datetime | int = MONDAY,
) -> Play:
    """Return a play on a new desk of this configuration, on a store of its own unless one is given."""
    if not isinstance(config, DeskConfig):
        config = load_config(config)
    return Play(config, store=store, start=start)


@blaming
class Play(Closes):
    """One desk in virtual time. Use it as a context manager, or `close` it."""

    def __init__(self, config: DeskConfig, *, store: str | Store, start: datetime | int) -> None:
        self.clock = ManualClock(start)
        self.provider = ScriptedProvider()
        used = (kind_of(config, each.channel) for each in config.entry_points.values())
        kinds = tuple(dict.fromkeys(used))
        self.desks = Desks(
            store,
            plugins=[ScriptedPlugin(kinds)],
            discover=False,
            builtin=False,
            clock=self.clock,
            ids=SeededIds(),
            transport=self.provider,
        )
        self.desk: Desk = self.desks.create(_without_credentials(config))
        self.conversations: dict[str, None] = {}
        self._contacts: dict[str, PlayContact] = {}
        self._entry_points = config.entry_points
        self._keys = 0

    def contact(self, name: str, *, on: str | None = None) -> PlayContact:
        """Return a contact, the same one for the same name. `on` is the entry point they write to."""
        found = self._contacts.get(name)
        if on is not None and on not in self._entry_points:  # what was seen costs no look
            self._entry_points = self.desk.config.entry_points
            if on not in self._entry_points:
                text = unknown(f"no entry point is named {quoted(on)}", self._entry_points, on)
                raise UnknownEntryPoint(text)
        if found is None:
            entry_point = on or self.desk.entry_points()[0].name
            found = self._contacts[name] = PlayContact(self, name, entry_point)
        return found if on is None else PlayContact(self, name, on)

    def agent(self, agent: str) -> PlayAgent:
        """Return an agent by id; `serving` saves one that the desk does not have yet."""
        return PlayAgent(self, agent)

    def receive(self, entry_point: str, item: Inbound) -> Received:
        """Let an item arrive, and remember which conversations it touched."""
        received = self.desk.receive(entry_point, item)
        self.conversations |= dict.fromkeys(each.id for each in received.conversations)
        return received

    def new_key(self) -> str:
        """Return a provider id that was not used in this play."""
        self._keys += 1
        return f"in-{self._keys}"

    def advance(self, by: str | timedelta) -> list[Change]:
        """Let time pass, stopping at every due instant to tick and deliver; return what fired."""
        return self.advance_to(self.clock.now() + to_duration(by, where="by"))

    def advance_to(self, until: datetime | int) -> list[Change]:
        """Let time pass until an instant, as `advance` does."""
        target = instant_or_micros(until, "until")
        if target < self.clock.now():
            raise UsageError("time only passes forward here", hint="clock.set() jumps back")
        position = self._position()
        self._work()  # what is ready now does not wait for the end
        while (due := self._next(target)) is not None:
            self.clock.set(max(due, self.clock.now()))
            self._work()
        self.clock.set(target)
        self._work()
        return list(self.desk.changes(position))

    def deliver(self) -> list[Delivery]:
        """Send what waits, and return what the provider took of it."""
        before = len(self.provider.sent)
        self.desk.deliver()
        return self.provider.sent[before:]

    def _position(self) -> int:
        position = 0
        for change in self.desk.changes():
            position = change.position
        return position

    def _next(self, target: int) -> int | None:
        instants = (self.desk.next_due(), self.desk.next_delivery())
        due = min((to_micros(each) for each in instants if each is not None), default=None)
        return due if due is not None and due <= target else None

    def _work(self) -> None:
        self.desk.tick()
        self.desk.deliver()

    def report(self, *conversations: str) -> str:
        """Return what a person wants to know when a test about conversations fails."""
        lines = []
        for conversation in conversations or tuple(self.conversations)[-5:]:
            lines += [self.desk.explain(conversation).as_text(), ""]
        dead = [f"  {each.message}: {each.reason}" for each in self.desk.dead_letters()]
        lines.append(f"outbox: {self.desk.waiting_to_send()} waiting, {len(dead)} dead")
        lines += dead
        lines.append(f"next deadline: {self.desk.next_due() or 'none'}")
        now = from_micros(self.clock.now(), self.desk.config.zone)
        lines.append(f"now: {now}")
        return "\n".join(lines)

    def close(self) -> None:
        """Close the desk's store."""
        self.desks.close()


def _without_credentials(config: DeskConfig) -> DeskConfig:
    """Leave out what real adapters need to reach their providers: the scripted one needs none."""
    return evolve(
        config,
        accounts={name: evolve(each, settings={}) for name, each in config.accounts.items()},
        entry_points={
            name: evolve(each, settings={}) for name, each in config.entry_points.items()
        },
    )


def _went_to(received: Received) -> ConversationView:
    if not received.conversations:
        (item,) = received.items
        raise UsageError(f"it went to no conversation: {item.result}", got=item.reason)
    return received.conversations[0]


def _id(conversation: ConversationView | str) -> str:
    return conversation if isinstance(conversation, str) else conversation.id


@blaming
class PlayContact:
    """Somebody on the other side."""

    def __init__(self, play: Play, name: str, entry_point: str) -> None:
        self._play = play
        self.name = name
        self.address = f"addr-{name.lower()}"
        self.entry_point = entry_point

    def writes(self, text: str, *, key: str | None = None) -> ConversationView:
        """Write a text; return the conversation it went to. `key` repeats a provider's id."""
        return _went_to(self.sends(InboundKind.MESSAGE, text=text, key=key))

    def presses(self, title: str, *, id: str | None = None) -> ConversationView:  # noqa: A002
        """Press a button or menu row; return the conversation it went to."""
        choice = Choice(id=id or title, title=title)
        return _went_to(self.sends(InboundKind.CHOICE, choice=choice))

    def sends(self, kind: InboundKind, *, key: str | None = None, **fields: Any) -> Received:
        """Let any item arrive from this contact; return what became of it."""
        address = self._play.desk.config.entry_points[self.entry_point].address
        item = Inbound(
            kind=kind,
            key=key or self._play.new_key(),
            address=address,
            sender=Sender(addresses=(self.address,), name=self.name),
            at=self._play.clock.now(),
            **fields,
        )
        return self._play.receive(self.entry_point, item)

    @property
    def got(self) -> list[str | None]:
        """The texts that reached this contact, in order."""
        return [each.text for each in self._play.provider.sent if each.to == self.address]


@blaming
class PlayAgent:
    """An agent at work. Every method is the desk's own, acting as this agent.

    Conversations are given as they were read, or by id. `p.desk.acting_as(id)` has the other commands.
    """

    def __init__(self, play: Play, agent: str) -> None:
        self._play = play
        self.id = agent

    def serving(self, *queues: str, groups: tuple[str, ...] = ()) -> PlayAgent:
        """Save the agent with the queues they serve."""
        self._play.desk.staff.put(self.id, serves=queues, groups=groups)
        return self

    def on(self) -> PlayAgent:
        """Become available."""
        self._play.desk.set_available(self.id)
        return self

    def off(self) -> PlayAgent:
        """Become unavailable."""
        self._play.desk.set_available(self.id, available=False)
        return self

    def takes(
        self, conversation: ConversationView | str, *, confirm: bool = False
    ) -> ConversationView:
        """Take a conversation by hand."""
        return self._play.desk.take(_id(conversation), by=self.id, confirm=confirm)

    def accepts(self, conversation: ConversationView | str) -> ConversationView:
        """Take what is offered to them."""
        return self._play.desk.accept_offer(_id(conversation), by=self.id)

    def declines(self, conversation: ConversationView | str) -> ConversationView:
        """Leave what is offered to others."""
        return self._play.desk.decline_offer(_id(conversation), by=self.id)

    def replies(
        self, conversation: ConversationView | str, text: str, *, confirm: bool = False
    ) -> MessageView:
        """Write to the contact, and let it go out."""
        written = self._play.desk.reply(_id(conversation), text, by=self.id, confirm=confirm)
        self._play.deliver()
        return written

    def ends(
        self, conversation: ConversationView | str, *, disposition: str | None = None
    ) -> ConversationView:
        """End a conversation."""
        return self._play.desk.end(_id(conversation), by=self.id, disposition=disposition)

    @property
    def holds(self) -> list[ConversationView]:
        """The open conversations of this agent."""
        return list(self._play.desk.conversations(agent=self.id).items)
