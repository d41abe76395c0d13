"""The story: one morning at a helpdesk, told in the verbs of `stage`.

Every chapter shows one thing that a desk has to get right. Nothing is printed here but titles: what
happens is told from the log.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from omniroute.cli.demo.stage import Stage
from omniroute.cli.demo.world import Person
from omniroute.model.wire import Attachment

__all__ = ["CHAPTERS"]

MARIA: Final = Person("Maria", "16505550101", "whatsapp-platinum")
JONAS: Final = Person("Jonas", "16505550102", "whatsapp-main")
LUCIA: Final = Person("Lucía", "16505550103", "whatsapp-orders")
VIKTOR: Final = Person("Viktor", "16505550104", "whatsapp-platinum")
PRIYA: Final = Person("Priya", "16505550105", "whatsapp-main")
TOM: Final = Person("Tom", "16505550106", "whatsapp-main")


def _morning(stage: Stage) -> None:
    stage.greets(JONAS)
    for agent in ("ana", "ben", "dora"):
        stage.comes_on(agent)


def _platinum(stage: Stage) -> None:
    stage.passes("12s")
    stage.writes(MARIA, "My router is dead and I am on air in ten minutes.")
    stage.passes("18s")
    stage.replies("dora", MARIA, "Good morning Maria! Please hold the reset button for 5 seconds.")
    stage.passes("2s")
    stage.reports(MARIA, "delivered", of="dora")
    stage.passes("3s")
    stage.reports(MARIA, "read", of="dora")


def _menu(stage: Stage) -> None:
    stage.passes("25s")
    stage.writes(JONAS, "Hi there")
    stage.passes("9s")
    stage.writes(JONAS, "2")
    stage.passes("1s")
    stage.repeats(JONAS)
    stage.passes("30s")
    stage.replies("ben", JONAS, "Hello Jonas, this is Ben. What can I do for you?")


def _batch(stage: Stage) -> None:
    stage.passes("20s")
    broken = stage.text(LUCIA, "Nobody knows who wrote this.")
    broken["contacts"] = []
    del broken["messages"][0]["from"]
    stage.batches(
        LUCIA,
        stage.text(LUCIA, "Where is my order 4711?"),
        broken,
        stage.text(LUCIA, "It should have come on Friday."),
    )
    stage.passes("45s")
    label = Attachment(kind="image", ref="1037543291543636", mime_type="image/jpeg")
    stage.replies("ana", LUCIA, "It is with the courier. This is the label.", [label])


def _waiting(stage: Stage) -> None:
    stage.passes("15s")
    stage.writes(VIKTOR, "Is anybody there? Our whole office is offline!")
    stage.passes("45s")


def _freed(stage: Stage) -> None:
    stage.passes("10s")
    stage.reacts(MARIA, "👍", to="dora")
    stage.passes("5s")
    stage.ends("dora", MARIA, "solved")
    stage.passes("8s")
    stage.replies("dora", VIKTOR, "Sorry for the wait, Viktor. I am looking at your line now.")


def _relief(stage: Stage) -> None:
    stage.passes("20s")
    stage.writes(PRIYA, "hello")
    stage.passes("4s")
    stage.writes(PRIYA, "support")
    stage.passes("6s")
    stage.writes(TOM, "My phone does not ring any more")
    stage.passes("5s")
    stage.writes(TOM, "2")
    stage.passes("40s")
    stage.comes_on("chloe")
    stage.passes("15s")
    stage.replies("chloe", TOM, "Hi Tom, is the little moon on? That is do not disturb.")
    stage.passes("5s")
    stage.replies("ben", PRIYA, "Hello Priya, how can I help?")


def _evening(stage: Stage) -> None:
    stage.passes("3m")
    for agent, person, disposition in (
        ("ben", JONAS, "asked by mistake"),
        ("ana", LUCIA, "on its way"),
        ("dora", VIKTOR, "line repaired"),
        ("ben", PRIYA, "solved"),
        ("chloe", TOM, "solved"),
    ):
        stage.ends(agent, person, disposition)
        stage.passes("30s")


CHAPTERS: Final[tuple[tuple[str, Callable[[Stage], None]], ...]] = (
    ("The doors open", _morning),
    (
        "An override: the platinum number leads to the vip inbox, with 40 seconds",
        _platinum,
    ),
    ("A menu: the main number asks what it is about; a number or a title will do", _menu),
    ("Straight to a queue: several items in one webhook, and one of them broken", _batch),
    ("Everybody is busy: the next one waits, and the first response is late", _waiting),
    ("A slot is free: who waits gets it in the same transaction", _freed),
    ("Help arrives: an agent comes on, and gets what waits", _relief),
    ("Everything ends", _evening),
)
"""The chapters in order, each with its title."""
