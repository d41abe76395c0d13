"""The lifecycle benchmark compares like with like: after each step all hold the same values."""

from __future__ import annotations

from typing import Any

import pytest

import omniroute as om
from benchmarks.bench_lifecycle import AT, POLICY, WAY, bytes_of_a_step, their_way, waiting
from benchmarks.peers.machines import ByStatemachine, ByTransitions, Record

RECORDS = {
    om.Assigned: "assigned",
    om.MessageReceived: "received",
    om.NoteAdded: "noted",
    om.MessageSent: "sent",
    om.Queued: "queued",
    om.Ended: "ended",
}
CLOCKS = ("queued_at", "contact_at", "waiting_since", "agent_at", "first_reply_at")


class Watched:
    """A machine that tells what it holds after each call."""

    def __init__(self, machine):
        self.machine = machine
        self.held = []

    def __getattr__(self, name):
        def call(**given):
            getattr(self.machine, name)(**given)
            self.held.append(theirs(self.machine))

        return call


def theirs(machine):
    own = ("state", "agent", "previous_agent", "ended_by", "at", "since", "outbox", *CLOCKS)
    held = {name: getattr(machine, name) for name in own}
    return held | {"record": machine.record}


def ours(before, decision):
    state, (event,) = decision.state, decision.events
    ending = state.extras.ending
    return {
        "state": state.state.value,
        "agent": state.agent,
        "previous_agent": state.extras.previous_agent,
        "ended_by": None if ending is None else ending.by,
        "at": state.at,
        "since": state.since,
        **{name: getattr(state.clocks, name) for name in CLOCKS},
        "outbox": tuple(effect.message for effect in decision.effects),
        "record": Record(
            event=RECORDS[type(event)],
            conversation=event.conversation,
            at=event.at,
            actor=event.actor,
            source=getattr(event, "source", before.state).value,
            agent=getattr(event, "agent", None),
            released=getattr(event, "released", None),
            message=getattr(event, "message", None),
        ),
    }


def walked():
    state = waiting()
    for command in WAY:
        before, decision = state, om.decide(state, command, POLICY, AT)
        state = decision.state
        yield ours(before, decision)


@pytest.mark.parametrize("peer", [ByTransitions, ByStatemachine])
def test_a_peer_holds_what_we_hold_after_each_step(peer):
    watched: Any = Watched(peer(AT))
    their_way(watched)()
    *steps, restarted = watched.held
    assert steps == list(walked())
    assert restarted["state"] == "queued"


def test_the_way_can_be_walked_again_and_has_no_timers():
    machine = ByTransitions(AT)
    way = their_way(machine)
    way()
    way()
    assert waiting().timers == ()
    assert {step["record"].event for step in walked()} == set(RECORDS.values())


def test_the_size_of_a_step_counts_every_object():
    assert 250 < bytes_of_a_step() < 1_000
