"""Actors: an agent and what stands for them, there and back."""

from __future__ import annotations

import pytest

from omniroute.model.actors import CONTACT, SYSTEM, actor_agent, agent_actor


@pytest.mark.parametrize("agent", ["ana", "agent:ana", "contact", "Åsa 2"])
def test_an_actor_names_its_agent(agent: str) -> None:
    assert actor_agent(agent_actor(agent)) == agent


@pytest.mark.parametrize("agent", ["ana", "ben"])
def test_an_agent_who_acts_often_is_one_actor(agent: str) -> None:
    assert agent_actor(agent) is agent_actor(agent[:1] + agent[1:])


@pytest.mark.parametrize("actor", [CONTACT, SYSTEM])
def test_the_contact_and_the_desk_itself_are_no_agents(actor: str) -> None:
    assert actor_agent(actor) is None
