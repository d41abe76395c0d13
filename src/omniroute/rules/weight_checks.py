"""What can be wrong with costs and maxima by channel: names, and what could never be served (P2, M9).

A part of `rules.checks`, which is the gate.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from omniroute.errors import Problem
from omniroute.model.agent import ALL, Capacity
from omniroute.model.desk_config import DeskConfig
from omniroute.model.policy import Policy
from omniroute.rules.judged import Judged, kind_of
from omniroute.rules.names import join, quoted, unknown
from omniroute.rules.policy_checks import written_layers
from omniroute.rules.weights import MESSAGING, known_names

__all__ = ["agent_limit_problems", "problems"]


def problems(desk: Judged) -> Iterator[Problem]:
    """Yield what is wrong with a desk's costs, and with maxima by channel, of all and of one."""
    config, policy = desk.config, desk.config.policy
    costs, limits = policy.costs or {}, policy.capacity or {}
    names = tuple(dict.fromkeys(known_names(_channels(config))))
    for name, cost in costs.items():
        here = join("policy", "costs", name)
        yield from _name(here, name, names)
        if cost != ALL and int(cost) < 1:
            yield Problem(here, f"expected a whole number from 1 or {quoted(ALL)}, got {cost}")
        elif cost != ALL and int(cost) > (most := _largest(config)):
            text = f"no agent can ever be given it: the largest soft_max is {most} parts, it costs "
            yield Problem(here, f"{text}{cost}; {quoted(ALL)} takes an agent wholly")
    for name in limits:
        if name != MESSAGING:
            yield from _name(join("policy", "capacity", name), name, (MESSAGING, *names))
    if all(cost == 1 for cost in costs.values()):
        for path, layer in written_layers(config):
            if layer.assign is not None and layer.assign.reserve_after is not None:
                text = "has no effect: no channel costs several parts; set policy.costs"
                yield Problem(join(path, "assign", "reserve_after"), text)
    for agent, profile in config.agents.items():
        path = join("agents", agent, "capacity")
        yield from agent_limit_problems(path, profile.capacity or {}, limits)


def agent_limit_problems(
    path: str, given: Iterable[str], limits: Mapping[str, Capacity]
) -> Iterator[Problem]:
    """Yield the names of an agent's own maxima that the desk has none for: nothing would count them."""
    known = dict.fromkeys((MESSAGING, *limits))
    for name in given:
        if name not in known:
            text = unknown(f"the desk has no capacity for {quoted(name)}", known, name)
            yield Problem(join(path, name), f"{text}; set policy.capacity for the desk first")


def _name(path: str, name: str, names: tuple[str, ...]) -> Iterator[Problem]:
    if name not in names:
        what = f"there is no channel, kind or family {quoted(name)}"
        yield Problem(path, unknown(what, names, name))


def _channels(config: DeskConfig) -> dict[str, str]:
    every = (
        *config.channels,
        *(each.channel for each in config.entry_points.values()),
        *(channel for inbox in config.inboxes.values() for channel in inbox.primary_for),
    )
    return {each: kind_of(config, each) for each in every}


def _largest(config: DeskConfig) -> int:
    """The most parts that automatic assignment may give anybody: the desk's, or an agent's own."""
    desk = {**Policy().capacity, **(config.policy.capacity or {})}
    own = (agent.capacity for agent in config.agents.values() if agent.capacity)
    given = [each[MESSAGING].soft_max for each in own if MESSAGING in each]
    return max([desk[MESSAGING].soft_max, *given])
