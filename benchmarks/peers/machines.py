"""The lifecycle benchmark's conversation on two state machine libraries.

As their documentation has it: one machine for each conversation, callbacks for what a step changes.
After each step they hold what our state holds (state, agent, clocks), the facts of our event as one
record, and what is to be sent. Messages and notes move no state: internal transitions.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from statemachine import State, StateMachine
from transitions import Machine

__all__ = ["ByStatemachine", "ByTransitions", "Record"]


class Record(NamedTuple):
    """What is kept of a step: the facts of an event."""

    event: str
    conversation: str
    at: int
    actor: str
    source: str
    agent: str | None = None
    released: str | None = None
    message: str | None = None


class _Conversation:
    """What the callbacks of both change, and the record that each of them leaves."""

    def open(self, at: int) -> None:
        """Begin as our conversation does: it waits, and has been answered before."""
        self.agent: str | None = None
        self.previous_agent: str | None = "ana"
        self.ended_by: str | None = None
        self.at = self.since = self.queued_at = self.contact_at = at
        self.waiting_since: int | None = None
        self.agent_at: int | None = at
        self.first_reply_at: int | None = at
        self.record: Record | None = None
        self.outbox: tuple[str, ...] = ()

    def hold(self, agent: str, actor: str, source: str, now: int) -> None:
        """Give it to an agent."""
        self.agent, self.at, self.since, self.outbox = agent, now, now, ()
        self.record = Record("assigned", "c_1", now, actor, source, agent)

    def hear(self, message: str, source: str, now: int) -> None:
        """Let the contact wait for an answer."""
        self.at, self.contact_at, self.outbox = now, now, ()
        if self.waiting_since is None:
            self.waiting_since = now
        self.record = Record("received", "c_1", now, "contact", source, message=message)

    def note_down(self, by: str, message: str, source: str, now: int) -> None:
        """Have a note."""
        self.at, self.outbox = now, ()
        self.record = Record("noted", "c_1", now, f"agent:{by}", source, message=message)

    def answer(self, by: str, message: str, source: str, now: int) -> None:
        """Let nobody wait for an answer any more."""
        self.at, self.agent_at, self.waiting_since = now, now, None
        if self.first_reply_at is None:
            self.first_reply_at = now
        self.outbox = (message,)
        self.record = Record("sent", "c_1", now, f"agent:{by}", source, message=message)

    def wait(self, by: str, source: str, now: int) -> None:
        """Wait again."""
        released = self.previous_agent = self.agent
        self.agent, self.at, self.since, self.queued_at, self.outbox = None, now, now, now, ()
        self.record = Record("queued", "c_1", now, f"agent:{by}", source, released=released)

    def close(self, by: str, source: str, now: int) -> None:
        """Be over."""
        self.at, self.since, self.waiting_since, self.outbox = now, now, None, ()
        self.ended_by = f"agent:{by}"
        self.record = Record("ended", "c_1", now, self.ended_by, source, released=self.agent)


class ByTransitions(_Conversation):
    """A conversation on `transitions`; the machine puts the triggers on it."""

    assign: Any
    receive: Any
    note: Any
    reply: Any
    give_back: Any
    take: Any
    end: Any

    def __init__(self, at: int) -> None:
        self.state = "queued"
        self.machine = Machine(
            self,
            states=["queued", "active", "ended"],
            transitions=[
                _row("assign", ["queued"], "active"),
                _row("receive", ["queued", "active"], None),
                _row("note", ["queued", "active"], None),
                _row("reply", ["active"], None),
                _row("give_back", ["active"], "queued"),
                _row("take", ["queued"], "active"),
                _row("end", ["queued", "active"], "ended"),
            ],
            initial="queued",
            auto_transitions=False,
            send_event=True,
        )
        self.open(at)

    def _on_assign(self, event: Any) -> None:
        self.hold(event.kwargs["agent"], "system", event.transition.source, event.kwargs["now"])

    def _on_receive(self, event: Any) -> None:
        self.hear(event.kwargs["message"], event.transition.source, event.kwargs["now"])

    def _on_note(self, event: Any) -> None:
        self.note_down(source=event.transition.source, **event.kwargs)

    def _on_reply(self, event: Any) -> None:
        self.answer(source=event.transition.source, **event.kwargs)

    def _on_give_back(self, event: Any) -> None:
        self.wait(source=event.transition.source, **event.kwargs)

    def _on_take(self, event: Any) -> None:
        by = event.kwargs["by"]
        self.hold(by, f"agent:{by}", event.transition.source, event.kwargs["now"])

    def _on_end(self, event: Any) -> None:
        self.close(source=event.transition.source, **event.kwargs)

    def restart(self) -> None:
        """Wait, as before the first step."""
        self.state = "queued"


def _row(trigger: str, source: list[str], dest: str | None) -> dict[str, Any]:
    return {"trigger": trigger, "source": source, "dest": dest, "after": f"_on_{trigger}"}


class ByStatemachine(_Conversation, StateMachine):
    """A conversation on `python-statemachine`, which gives callbacks the arguments they name."""

    queued = State(initial=True)
    active = State()
    ended = State()

    assign = queued.to(active, on="_on_assign")
    receive = queued.to(queued, internal=True, on="_on_receive")
    receive |= active.to(active, internal=True, on="_on_receive")
    note = queued.to(queued, internal=True, on="_on_note")
    note |= active.to(active, internal=True, on="_on_note")
    reply = active.to(active, internal=True, on="_on_reply")
    give_back = active.to(queued, on="_on_give_back")
    take = queued.to(active, on="_on_take")
    end = queued.to(ended, on="_on_end") | active.to(ended, on="_on_end")
    _again = ended.to(queued)  # it wants a way out of every state

    def __init__(self, at: int) -> None:
        super().__init__()
        self.open(at)

    def _on_assign(self, source: State, agent: str, now: int) -> None:
        self.hold(agent, "system", source.id, now)

    def _on_receive(self, source: State, message: str, now: int) -> None:
        self.hear(message, source.id, now)

    def _on_note(self, source: State, by: str, message: str, now: int) -> None:
        self.note_down(by, message, source.id, now)

    def _on_reply(self, source: State, by: str, message: str, now: int) -> None:
        self.answer(by, message, source.id, now)

    def _on_give_back(self, source: State, by: str, now: int) -> None:
        self.wait(by, source.id, now)

    def _on_take(self, source: State, by: str, now: int) -> None:
        self.hold(by, f"agent:{by}", source.id, now)

    def _on_end(self, source: State, by: str, now: int) -> None:
        self.close(by, source.id, now)

    @property
    def state(self) -> str:
        """The name of the present state."""
        return str(self.current_state_value)

    def restart(self) -> None:
        """Wait, as before the first step."""
        self.current_state_value = self.queued.value
