"""A whole performance: the desk as configured, the story, what came of it, and the count."""

from __future__ import annotations

from typing import Final

from rich.console import Console

from omniroute.cli.demo.book import Book, span
from omniroute.cli.demo.layout import Layout
from omniroute.cli.demo.ledger import Tally, every_conversation, rejected_items, tally
from omniroute.cli.demo.lives import LIVES, lived
from omniroute.cli.demo.narrator import Narrator
from omniroute.cli.demo.script import CHAPTERS
from omniroute.cli.demo.stage import Stage
from omniroute.cli.demo.world import Handler, World, open_world
from omniroute.desk.desk import Desk
from omniroute.desk.views import ConversationView
from omniroute.instants import to_micros
from omniroute.web import handle_webhook

__all__ = ["perform"]


def perform(console: Console, handle: Handler = handle_webhook, store: str | None = None) -> Tally:
    """Play the demo, print it, return its count.

    `handle` is what a host does with a webhook, `store` the URL of another store than SQLite.
    """
    layout = Layout(console)
    with open_world(handle, store) as world:
        book = Book(world.desk, world.clock)
        stage = Stage(world, Narrator(layout, book))
        _introduce(layout, world)
        for number, (title, chapter) in enumerate(CHAPTERS, start=1):
            layout.title(f"{number}. {title}")
            chapter(stage)
        _conclude(layout, world, book)
        _live(layout)
        accepted = [message.id for message in world.provider.accepted]
        result = tally(world.desk, world.posted, accepted, stage.problems)
        _count(layout, world, result)
    return result


_REAL: Final = (
    "The desk is a SQLite database. Webhooks are signed as WhatsApp signs them, and handled as a"
    " host handles them. What agents write goes out over HTTP, to a stand-in for WhatsApp on this"
    " machine. Only the time is virtual."
)

_HOLDS: Final = (
    "Every other one is in the store exactly once. What the provider took is what the desk calls"
    " sent. Every conversation has ended, and no agent is left with a slot taken."
)

# --- before the story -----------------------------------------------------------------------------


def _introduce(layout: Layout, world: World) -> None:
    layout.title("A morning at a helpdesk", _REAL)
    layout.table(
        ("entry point", "inbox", "answer within", "queue"),
        [
            (
                f"{each.name}\n{each.address}",
                f"{each.inbox}\n{each.inbox_source}",
                f"{span(each.sla)}\n{each.sla_source}",
                f"{each.queue or 'asked'}\n{each.queue_source}",
            )
            for each in world.desk.entry_points()
        ],
    )
    layout.gap()
    layout.table(
        ("agent", "serves", "may hold"),
        [
            (agent.name, ", ".join(agent.queues), str(agent.capacity.soft_max))
            for agent in world.desk.staff.list()
        ],
    )


# --- after it -------------------------------------------------------------------------------------


def _conclude(layout: Layout, world: World, book: Book) -> None:
    layout.title("What became of everybody")
    header = ("", "contact", "queue", "agent", "answered after", "ended")
    views = every_conversation(world.desk)
    layout.table(header, [_outcome(world.desk, book, view) for view in views])


def _live(layout: Layout) -> None:
    for title, config, live in LIVES:
        layout.title(title)
        for line in lived(config, live):
            layout.note(line)


def _outcome(desk: Desk, book: Book, view: ConversationView) -> tuple[str, ...]:
    ending = view.ending
    return (
        view.id,
        book.contact(view.id),
        view.queue or "",
        book.agent(view.agent) if view.agent else "",
        _answered(desk, view),
        f"no: {view.state.value}" if ending is None else ending.disposition or ending.reason.value,
    )


def _answered(desk: Desk, view: ConversationView) -> str:
    route = desk.explain(view.id).route
    if view.first_reply_at is None or route is None:
        return "never"
    took = to_micros(view.first_reply_at) - to_micros(view.opened_at)
    return f"{span(took)} of {span(route.sla)}{', late' if took > route.sla else ''}"


def _count(layout: Layout, world: World, result: Tally) -> None:
    items = sum(len(each.items) for each in world.posted)
    rejected = len(rejected_items(world.posted))
    layout.gap()
    layout.note(
        f"{items} items in {len(world.posted)} webhooks: {items - result.received} sent again,"
        f" {rejected} rejected with a reason."
    )
    if result.ok:
        layout.note(_HOLDS)
    for item in result.lost:
        layout.note(f"lost: {item.kind} {item.key}", "bad")
    for problem in result.problems:
        layout.note(f"problem: {problem}", "bad")
    layout.last(str(result), "agent" if result.ok else "bad")
