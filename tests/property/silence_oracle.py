"""What a desk's log has to say of silence: an oracle of its own, which reads events and nothing else.

It keeps the anchors of each conversation as plain numbers, and knows each timer as one line of
arithmetic. It shares no code with the rules.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from omniroute.model.hours import Hours
from omniroute.model.policy import AwayThen, ExpirationHours, InactivityThen, Policy, ResumeTo

_DAY = 86_400_000_000
_MINUTE = 60_000_000
OPEN = ((9 * 60, 12 * 60), (13 * 60, 17 * 60))
"""The hours of the desk, in minutes of a day, from Monday to Friday in UTC."""
HOURS = Hours(zone="UTC", weekly=(tuple((a * 60, b * 60) for a, b in OPEN),) * 5 + ((),) * 2)
"""The same as a desk is configured with them."""


def opens_and_closes(day: int) -> list[tuple[int, int]]:
    """The open spans of a day, counted from 1 January 1970, a Thursday."""
    if (day + 3) % 7 > 4:
        return []
    return [(day * _DAY + a * _MINUTE, day * _DAY + b * _MINUTE) for a, b in OPEN]


def is_open(at: int) -> bool:
    return any(a <= at < b for a, b in opens_and_closes(at // _DAY))


def turns(at: int, *, to_open: bool) -> int:
    """The first instant from `at` on at which it is open, or closed."""
    if is_open(at) == to_open:
        return at
    days = range(at // _DAY, at // _DAY + 8)
    spans = [span for day in days for span in opens_and_closes(day)]
    return min(span[not to_open] for span in spans if span[not to_open] > at)


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
    queue: str | None = None
    previous: str | None = None
    let_go: int = 0
    sticky: str | None = None
    anyone: bool = False
    asks: str | None = None
    offered_until: int | None = None
    declined: set[str] = field(default_factory=set)
    armed: dict[str, int] = field(default_factory=dict)

    def rearm(self, p: Policy, kinds: frozenset[str] | None = None) -> None:
        """Arm anew what an event touches, all of it where nothing is said; the rest stays (S3, S4)."""
        due = self.due(p)
        if kinds is None:
            self.armed = due
            return
        kept = {name: at for name, at in self.armed.items() if name not in kinds}
        self.armed = kept | {name: at for name, at in due.items() if name in kinds}

    def due(self, p: Policy) -> dict[str, int]:
        """When each deadline would come, were it armed under this policy."""
        if self.state == "ended":
            return {}
        contact = max(self.contact_at, self.woke_at)
        last = max(contact, self.agent_at or 0)
        found = {} if p.hard_expiry is None else {"hard_expiry": last + p.hard_expiry}
        if self.state == "snoozed":
            return {**found, "wake": self.until + p.snooze_grace}
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
        if self.state in ("queued", "offered"):
            at = expires(p, self.queued_at)
            return {} if at is None else {"queue_expiration": at}
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


def expires(p: Policy, queued_at: int) -> int | None:
    """When a wait has lasted too long, by the hours at entry or at the moment (U25 to U28)."""
    inside, outside = p.unanswered_expiration, p.after_hours_expiration
    if p.hours is None:
        return None if inside is None else queued_at + inside
    if p.expiration_hours is ExpirationHours.AT_ENTRY:
        lasts = inside if is_open(queued_at) else outside
        return None if lasts is None else queued_at + lasts
    ends = []
    if inside is not None:
        ends.append(turns(queued_at + inside, to_open=True))
    if outside is not None:
        ends.append(turns(queued_at + outside, to_open=False))
    return min(ends, default=None)


@dataclass
class Agent:
    """An agent as the test knows them: what they serve, and what their heartbeat says."""

    groups: tuple[str, ...]
    queues: tuple[str, ...]
    available: bool = False
    missed: bool = False
    beat_due: int | None = None
    away: bool = False
    gone_due: int | None = None


@dataclass
class Oracle:
    """Every conversation, every agent, judged event by event."""

    policy: Policy
    staff: dict[str, Agent]
    cascade: tuple[str, ...] = ()
    widen_after: int | None = None
    chats: dict[str, Chat] = field(default_factory=dict)
    returning: set[str] = field(default_factory=set)
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
        if kind in ("Assigned", "TookOver"):
            person = self.staff[event.agent]
            if person.gone_due is not None and person.gone_due < now:
                person.gone_due = None  # looked at by now: what they take by hand is theirs
        deadline = _deadline(kind, event)
        if deadline is not None:
            self._judge(chat, deadline, event, now)
        self._follow(chat, kind, event)
        chat.at = event.at

    def _judge(self, chat: Chat, deadline: str, event: Any, now: int) -> None:
        due = chat.armed
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
        kind = "MessageOfTheDesk" if getattr(e, "automatic", False) else kind
        if target is not None:
            chat.rearm(self.policy)
        elif kind in _TOUCHED:
            chat.rearm(self.policy, _TOUCHED[kind])

    def _on_Opened(self, chat: Chat, e: Any, _: str) -> None:
        chat.contact_at = chat.queued_at = e.at
        chat.queue = e.queue

    def _on_MessageReceived(self, chat: Chat, e: Any, _: str) -> None:
        stays = not self.policy.dismissed_resumes_after_hours and self.policy.hours is not None
        assert chat.state != "dismissed" or (stays and not is_open(e.at)), "M6: it comes back"
        chat.contact_at, chat.waits, chat.asked_at = e.at, True, None
        chat.owed = max(chat.owed - 1, 0)

    def _on_MessageSent(self, chat: Chat, e: Any, _: str) -> None:
        if not e.automatic:
            chat.agent_at, chat.waits = e.at, False

    def _on_Queued(self, chat: Chat, e: Any, was: str) -> None:
        self.returning.discard(e.conversation)
        if chat.agent is not None:
            chat.previous = chat.agent
        chat.sticky, chat.anyone = None, False
        if e.routing is not None:
            chat.sticky, chat.anyone = e.routing.sticky, e.routing.anyone
        if was in ("dismissed", "snoozed", "ended"):
            assert chat.sticky == self._resumes(chat, e.at), "back to another than policy says"
        chat.queued_at, chat.agent, chat.queue = e.at, None, e.queue
        chat.declined.clear()  # another wait
        if was == "snoozed":
            chat.woke_at = e.at
        if was == "dismissed":
            chat.owed = 2
        if was == "ended":
            chat.woke_at, chat.asked_at, chat.owed = 0, None, 0

    def _resumes(self, chat: Chat, at: int) -> str | None:
        """The agent whom a conversation comes back to (A14, P4)."""
        rule = self.policy.resume_to
        if rule.to is not ResumeTo.LAST_AGENT or self.policy.assignment.value == "claim":
            return None
        return chat.previous if rule.within is None or at - chat.let_go <= rule.within else None

    def _on_Lined(self, chat: Chat, e: Any, _: str) -> None:
        chat.sticky, chat.anyone = e.routing.sticky, e.routing.anyone

    def _on_Relocated(self, chat: Chat, e: Any, _: str) -> None:
        chat.queue = e.queue

    def _on_Assigned(self, chat: Chat, e: Any, _: str) -> None:
        by_hand = e.actor != "system"
        assert by_hand or self.staff[e.agent].available, "given to who is not there"
        assert e.released == chat.asks, "whose slot an offer held is told (X4)"
        if e.reason == "accepted":
            assert e.agent not in chat.declined, "accepted what was declined (M5)"
            assert chat.asks in (None, e.agent), "accepted what was offered to another (M5)"
        chat.asks = chat.offered_until = None
        chat.agent, chat.sticky = e.agent, None

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
        chat.previous, chat.agent, chat.let_go = chat.agent, None, e.at

    def _on_Snoozed(self, chat: Chat, e: Any, _: str) -> None:
        assert e.released == chat.agent
        chat.previous, chat.agent, chat.until, chat.let_go = chat.agent, None, e.until, e.at

    def _on_Ended(self, chat: Chat, e: Any, _: str) -> None:
        chat.ended += 1
        chat.waits, chat.let_go = False, e.at
        self.returning.discard(e.conversation)
        assert e.timers == (), "an end stops every clock (R5)"

    def _of_agent(self, kind: str, e: Any, now: int) -> None:
        if kind == "AgentAvailability":
            person = self.staff[e.agent]
            changes = person.available is not e.available or person.missed is not e.missed
            assert changes, "told what was so already (R11)"
            person.available, person.missed = e.available, e.missed
            if e.actor == "system" and not e.available and not e.missed:
                self._missed(e, person, now)
        elif kind == "WrapUpStarted":
            assert e.until == e.at + (self.policy.wrap_up or 0)
            self.wraps[e.agent, e.conversation] = e.until
        else:
            until = self.wraps.pop((e.agent, e.conversation))
            assert e.at <= now
            again = e.at == self.chats[e.conversation].let_go  # ended once more meanwhile
            assert e.actor != "system" or e.at == until or again, "a wrap-up ends at its instant"

    # --- presence ---------------------------------------------------------------------------------

    def beats(self, agent: str, now: int) -> bool:
        """Note a heartbeat; return whether it brings somebody back."""
        person, rule = self.staff[agent], self.policy.presence
        assert rule is not None
        back = person.away and not person.available and not person.missed
        person.beat_due, person.away, person.gone_due = now + rule.away_after, False, None
        return back

    def switched(self, agent: str, now: int, *, was_available: bool) -> None:
        """A switch by hand: whatever the heartbeat said of an absence is forgotten."""
        person = self.staff[agent]
        looked_at = person.beat_due is not None and person.beat_due < now
        if person.away or (looked_at and not was_available):
            person.beat_due, person.away, person.gone_due = None, False, None

    def _missed(self, e: Any, person: Agent, now: int) -> None:
        rule = self.policy.presence
        assert rule is not None
        assert person.beat_due is not None, "away, and was not looked at"
        assert e.at == person.beat_due <= now, "away early, or told at another instant (R7)"
        person.away, person.beat_due = True, None
        if rule.then is AwayThen.WAIT and rule.wait:
            person.gone_due = now + rule.wait
        elif rule.then is not AwayThen.KEEP:
            self.returning |= self._held(e.agent)

    def _held(self, agent: str) -> set[str]:
        own = ("active", "inactive")
        return {n for n, chat in self.chats.items() if chat.agent == agent and chat.state in own}

    def untold(self) -> set[int | None]:
        """When a heartbeat is missed by who is off anyway, or an absence ends of who holds nothing."""
        off = {each.beat_due for each in self.staff.values() if not each.available}
        return off | {each.gone_due for name, each in self.staff.items() if not self._held(name)}

    def look(self, now: int) -> None:
        """Everything due was looked at by `now`: absences that lasted too long are over."""
        for name, person in self.staff.items():
            if person.beat_due is not None and person.beat_due <= now:
                assert not person.available, "a heartbeat was missed, and nobody told"
                person.beat_due = None
            if person.gone_due is not None and person.gone_due <= now:
                assert not self._held(name), "who is gone for too long keeps nothing (P7)"
                person.gone_due = None
        assert not self.returning, "what they held waits again (P7)"

    # --- what must hold between steps -------------------------------------------------------------

    def overdue(self, now: int) -> dict[str, dict[str, int]]:
        """What should have fired by `now`, and has not."""
        late = {
            name: {kind: at for kind, at in chat.armed.items() if at <= now}
            for name, chat in self.chats.items()
        }
        return {name: kinds for name, kinds in late.items() if kinds}

    def idle_while_somebody_waits(self, room: int, seen: int) -> list[str]:
        """Who waits although an agent who may take it has room; time was looked at until `seen`."""
        free = {n: a for n, a in self.staff.items() if a.available and self.load(n) < room}
        return [
            name
            for name, chat in self.chats.items()
            if chat.state == "queued"
            and any(self._may(chat, each, agent, seen) for each, agent in free.items())
        ]

    def _may(self, chat: Chat, name: str, agent: Agent, seen: int) -> bool:
        if name in chat.declined:
            return False  # not again in this wait, however it is given out by now (M5, R2)
        if chat.sticky is not None:
            return chat.sticky == name and chat.queue in agent.queues
        if chat.queue not in agent.queues:
            return False
        if chat.queue != CASCADED or not self.cascade or chat.anyone:
            return True
        stages = 1
        if self.widen_after is not None and seen > chat.queued_at:
            stages += (seen - chat.queued_at) // self.widen_after
        for number, group in enumerate(self.cascade):
            here = [a for a in self.staff.values() if group in a.groups and CASCADED in a.queues]
            if not any(each.available for each in here):
                stages = max(stages, number + 2)  # nobody there: the next is asked at once (M1)
                continue
            break
        return any(group in agent.groups for group in self.cascade[:stages])


CASCADED = "general/a"
_BY_AGENT = frozenset({"hard_expiry", "chat_timeout", "inactivity"})
_ALIVE = frozenset({"keep_alive", "keep_alive_end"})
_TOUCHED = {
    "MessageReceived": _BY_AGENT | _ALIVE,
    "MessageSent": _BY_AGENT,
    "KeepAliveAsked": _ALIVE,
}
"""What is armed anew by what changes no state: a new version of the configuration reaches no more (S4)."""


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
