"""Settings of offers that would say nothing are found when they are configured."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from omniroute.instants import HOUR, MINUTE
from omniroute.model.assign import AssignSettings
from omniroute.model.desk_config import ChannelConfig, DeskConfig
from omniroute.model.policy import Assignment, OfferRules, PolicySettings
from omniroute.rules.checks import problems
from omniroute.testing import a_config

ONE = PolicySettings(assignment=Assignment.OFFER_ONE)
ALL = PolicySettings(assignment=Assignment.OFFER_ALL)
RULES = PolicySettings(offer=OfferRules(accept_within=MINUTE))
STICKY = AssignSettings(sticky_within=HOUR)


def a_desk(policy: PolicySettings | None = None, **at: PolicySettings) -> DeskConfig:
    config = a_config(queues=("A", "B"), policy=policy or PolicySettings())
    inbox = evolve(config.inboxes["general"], at=at)
    return evolve(config, inboxes={"general": inbox})


def said(config: DeskConfig) -> list[str]:
    return [str(each) for each in problems(config)]


@pytest.mark.req("M5")
@pytest.mark.parametrize(
    "config",
    [
        a_desk(evolve(RULES, assignment=Assignment.OFFER_ONE)),
        a_desk(RULES, A=ONE),
        a_desk(ONE, A=RULES),
        a_desk(A=evolve(RULES, assignment=Assignment.OFFER_ONE), B=ALL),
    ],
)
def test_how_offers_are_made_stands_where_one_agent_is_asked(config: DeskConfig) -> None:
    assert said(config) == []


@pytest.mark.req("M5")
@pytest.mark.parametrize(
    "config,where",
    [
        (a_desk(RULES), "policy.offer"),
        (a_desk(evolve(RULES, assignment=Assignment.OFFER_ALL)), "policy.offer"),
        (a_desk(A=RULES, B=ONE), "inboxes.general.at.A.offer"),
        (a_desk(ONE, A=evolve(RULES, assignment=Assignment.PUSH)), "inboxes.general.at.A.offer"),
    ],
)
def test_where_nobody_is_asked_alone_it_says_nothing(config: DeskConfig, where: str) -> None:
    (problem,) = said(config)
    assert problem.startswith(f"{where}: has no effect: nothing here is offered one at a time")


@pytest.mark.req("M5")
def test_no_channel_has_a_say_in_it() -> None:
    config = evolve(a_desk(ONE), channels={"chat": ChannelConfig(policy=RULES)})
    (problem,) = said(config)
    assert problem.startswith("channels.chat.policy.offer: has no effect here")


@pytest.mark.req("M5", "P4")
@pytest.mark.parametrize(
    "mode,assign,found",
    [
        (Assignment.OFFER_ALL, STICKY, 1),
        (Assignment.OFFER_ALL, evolve(STICKY, sticky_wait=MINUTE), 0),
        (Assignment.OFFER_ONE, STICKY, 0),
        (Assignment.PUSH, STICKY, 0),
    ],
)
def test_where_everybody_is_asked_nobody_waits_for_somebody_without_a_limit(
    mode: Assignment, assign: AssignSettings, found: int
) -> None:
    told = said(a_desk(PolicySettings(assignment=mode, assign=assign)))
    assert [each.split(":")[0] for each in told] == ["policy.assign.sticky_within"] * found


@pytest.mark.req("M5")
def test_a_time_to_accept_is_above_zero() -> None:
    wrong: Any = evolve(ONE, offer=OfferRules(accept_within=0))
    (problem,) = said(a_desk(wrong))
    assert problem.startswith("policy.offer.accept_within: expected a duration above zero")
