"""What a desk's log has to say of silence: an oracle of its own, which reads events and nothing else.

It keeps the anchors of each conversation as plain numbers, and knows each timer as one line of
arithmetic. It shares no code with the rules.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from omniroute.model.policy import InactivityThen, Policy


@dataclass
class Chat:
    """One conversation as the log tells it."""

    at: int
    state: str = "queued"
    agent: str | None = None
    since: int = 0
    contact_at: int = 0
    agent_at: int | None = None
    queued_at: int = 0
    waits: bool = True
    woke_at: int = 0
    warned_at: int = 0
    asked_at: int | None = None
    owed: int = 0
    until: int = 0
    ended: int = 0
    asks: str | None = None
    offered_until: int | None = None
    declined: set[str] = field(default_factory=set)

    def due(self, p: Policy) -> dict[str, int]:
        """When each deadline comes that is armed."""
        if self.state == "ended":
            return {}
        contact = max(self.contact_at, self.woke_at)
        last = max(contact, self.agent_at or 0)
        found = {} if p.hard_expiry is None else {"hard_expiry": last + p.hard_expiry}
        if self.state == "snoozed":
            return {**found, "wake": self.until}
        if p.chat_timeout is not None:
            found["chat_timeout"] = last + p.chat_timeout
        if self.state == "offered" and self.offered_until is not None:
            found["offer"] = self.offered_until
        return {**found, **self._alive(p, contact), **self._waiting(p), **self._silent(p)}

    def _alive(self, p: Policy, contact: int) -> dict[str, int]:
        if p.keep_alive is None:
            return {}
        if self.asked_at is None:
            return {"keep_alive": contact + p.keep_alive.after}
        return {"keep_alive_end": max(self.asked_at, self.woke_at) + p.keep_alive.end_after}

    def _waiting(self, p: Policy) -> dict[str, int]:
        if self.state in ("queued", "offered") and p.unanswered_expiration is not None:
            return {"queue_expiration": self.queued_at + p.unanswered_expiration}
        if self.state == "selecting" and p.selecting_expiration is not None:
            return {"selecting_expiration": self.since + p.selecting_expiration}
        return {}

    def _silent(self, p: Policy) -> dict[str, int]:
        quiet = p.inactivity
        if quiet is None:
            return {}
        if self.state == "active" and self.agent_at and not self.waits and not self.owed:
            return {"inactivity": max(self.agent_at, self.woke_at) + quiet.after}
        if self.state == "inactive" and quiet.then is InactivityThen.DISMISS:
            return {"dismissal": self.warned_at + quiet.notice}
        return {}


@dataclass
class Oracle:
    """Every conversation, every agent, judged event by event."""

    policy: Policy
    chats: dict[str, Chat] = field(default_factory=dict)
    available: dict[str, bool] = field(default_factory=dict)
    wraps: dict[tuple[str, str], int] = field(default_factory=dict)
    steps: int = 0

    def load(self, agent: str) -> int:
        """What an agent holds: conversations and wrap-ups."""
        held = sum(
            (chat.agent == agent and chat.state in ("active", "inactive"))
            or (chat.asks == agent and chat.state == "offered")
            for chat in self.chats.values()
        )
        return held + sum(owner == agent for owner, _ in self.wraps)

    def read(self, event: Any, now: int) -> None:
        """Judge one event that was committed at `now`, and follow it."""
        name = getattr(event, "conversation", None)
        kind = type(event).__name__
        if kind in ("AgentAvailability", "WrapUpStarted", "WrapUpEnded"):
            self._of_agent(kind, event, now)
            return
        if name is None or kind in ("DeliveryChanged", "AgentSaved"):
            return
        chat = self.chats.setdefault(name, Chat(event.at))
        assert event.at >= chat.at or kind == "Opened", "told before what came before"
        deadline = _deadline(kind, event)
        if deadline is not None:
            self._judge(chat, deadline, event, now)
        self._follow(chat, kind, event)
        chat.at = event.at

    def _judge(self, chat: Chat, deadline: str, event: Any, now: int) -> None:
        due = chat.due(self.policy)
        if deadline == "timeout":
            deadline = "hard_expiry" if event.detail else "chat_timeout"
        assert deadline in due, f"{deadline} fired, and was not armed: {chat}"
        at = due[deadline]
        assert at <= now, f"{deadline} fired early (R7)"
        assert event.at == max(at, chat.at), f"{deadline} was told at another instant (U43)"
        earlier = {name: each for name, each in due.items() if each < at}
        assert not earlier, f"{deadline} fired before {earlier}"

    def _follow(self, chat: Chat, kind: str, e: Any) -> None:
        handler = getattr(self, f"_on_{kind}", None)
        target = getattr(type(e), "to_state", None)
        was = chat.state
        if target is not None:
            chat.state = e.target.value
            chat.since = e.at
        if handler is not None:
            handler(chat, e, was)

    def _on_Opened(self, chat: Chat, e: Any, _: str) -> None:
        chat.contact_at = chat.queued_at = e.at

    def _on_MessageReceived(self, chat: Chat, e: Any, _: str) -> None:
        chat.contact_at, chat.waits, chat.asked_at = e.at, True, None
        chat.owed = max(chat.owed - 1, 0)

    def _on_MessageSent(self, chat: Chat, e: Any, _: str) -> None:
        if not e.automatic:
            chat.agent_at, chat.waits = e.at, False

    def _on_Queued(self, chat: Chat, e: Any, was: str) -> None:
        chat.queued_at, chat.agent = e.at, None
        chat.declined.clear()  # another wait
        if was == "snoozed":
            chat.woke_at = e.at
        if was == "dismissed":
            chat.owed = 2
        if was == "ended":
            chat.woke_at, chat.asked_at, chat.owed = 0, None, 0

    def _on_Assigned(self, chat: Chat, e: Any, _: str) -> None:
        assert e.released == chat.asks, "whose slot an offer held is told (X4)"
        if e.reason == "accepted":
            assert e.agent not in chat.declined, "accepted what was declined (M5)"
            assert chat.asks in (None, e.agent), "accepted what was offered to another (M5)"
        chat.asks = chat.offered_until = None
        chat.agent = e.agent

    def _on_Offered(self, chat: Chat, e: Any, _: str) -> None:
        assert e.agent is None or e.agent not in chat.declined, "asked twice in one wait (M5)"
        chat.asks, chat.offered_until = e.agent, e.until

    def _on_OfferEnded(self, chat: Chat, e: Any, _: str) -> None:
        assert e.released == chat.asks, "a slot is freed that was not held (X4)"
        if e.reason == "lapsed":
            chat.declined.add(e.released)
        chat.asks = chat.offered_until = None

    def _on_Declined(self, chat: Chat, e: Any, _: str) -> None:
        assert e.agent not in chat.declined
        chat.declined.add(e.agent)

    def _on_TookOver(self, chat: Chat, e: Any, _: str) -> None:
        chat.agent = e.agent

    def _on_FellSilent(self, chat: Chat, e: Any, _: str) -> None:
        chat.warned_at = e.warned_at

    def _on_KeepAliveAsked(self, chat: Chat, e: Any, _: str) -> None:
        chat.asked_at = e.asked_at

    def _on_Dismissed(self, chat: Chat, e: Any, _: str) -> None:
        assert e.released == chat.agent
        chat.agent = None

    def _on_Snoozed(self, chat: Chat, e: Any, _: str) -> None:
        assert e.released == chat.agent
        chat.agent, chat.until = None, e.until

    def _on_Ended(self, chat: Chat, e: Any, _: str) -> None:
        chat.ended += 1
        chat.waits = False
        assert e.timers == (), "an end stops every clock (R5)"

    def _of_agent(self, kind: str, e: Any, now: int) -> None:
        if kind == "AgentAvailability":
            self.available[e.agent] = e.available
        elif kind == "WrapUpStarted":
            assert e.until == e.at + (self.policy.wrap_up or 0)
            self.wraps[e.agent, e.conversation] = e.until
        else:
            until = self.wraps.pop((e.agent, e.conversation))
            assert e.at <= now
            assert e.actor != "system" or e.at == until, "a wrap-up ends at its instant"

    # --- what must hold between steps -------------------------------------------------------------

    def overdue(self, now: int) -> dict[str, dict[str, int]]:
        """What should have fired by `now`, and has not."""
        late = {
            name: {kind: at for kind, at in chat.due(self.policy).items() if at <= now}
            for name, chat in self.chats.items()
        }
        return {name: kinds for name, kinds in late.items() if kinds}

    def idle_while_somebody_waits(self, room: int) -> list[str]:
        """Who waits although an agent who serves the one queue there is has room."""
        free = [name for name, on in self.available.items() if on and self.load(name) < room]
        waiting = [name for name, chat in self.chats.items() if chat.state == "queued"]
        return waiting if free else []


def _deadline(kind: str, event: Any) -> str | None:
    """The deadline that an event is of, or None where somebody did it."""
    if event.actor != "system":
        return None
    if kind == "Ended":
        reasons = {
            "expired_in_queue": "queue_expiration",
            "expired_selecting": "selecting_expiration",
        }
        return {**reasons, "keep_alive": "keep_alive_end", "timeout": "timeout"}[event.ending.value]
    if kind == "Queued":
        return "wake" if event.reason == "woke" else None
    if kind == "OfferEnded":
        return "offer" if event.reason == "lapsed" else None
    plain = {"FellSilent": "inactivity", "Dismissed": "dismissal", "KeepAliveAsked": "keep_alive"}
    return plain.get(kind)
