"""From committed events to what a person reads: each message's way, with the reasons.

Everything printed comes from the log and the explanations kept with it; the narrator only has the
words. What follows from an event stands below it, so that one message is one block.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import singledispatchmethod

from attrs import evolve
from rich.text import Text

from omniroute.cli.demo.book import Book, excerpt, quote, span
from omniroute.cli.demo.layout import TONES, Layout, Row, fact
from omniroute.desk.views import Change
from omniroute.model import events as tell
from omniroute.model.explanation import Candidate, Explanation
from omniroute.model.wire import DeliveryStatus

__all__ = ["Narrator"]


class Narrator:
    """Prints events as they happen. `narrate` takes what is new in the log, in order."""

    def __init__(self, layout: Layout, book: Book) -> None:
        self._layout = layout
        self._book = book
        self._opened: tell.Opened | None = None
        self._speaking_of = ""

    def narrate(self, changes: Sequence[Change]) -> None:
        """Print what events tell, each followed by the routing decisions it led to."""
        events = [change.event for change in changes]
        decided = self._book.decisions(
            event.conversation for event in events if isinstance(event, tell.ConversationEvent)
        )
        for change in changes:
            decisions = decided.get(change.position, ())
            self._print(self._rows(change.event))
            if isinstance(change.event, tell.Assigned) and not decisions:
                self._print(self._by_hand(change.event))
            for decision in decisions:
                self._print(self._decided(decision))

    def say(self, who: str, tone: str, text: str) -> None:
        """Print something that happens now and is no event of the desk."""
        self._print([Row(who, tone, Text(text), self._book.now())])

    def add(self, label: str, value: str, why: str = "", tone: str = "title") -> None:
        """Print what follows from the line above."""
        self._print([_fact(self._speaking_of, label, value, why, tone)])

    def _print(self, rows: Iterable[Row]) -> None:
        for row in rows:
            if row.time:
                self._speaking_of = row.conversation
            elif row.conversation == self._speaking_of:
                row = evolve(row, conversation="")  # noqa: PLW2901  (it stands in the line above)
            self._layout.row(row)

    # --- lines that stand for themselves ----------------------------------------------------------

    def _headline(self, event: tell.Event, *parts: str | tuple[str, str]) -> Row:
        here = event.conversation if isinstance(event, tell.ConversationEvent) else ""
        who, tone = self._book.actor(event.actor, here)
        return Row(who, tone, Text.assemble(*parts), self._book.clock(event.at), here)

    @singledispatchmethod
    def _rows(self, event: tell.Event) -> Iterator[Row]:
        yield self._headline(event, self._book.words(event))

    @_rows.register
    def _received(self, event: tell.MessageReceived) -> Iterator[Row]:
        message = self._book.message(event.conversation, event.message)
        yield self._headline(event, quote(message))
        if self._opened is not None:
            yield from self._beginning(self._opened)
        self._opened = None

    @_rows.register
    def _sent(self, event: tell.MessageSent) -> Iterator[Row]:
        message = self._book.message(event.conversation, event.message)
        to = (self._book.contact(event.conversation), TONES["contact"])
        yield self._headline(event, ("to ", TONES["dim"]), to, ": ", quote(message))

    @_rows.register
    def _remarked(self, event: tell.Remarked) -> Iterator[Row]:
        remark = self._book.message(event.conversation, event.message)
        about = self._book.target(event.conversation, remark.target)
        to = f" to {excerpt(about)}" if about else ""
        yield self._headline(event, f"{event.remark} {remark.emoji or ''}{to}")

    @_rows.register
    def _ended(self, event: tell.Ended) -> Iterator[Row]:
        how = event.disposition or event.reason
        yield self._headline(event, "ends the conversation: ", (how, TONES["title"]))

    @_rows.register
    def _missed(self, event: tell.SlaBreached) -> Iterator[Row]:
        clock = event.clock.value.replace("_", " ")
        yield self._headline(event, (f"{clock} is overdue", TONES["bad"]))
        why = f"seen by the tick of {self._book.now()}"
        yield _fact(event.conversation, "was due", self._book.clock(event.due), why)

    @_rows.register
    def _availability(self, event: tell.AgentAvailability) -> Iterator[Row]:
        yield self._headline(event, "is available" if event.available else "is away")

    @_rows.register
    def _delivered(self, event: tell.DeliveryChanged) -> Iterator[Row]:
        here, status = event.conversation, event.status
        message = self._book.message(here, event.message)
        if status is DeliveryStatus.SENT:
            ids = ", ".join(message.provider_ids)
            yield _fact(here, "sent as", ids, "over HTTP: the provider took it")
            return
        tone = TONES["bad" if status is DeliveryStatus.FAILED else "title"]
        text = Text.assemble("reports ", (status.value, tone), f": {excerpt(message)}")
        yield Row("WhatsApp", "provider", text, self._book.clock(event.at), here)

    # --- lines that follow from another -----------------------------------------------------------

    @_rows.register
    def _keep(self, event: tell.Opened) -> Iterator[Row]:
        self._opened = event  # told after the message that it began with
        yield from ()

    def _beginning(self, event: tell.Opened) -> Iterator[Row]:
        route, here = event.route, event.conversation
        yield _fact(here, "opens", f"conversation {here}", f"on {event.place.entry_point}")
        yield _fact(here, "inbox", route.inbox, route.inbox_source)
        if event.due is not None:
            due = self._book.clock(event.due)
            yield _fact(here, "answer by", due, f"{span(route.sla)}: {route.sla_source}")
        yield _fact(here, "queue", event.queue or "not yet", route.queue_source)

    @_rows.register
    def _browsed(self, event: tell.MenuMoved) -> Iterator[Row]:
        yield _fact(event.conversation, "menu", " / ".join(event.path) or "top")

    @_rows.register
    def _queued(self, event: tell.Queued) -> Iterator[Row]:
        why = "chosen in the menu" if event.reason == "menu" else event.reason
        yield _fact(event.conversation, "queue", event.queue, why)

    @_rows.register
    def _assigned(self, event: tell.Assigned) -> Iterator[Row]:
        here = event.conversation
        waited = event.at - self._book.conversation(here).conversation.clocks.queued_at
        if waited:
            why = f"nobody has waited longer: {span(waited)}"
            yield _fact(here, "next is", self._book.contact(here), why)

    def _by_hand(self, event: tell.Assigned) -> Iterator[Row]:
        name = self._book.agent(event.agent)
        yield _fact(event.conversation, "agent", name, event.reason, "agent")

    def _decided(self, decision: Explanation) -> Iterator[Row]:
        here, chosen = decision.conversation, decision.chosen
        if chosen is None:
            yield _fact(here, "agent", "nobody", "the conversation waits", "odd")
        else:
            name = self._book.agent(chosen.agent)
            yield _fact(here, "agent", name, self._standing(chosen), "agent")
        for candidate in decision.runners_up:
            yield self._runner_up(here, candidate)

    def _runner_up(self, here: str, candidate: Candidate) -> Row:
        name = self._book.agent(candidate.agent)
        if candidate.refused is None:
            return _fact(here, "runner-up", name, self._standing(candidate))
        holds = f"holds {candidate.load} of {candidate.maximum}"
        return _fact(here, "refused", name, f"{candidate.refused}: {holds}")

    def _standing(self, candidate: Candidate) -> str:
        since = self._book.clock(candidate.idle_since)
        return f"holds {candidate.load} of {candidate.maximum} since {since}"


def _fact(conversation: str, label: str, value: str, why: str = "", tone: str = "title") -> Row:
    return Row(label, "label", fact(value, why, tone), "", conversation)
