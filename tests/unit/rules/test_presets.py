"""The presets: five known ways to work, each with its words and what it closes."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from omniroute.errors import TransitionNotAllowed
from omniroute.instants import DAY, MINUTE
from omniroute.model import commands as ask
from omniroute.model.desk_config import InboxConfig, QueueNode
from omniroute.model.policy import Inactivity, Policy, PolicySettings
from omniroute.model.state import State
from omniroute.rules.checks import problems
from omniroute.rules.lifecycle import decide
from omniroute.rules.presets import PRESETS
from omniroute.rules.resolution import Setup
from omniroute.testing import NOW, a_config, a_conversation
from tests.unit.rules.life import Life


def in_force(preset: str, **policy: Any) -> Policy:
    config = a_config(preset=preset, policy=PolicySettings(**policy))
    return Setup(config, 1).policy("chat", "general")


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_sound_and_names_every_state_it_reaches(name: str) -> None:
    assert list(problems(a_config(preset=name))) == []
    labels = PRESETS[name].labels or {}
    assert {"queued", "active", "ended"} <= set(labels)


@pytest.mark.req("C1")
def test_claim_has_three_statuses_and_no_more() -> None:
    assert set(in_force("claim").labels.values()) == {"Unanswered", "Active", "Finished"}
    assert set(in_force("claim").labels) == {state.value for state in State}


@pytest.mark.parametrize("name", PRESETS)
def test_what_a_preset_closes_raises_and_a_layer_opens_it_again(name: str) -> None:
    commands: dict[str, tuple[Any, State]] = {
        "dismiss": (ask.Dismiss("ana"), State.INACTIVE),
        "snooze": (ask.Snooze("ana", NOW + DAY, "m"), State.ACTIVE),
    }
    for action, (command, state) in commands.items():
        chat = a_conversation(state)
        if action in in_force(name).closed:
            with pytest.raises(TransitionNotAllowed, match=action):
                decide(chat, command, in_force(name), NOW)
        opened = in_force(name, closed=())
        assert decide(chat, command, opened, NOW).state.state is not state


@pytest.mark.req("A20", "C8")
@pytest.mark.parametrize("name", ["sla_inbox", "claim", "push"])
def test_what_has_no_timers_ends_by_hand_alone(name: str) -> None:
    life = Life(assignment=in_force(name).assignment)
    life.policy = in_force(name)
    life.does(1, ask.Reply("ana", "m") if name == "claim" else ask.Assign("ana")).until(10**7)
    assert life.where == "active"


@pytest.mark.req("U30")
def test_the_social_queue_locks_its_hard_expiry() -> None:
    assert in_force("social_queue").hard_expiry == 7 * DAY
    wrong = a_config(preset="social_queue", policy=PolicySettings(hard_expiry=DAY))
    (problem,) = problems(wrong)
    assert (problem.path, "locks this" in problem.message) == ("policy.hard_expiry", True)
    assert list(problems(evolve(wrong, preset="push"))) == []


@pytest.mark.req("T9")
def test_keep_alive_that_is_not_activated_is_kept_and_does_not_run() -> None:
    off = a_config(preset="keep_alive", policy=PolicySettings(enabled={"keep_alive": False}))
    assert Setup(off, 1).policy("chat", "general").keep_alive is None
    assert Setup(off, 1).stored("chat", "general").keep_alive is not None
    assert in_force("keep_alive").keep_alive is not None


@pytest.mark.req("U42", "U79")
def test_a_queue_switches_on_what_the_desk_has_switched_off() -> None:
    inbox = InboxConfig(
        sla=DAY,
        primary_for=("chat",),
        queues=(QueueNode("on"), QueueNode("as the desk")),
        at={"on": PolicySettings(enabled={"inactivity": True})},
    )
    silence = Inactivity(after=MINUTE)
    desk = PolicySettings(inactivity=silence, enabled={"inactivity": False})
    setup = Setup(a_config(inboxes={"general": inbox}, policy=desk), 1)
    assert setup.policy("chat", "general/on").inactivity == silence
    assert setup.policy("chat", "general/as the desk").inactivity is None


def test_only_what_can_be_closed_is_closed() -> None:
    (problem,) = problems(a_config(policy=PolicySettings(closed=("snoze",))))
    assert problem.path == "policy.closed[0]"
    assert "snooze" in problem.message
