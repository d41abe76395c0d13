"""The same commands through the sync and the async face of a desk: at random, and the same each time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from attrs import field, frozen

from omniroute.desk import Desks
from omniroute.errors import OmnirouteError
from omniroute.model.wire import Sender
from omniroute.testing import MONDAY, Play, a_config, an_inbound

__all__ = [
    "CONFIG",
    "Step",
    "asynchronously",
    "cancelled_after",
    "steps",
    "synchronously",
]

CONFIG = a_config(preset="push", agents=("ana", "bob"), capacity=2, queues=("Orders", "Support"))


@frozen
class Step:
    """One call: the object it is on ("" is the desk itself), the method, and what it is given."""

    on: str
    method: str
    args: tuple[Any, ...] = ()
    options: dict[str, Any] = field(factory=dict)

    def of(self, desk: Any) -> Any:
        """Call it, on either face."""
        target = getattr(desk, self.on) if self.on else desk
        return getattr(target, self.method)(*self.args, **self.options)


def steps(seed: int, count: int) -> list[Step]:
    """Return calls, each 90 seconds after the one before; many are refused, as in life."""
    chance = random.Random(seed)
    return [_step(chance, number) for number in range(count)]


def _step(chance: random.Random, number: int) -> Step:
    now = {"now": MONDAY + timedelta(seconds=90 * number)}
    agent = chance.choice(("ana", "bob", "cho"))
    by = {"by": agent, **now}
    once = {**by, "key": chance.choice((None, None, "k1", "k2", "k3"))}
    chat = f"c_{chance.randint(1, 4)}"
    person = chance.choice(("maria", "otto", "eve", "doris"))
    item = an_inbound(
        chance.choice(("1", "2", "Orders", "Hello", "")),
        key=f"in-{chance.randint(1, 2 + number)}",  # some come twice
        sender=Sender(addresses=(person,), name=person),
    )
    calls = (
        Step("", "receive", ("main", item), now),
        Step("", "receive", ("main", item), now),
        Step("", "receive", ("main", [item, an_inbound(key=f"more-{number}")]), now),
        Step("", "accept", ("main", item), now),
        Step("", "take", (chat,), once),
        Step("", "reply", (chat, "Hi"), once),
        Step("", "end", (chat,), {**once, "disposition": "solved"}),
        Step("", "note", (chat, "asked twice"), once),
        Step("", "tag", (chat, "refund"), {**once, "remove": ["vip"]}),
        Step("", "mark_read", (chat,), by),
        Step("", "set_available", (agent, chance.random() < 0.7), now),
        Step("", "tick", (), now),
        Step("", "deliver", (), now),
        Step("", "conversation", (chat,), now),
        Step("", "conversations", (), {"agent": agent, **now}),
        Step("", "messages", (chat,)),
        Step("", "counts", (), {"by": "agent"}),
        Step("", "next_due"),
        Step("", "explain", (chat,)),
        Step("staff", "put", (agent,), {"serves": ["general/**"], **now}),
        Step("staff", "list"),
        Step("contacts", "find", ("chat", person)),
    )
    return chance.choice(calls)


def synchronously(p: Play, every: list[Step]) -> list[Any]:
    """Return what each step gave, or how it was refused."""
    given: list[Any] = []
    for step in every:
        try:
            given.append(step.of(p.desk))
        except OmnirouteError as error:
            given.append((type(error), str(error)))
    return given


async def asynchronously(p: Play, every: list[Step]) -> list[Any]:
    """Return the same, awaited."""
    desk = p.desks.aio[p.desk.id]
    given: list[Any] = []
    for step in every:
        try:
            given.append(await step.of(desk))
        except OmnirouteError as error:
            given.append((type(error), str(error)))
    return given


async def cancelled_after(
    number: int, desks: Desks, call: Callable[[Any], Any], *, all_of_it: bool
) -> bool:
    """Begin a call, cancel it after some steps of the event loop; return whether it gave a result.

    `all_of_it` cancels the work behind it as well, as a loop does that is shut down.
    """
    before = asyncio.all_tasks()
    task = asyncio.ensure_future(call(desks.aio["acme"]))
    for _ in range(number):
        await asyncio.sleep(0)
    for each in (asyncio.all_tasks() - before) if all_of_it else {task}:
        each.cancel()
    try:
        await task
    except asyncio.CancelledError:
        return False
    return True
