"""The desk machine's outside: what contacts write, and what providers deliver, repeat and report."""

from __future__ import annotations

from functools import partial
from typing import Any

from attrs import evolve
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from omniroute.desk import Received
from omniroute.model.wire import Choice, DeliveryStatus, Inbound, InboundKind, Sender
from tests.property.desk_ground import Ground, now_and_then
from tests.property.oracle import Chat
from tests.property.stories import CONTENT, ENTRIES, REMARKS, WORDS, inbounds, picks
from tests.property.world import World


class Outside(Ground):
    """Everything that comes in."""

    def person(self, kind: str, addresses: tuple[str, ...]) -> int:
        """Who this is, by any of the addresses; addresses are somebody's for good (P17)."""
        keys = [(kind, each) for each in addresses]
        found = next((self.people[key] for key in keys if key in self.people), None)
        number = len(set(self.people.values())) if found is None else found
        for key in keys:
            self.people.setdefault(key, number)
        return number

    def inbound(self, spec: dict[str, Any], kind: InboundKind, **more: Any) -> Inbound:
        self.keys += 1
        return Inbound(
            kind=kind,
            key=f"in-{self.keys}",
            address=ENTRIES[spec["entry"]].address,
            sender=Sender(addresses=spec["addresses"], name=spec["addresses"][0]),
            thread=spec["thread"],
            **more,
        )

    @rule(spec=inbounds, kind=st.sampled_from(CONTENT), old_key=st.booleans())
    def writes(self, spec: dict[str, Any], kind: InboundKind, old_key: bool) -> None:
        item = self.inbound(spec, kind, text=spec["text"])
        old = f"in-{self.keys - 1}"
        if old_key and (spec["entry"], kind.value, old) not in self.used:
            item = evolve(item, key=old)  # a key is its provider's, of one kind on one entry point
        self.arrives(spec["entry"], item)

    @now_and_then(2)
    @rule(spec=inbounds, title=st.sampled_from(["Deutsch", "English", "Technik", "Gone"]))
    def presses(self, spec: dict[str, Any], title: str) -> None:
        choice = Choice(id="x", title=title)
        item = self.inbound(spec, InboundKind.CHOICE, choice=choice)
        self.arrives(spec["entry"], evolve(item, text=spec["text"]))

    @precondition(lambda self: self.has_chats)
    @rule(pick=picks, text=st.sampled_from(WORDS))
    def writes_again(self, pick: int, text: str | None) -> None:
        """Where they wrote before: into an open conversation, or after the end of one."""
        self.follows_up(self.chat(pick), text)

    @precondition(lambda self: self.any_in("ended"))
    @rule(pick=picks)
    def writes_after_the_end(self, pick: int) -> None:
        self.follows_up(self.chat(pick, "ended"), "Hello again")

    @precondition(lambda self: self.any_in("selecting"))
    @rule(pick=picks, text=st.sampled_from(["1", "2", " deutsch ", "TECHNIK"]))
    def chooses(self, pick: int, text: str) -> None:
        self.follows_up(self.chat(pick, "selecting"), text)

    def follows_up(self, chat: Chat, text: str | None) -> None:
        spec = {"entry": chat.entry, "addresses": self.address[chat.id], "thread": chat.thread}
        self.arrives(chat.entry, self.inbound(spec, InboundKind.MESSAGE, text=text))

    def arrives(self, entry: str, item: Inbound) -> None:
        """A contact's own content comes in: foresee where it goes, then see that it went there."""
        assert item.sender is not None
        self.used.add((entry, item.kind.value, item.key))
        number = self.person(ENTRIES[entry].channel, item.sender.addresses)
        contact = self.known.get(number, "?")
        verdict, home = self.oracle.home(entry, contact, item.thread, self.now)
        before = None if home is None else evolve(home)
        queue, path = self.foreseen(verdict, home, entry, item)
        received = self.do(lambda world: world.desk.receive(entry, item))
        (what,) = received.items
        if verdict == "refused":
            assert what.result == "rejected"
            return
        assert what.result == "accepted"
        self.received[entry, item.kind.value, item.key] = (what.conversation, item)
        chat = self.oracle.chats[what.conversation]
        assert chat.messages.count(what.message) == 1
        self.known.setdefault(number, chat.contact)
        self.address[chat.id] = item.sender.addresses
        assert chat.contact == self.known[number]
        before_it = self.received_before(chat.id, item)
        assert (home is None) == (chat.id not in before_it and chat.started_by is None)
        assert home is None or home.id == chat.id
        assert (chat.queue, chat.path) == (queue, path)
        if verdict == "joins" and before is not None and before.state != "selecting":
            assert (chat.state, chat.agent) == (before.state, before.agent), "C9"

    def received_before(self, conversation: str, item: Inbound) -> set[str]:
        return {c for c, each in self.received.values() if c == conversation and each is not item}

    def foreseen(
        self, verdict: str, home: Chat | None, entry: str, item: Inbound
    ) -> tuple[str | None, tuple[str, ...]]:
        if home is None:
            return self.oracle.first_queue(entry), ()
        if verdict == "joins" and home.state == "selecting":
            return self.oracle.answer(home, item.choice.title if item.choice else item.text)
        return home.queue, home.path

    @now_and_then(3)
    @precondition(lambda self: self.received)
    @rule(pick=picks)
    def comes_again(self, pick: int) -> None:
        """A provider delivers again what it delivered before (X3)."""
        every = list(self.received.items())
        (entry, _, _), (conversation, item) = every[-1 - pick % len(every)]
        received = self.do(lambda world: world.desk.receive(entry, item))
        assert [each.result for each in received.items] == ["duplicate"]
        assert received.items[0].conversation == conversation
        assert self.told_only()

    @now_and_then(3)
    @rule(spec=inbounds, other=inbounds)
    def comes_in_one_batch(self, spec: dict[str, Any], other: dict[str, Any]) -> None:
        """Two items and a copy of the first in one webhook, the second perhaps for another address."""
        first = self.inbound(spec, InboundKind.MESSAGE, text=spec["text"])
        second = self.inbound(other, InboundKind.MESSAGE, text=other["text"])
        self.used.add((other["entry"], "message", second.key))
        self.arrives(spec["entry"], first)
        same = ENTRIES[spec["entry"]].channel == ENTRIES[other["entry"]].channel
        known = (spec["entry"], "message", first.key) in self.received
        verdict, _ = self.oracle.home(
            other["entry"],
            self.known.get(self.person(ENTRIES[other["entry"]].channel, other["addresses"]), "?")
            if same
            else "?",
            other["thread"],
            self.now,
        )
        received = self.do(lambda world: world.desk.receive(spec["entry"], [first, second, first]))
        results = [each.result for each in received.items]
        expected = "rejected" if verdict == "refused" or not same else "accepted"
        assert results == ["duplicate" if known else "rejected", expected, results[0]]
        if expected == "accepted":
            what = received.items[1]
            self.address[what.conversation] = other["addresses"]
            key = (other["entry"], "message", second.key)
            self.received[key] = (what.conversation, second)
            number = self.person(ENTRIES[other["entry"]].channel, other["addresses"])
            self.known.setdefault(number, self.oracle.chats[what.conversation].contact)

    @now_and_then(2)
    @rule(spec=inbounds)
    def is_accepted(self, spec: dict[str, Any]) -> None:
        """Recorded now and routed by the next tick, as of now (S1)."""
        item = self.inbound(spec, InboundKind.MESSAGE, text=spec["text"])
        accepted = self.do(lambda world: world.desk.accept(spec["entry"], [item, item]))
        assert (accepted.new, accepted.known) == ((item.key,), (item.key,))
        assert not self.told
        self.used.add((spec["entry"], "message", item.key))
        self.intake.append((spec["entry"], evolve(item, at=self.now)))

    def are_routed(self) -> None:
        """What was accepted before a tick has been received in it, and is not received again."""
        routed: list[tuple[int, int]] = []
        for entry, item in self.intake:
            assert item.sender is not None
            number = self.person(ENTRIES[entry].channel, item.sender.addresses)
            (what,) = self.do(partial(_received, entry, item)).items
            if what.conversation is not None:
                self.received[entry, item.kind.value, item.key] = (what.conversation, item)
                self.address[what.conversation] = item.sender.addresses
                self.known.setdefault(number, self.oracle.chats[what.conversation].contact)
                assert self.oracle.chats[what.conversation].contact == self.known[number]
            if what.result == "duplicate":
                routed.append((item.at or 0, self.oracle.said_at[what.message]))
            # One that was refused at the time may be taken now: nothing of it was kept.
            assert what.result in ("duplicate", "rejected", "accepted")
        self.intake.clear()
        # In the order of acceptance; what was accepted at one instant may come in any.
        assert all(one[1] < two[1] for one in routed for two in routed if one[0] < two[0]), (
            "routed out of order"
        )

    @now_and_then(3)
    @rule(spec=inbounds, kind=st.sampled_from(REMARKS))
    def remarks(self, spec: dict[str, Any], kind: InboundKind) -> None:
        """A reaction, an edit, an echo, a notice: kept beside the conversation, moving nothing (P16)."""
        item = self.inbound(spec, kind, emoji="+", target="in-1", text=spec["text"])
        received = self.do(lambda world: world.desk.receive(spec["entry"], item))
        assert received.items[0].result in ("accepted", "ignored")
        assert self.told_only("Remarked")

    @now_and_then(3)
    @precondition(lambda self: self.letters)
    @rule(pick=picks, status=st.sampled_from(DeliveryStatus), again=st.booleans())
    def reports(self, pick: int, status: DeliveryStatus, again: bool) -> None:
        """A status, of a message that went out or did not yet, on its entry point."""
        message = list(self.letters)[-1 - pick % len(self.letters)]
        chat = self.oracle.chats[self.letters[message][0]]
        for _ in range(2 if again else 1):
            self.do(lambda world: world.desk.receive(chat.entry, status_of(chat, message, status)))
            freed = ("Ended", "Assigned", "MessageSent") if "Ended" in self.told else ()
            assert self.told_only("DeliveryChanged", *freed)


def _received(entry: str, item: Inbound, world: World) -> Received:
    return world.desk.receive(entry, item)


def status_of(chat: Chat, message: str, status: DeliveryStatus) -> Inbound:
    """What the provider reports of a message of ours."""
    provider_id = f"sent-{message}"
    return Inbound(
        kind=InboundKind.STATUS,
        key=f"{provider_id}:{status.value}",
        address=ENTRIES[chat.entry].address,
        target=provider_id,
        status=status,
    )
