"""What a step of a conversation costs through the public `decide`, beside two state machines.

A whole way without timers is walked: a waiting conversation is assigned, its contact writes, its
agent notes something, answers, gives it back; another agent takes it and ends it. Figures are the
mean of its steps. The peers reach the same states, hold the same values, and leave the same record.
"""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

import omniroute as om
from benchmarks.harness import (
    Bench,
    Contestant,
    Figure,
    at_most,
    benchmark,
    no_goal,
    per_call,
)
from benchmarks.peers.machines import ByStatemachine, ByTransitions

AT: Final = 1_760_000_000_000_000
POLICY: Final = om.Policy(assignment=om.Assignment.CLAIM)
_MINUTE: Final = 60_000_000
SOCIAL: Final = om.Policy(
    assignment=om.Assignment.CLAIM,
    unanswered_expiration=60 * _MINUTE,
    after_hours_expiration=600 * _MINUTE,
    selecting_expiration=30 * _MINUTE,
    chat_timeout=1440 * _MINUTE,
    hard_expiry=10080 * _MINUTE,
    inactivity=om.Inactivity(after=30 * _MINUTE, notice=5 * _MINUTE),
)
"""A policy with every timer that `social_queue` has."""

WAY: Final[tuple[om.Command, ...]] = (
    om.Assign("ana"),
    om.Receive("m_2"),
    om.Note("ana", "m_3"),
    om.Reply("ana", "m_4"),
    om.Enqueue("general", by="ana", reason="given back"),
    om.Take("bob"),
    om.End("bob"),
)
"""The commands of the way, in order."""

_KEPT_WAYS: Final = 1_000


@benchmark("lifecycle")
def lifecycle(bench: Bench) -> Iterator[Figure]:
    """One lifecycle step with its event record, beside transitions and python-statemachine."""
    race = bench.race(
        ours=_a_step_of(our_way(waiting())),
        transitions=_a_step_of(their_way(ByTransitions(AT))),
        statemachine=_a_step_of(their_way(ByStatemachine(AT))),
    )
    yield at_most("lifecycle/step", race.median("ours") * 1e6, 2, unit="us")
    yield race.at_least("lifecycle/transitions", 4, peer="transitions")
    yield race.at_least("lifecycle/python-statemachine", 40, peer="statemachine")
    yield at_most("lifecycle/size of a step", bytes_of_a_step(), 400, unit="B")
    timed = bench.race(social=_a_step_of(our_way(waiting(SOCIAL), SOCIAL)))
    yield at_most("lifecycle/step with every timer", timed.median("social") * 1e6, 5, unit="us")
    yield at_most("lifecycle/size of such a step", bytes_of_a_step(SOCIAL), 1100, unit="B")
    yield from _each_step(bench)


def waiting(policy: om.Policy = POLICY) -> om.Conversation:
    """Return a conversation that waits and was answered before, with what `policy` arms."""
    place = om.Place("wa-main", "whatsapp", "general", "p_1", "+4930123456")
    route = om.Route("general", "primary inbox", 900_000_000, "inbox general", "single queue", 1)
    opened = om.Open("c_1", place, route, "m_1", "general")
    state = om.decide(None, opened, policy, AT).state
    for command in (om.Assign("ana"), om.Reply("ana", "m_1"), om.Enqueue("general", by="ana")):
        state = om.decide(state, command, policy, AT).state
    return state


def our_way(start: om.Conversation, policy: om.Policy = POLICY) -> Callable[[], om.Conversation]:
    """Return what walks the way once with `decide`."""
    decide = om.decide

    def walk() -> om.Conversation:
        state = start
        for command in WAY:
            state = decide(state, command, policy, AT).state
        return state

    return walk


def their_way(machine: ByTransitions | ByStatemachine) -> Callable[[], None]:
    """Return what walks the way once with a machine, which then waits again."""

    def walk() -> None:
        machine.assign(agent="ana", now=AT)
        machine.receive(message="m_2", now=AT)
        machine.note(by="ana", message="m_3", now=AT)
        machine.reply(by="ana", message="m_4", now=AT)
        machine.give_back(by="ana", now=AT)
        machine.take(by="bob", now=AT)
        machine.end(by="bob", now=AT)
        machine.restart()

    return walk


def bytes_of_a_step(policy: om.Policy = POLICY) -> float:
    """Return how many bytes of state, events and effects a step leaves, each counted once."""
    start = waiting(policy)
    kept: list[om.Decision | None] = [None] * (_KEPT_WAYS * len(WAY))
    gc.collect()  # also empties the free lists, which would hide what is allocated
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    at = 0
    for _ in range(_KEPT_WAYS):
        state = start
        for command in WAY:
            decision = kept[at] = om.decide(state, command, policy, AT)
            state, at = decision.state, at + 1
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return (after - before) / len(kept)


def _each_step(bench: Bench) -> Iterator[Figure]:
    steps: dict[str, Contestant] = {}
    state = waiting()
    for command in WAY:
        name = type(command).__name__.lower()
        steps[name] = per_call(partial(om.decide, state, command, POLICY, AT))
        state = om.decide(state, command, POLICY, AT).state
    race = bench.race(**steps)
    for name in steps:
        yield no_goal(f"lifecycle/{name}", race.median(name) * 1e6, unit="us")


def _a_step_of(way: Callable[[], object]) -> Contestant:
    walk = per_call(way)
    return lambda: walk() / len(WAY)
