"""The verbs of the story: what a contact, an agent or the provider does, done and told.

What goes wrong is told, kept in `problems`, and does not stop the story: the count is what matters.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from omniroute.cli.demo.ledger import Posted, every_conversation
from omniroute.cli.demo.narrator import Narrator
from omniroute.cli.demo.world import Person, World
from omniroute.desk.views import ConversationView, MessageView
from omniroute.errors import OmnirouteError, UnknownConversation
from omniroute.model.events import agent_actor
from omniroute.model.wire import Attachment, RawRequest

__all__ = ["Stage"]

_PROVIDER: Final = "WhatsApp"


class Stage:
    """A world and its narrator. `problems` is what could not be done."""

    def __init__(self, world: World, narrator: Narrator) -> None:
        self.world = world
        self.narrator = narrator
        self.problems: list[str] = []
        self._messages = 0
        self._caused: dict[str, RawRequest] = {}
        self._position = sum(1 for _ in world.desk.changes())

    def _tell(self) -> None:
        changes = list(self.world.desk.changes(self._position))
        self._position += len(changes)
        self.narrator.narrate(changes)

    @contextmanager
    def _trying(self, what: str) -> Iterator[None]:
        try:
            yield
        except OmnirouteError as error:
            self._complain(what, str(error))

    def _complain(self, what: str, why: str) -> None:
        self.problems.append(f"{what}: {why}")
        self.narrator.add("problem", what, why, "bad")

    def _announce(self, text: str) -> None:
        self.narrator.say(_PROVIDER, "provider", text)

    # --- time -------------------------------------------------------------------------------------

    def passes(self, duration: str) -> None:
        """Let time pass, then do what a worker does: fire what is due, send what is ready."""
        self.world.clock.advance(duration)
        self.world.desk.tick()
        self.world.desk.deliver()
        self._tell()

    # --- contacts ---------------------------------------------------------------------------------

    def writes(self, person: Person, text: str) -> None:
        """Let a contact send a text."""
        self._post(person, self.text(person, text))

    def reacts(self, person: Person, emoji: str, *, to: str) -> None:
        """Let a contact react to the last message that an agent sent them."""
        with self._trying(f"{person.name} reacts"):
            target = self._last_from(to, person).provider_ids[0]
            reaction = {"message_id": target, "emoji": emoji}
            self._post(person, self._value(person, {"type": "reaction", "reaction": reaction}))

    def text(self, person: Person, text: str) -> dict[str, Any]:
        """Return a text as the provider puts it into a webhook."""
        return self._value(person, {"type": "text", "text": {"body": text}})

    def _value(self, person: Person, content: Mapping[str, Any]) -> dict[str, Any]:
        self._messages += 1
        return self.world.webhooks(person).message(
            person.phone,
            content,
            id=f"wamid.IN{self._messages:08d}",
            at=self.world.clock.now(),
            name=person.name,
        )

    # --- the provider -----------------------------------------------------------------------------

    def greets(self, person: Person) -> None:
        """Let the provider ask whether the webhook is ours, as it does when one sets it up."""
        self._announce("asks whether this webhook is ours: a handshake")
        hello = self.world.webhooks(person).handshake()
        answer = self.world.handle(self.world.desks, hello)
        if answer.body.decode() == hello.query["hub.challenge"]:
            self.narrator.add("answer", str(answer.status), "the challenge it sent, as it wants")
        else:
            self._complain("handshake", f"answered {answer.status}")

    def batches(self, person: Person, *values: Mapping[str, Any]) -> None:
        """Let several items arrive in one webhook."""
        self._announce(f"delivers {len(values)} items in one webhook")
        self._answer(self._post(person, *values))

    def repeats(self, person: Person) -> None:
        """Let the last webhook with something that a person wrote arrive again, byte for byte."""
        self._announce("missed our answer, and sends the last webhook again")
        self._answer(self._arrive(self._caused[person.name]))

    def reports(self, person: Person, status: str, *, of: str) -> None:
        """Let the provider report how far an agent's last message to a person came."""
        with self._trying(f"report of {status}"):
            message = self._last_from(of, person)
            request = self.world.webhooks(person).status(
                message.provider_ids[0],
                status,
                to=person.phone,
                at=self.world.clock.now(),
                outgoing_id=message.id,
            )
            self._arrive(request)

    def _post(self, person: Person, *values: Mapping[str, Any]) -> Posted:
        request = self._caused[person.name] = self.world.webhooks(person).signed(*values)
        return self._arrive(request)

    def _arrive(self, request: RawRequest) -> Posted:
        posted = self.world.post(request)
        self._tell()
        if not posted.acknowledged:
            self._complain("webhook", f"answered {posted.answer.status}")
        return posted

    def _answer(self, posted: Posted) -> None:
        summary = posted.summary
        counts = f"{summary.get('accepted')} accepted, {summary.get('duplicates')} received before"
        self.narrator.add("answer", str(posted.answer.status), counts)
        for reason in summary.get("rejected", ()):
            place, _, why = str(reason).partition(": ")
            # A reason that names a place within the item says more than the item's own place.
            self.narrator.add("rejected", why if why.startswith(place) else reason, tone="odd")

    # --- agents -----------------------------------------------------------------------------------

    def comes_on(self, agent: str) -> None:
        """Let an agent become available."""
        self.world.desk.set_available(agent)
        self._tell()

    def replies(
        self, agent: str, person: Person, text: str, attachments: Sequence[Attachment] = ()
    ) -> None:
        """Let an agent write to a contact; the message goes out over HTTP."""
        with self._trying(f"{agent} replies"):
            here = self._conversation(person).id
            self.world.desk.reply(here, text, by=agent, attachments=attachments)
            self.world.desk.deliver()
        self._tell()

    def ends(self, agent: str, person: Person, disposition: str) -> None:
        """Let an agent end the conversation with a contact."""
        with self._trying(f"{agent} ends"):
            self.world.desk.end(self._conversation(person).id, by=agent, disposition=disposition)
        self._tell()

    # --- looking up -------------------------------------------------------------------------------

    def _conversation(self, person: Person) -> ConversationView:
        for view in reversed(every_conversation(self.world.desk)):
            if view.address == person.phone:
                return view
        raise UnknownConversation(f"there is no conversation with {person.name}")

    def _last_from(self, agent: str, person: Person) -> MessageView:
        here = self._conversation(person).id
        for message in reversed(self.world.desk.messages(here, limit=1000)):
            if message.author == agent_actor(agent) and message.provider_ids:
                return message
        raise UnknownConversation(f"{agent} has sent {person.name} nothing")
