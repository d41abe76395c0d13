"""What can be wrong with costs and maxima by channel: names, and what could never be served (P2, M9).

A part of `rules.checks`, which is the gate.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from omniroute.errors import Problem
from omniroute.model.agent import ALL, Capacity, Cost
from omniroute.model.desk_config import AgentConfig, DeskConfig
from omniroute.model.policy import Policy
from omniroute.rules.judged import Judged, kind_of
from omniroute.rules.names import join, quoted, unknown
from omniroute.rules.policy_checks import capacity_problems, written_layers
from omniroute.rules.weights import MESSAGING, counted_channels, known_names

__all__ = ["agent_limit_problems", "desk_most", "problems", "room_problems", "too_heavy"]


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
    if config.agents and _knows_capacity(desk):
        yield from _of_the_agents(config, {n: cost for n, cost in costs.items() if n in names})


def _of_the_agents(config: DeskConfig, costs: Mapping[str, Cost]) -> Iterator[Problem]:
    """What a file's agents have no room for; without any, they are to come (P20)."""
    yield from too_heavy(costs, _largest(config))
    counted = counted_channels(config)
    for agent, profile in config.agents.items():
        yield from room_problems(join("agents", agent), profile, config, counted)


def too_heavy(costs: Mapping[str, Cost], most: int) -> Iterator[Problem]:
    """Yield what costs more parts than any of the staff has: nobody could ever be given it.

    `most` is the largest of what automatic assignment may give them.
    """
    for name, cost in costs.items():
        if cost != ALL and int(cost) > most:
            text = f"no agent can ever be given it: the largest soft_max is {most} parts, it costs "
            text += f"{cost}; {quoted(ALL)} takes an agent wholly"
            yield Problem(join("policy", "costs", name), text)


def room_problems(
    path: str, profile: AgentConfig, config: DeskConfig, counted: Mapping[str, str]
) -> Iterator[Problem]:
    """Yield where an agent never has room for what they are enabled for: it costs more than they have.

    Every channel that a profile names is looked at; whoever is enabled for all of them should have
    room for one. `counted` says as what channels count.
    """
    costs, own = config.policy.costs or {}, (profile.capacity or {}).get(MESSAGING)
    most = desk_most(config) if own is None else own.soft_max
    parts = {name: int(cost) for name, cost in costs.items() if cost != ALL and int(cost) > most}
    if not parts:
        return
    enabled = tuple(_channels(config)) if profile.channels is None else profile.channels
    heavy = {each: parts[name] for each in enabled if (name := counted.get(each)) in parts}
    if profile.channels is None and len(heavy) == len(enabled):
        text = f"they never have room for anything: every channel costs more than {most} parts"
        yield Problem(join(path, "capacity"), text)
    for index, channel in enumerate(profile.channels or ()):
        if channel in heavy:
            text = f"they never have room for {quoted(channel)}: it costs {heavy[channel]} parts"
            yield Problem(join(path, "channels", index), f"{text}, and their soft_max is {most}")


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
    own = (agent.capacity for agent in config.agents.values() if agent.capacity)
    given = [each[MESSAGING].soft_max for each in own if MESSAGING in each]
    return max([desk_most(config), *given])


def desk_most(config: DeskConfig) -> int:
    """Return how many parts automatic assignment may give whoever has no capacity of their own."""
    return {**Policy().capacity, **(config.policy.capacity or {})}[MESSAGING].soft_max


def _knows_capacity(desk: Judged) -> bool:
    """Whether it is known how many parts the desk's agents have: what is wrong with it was said."""
    config = desk.config
    given = (
        config.policy.capacity or {},
        *(each.capacity or {} for each in config.agents.values()),
    )
    names = (MESSAGING, *known_names(_channels(config)))
    named = all(name in names for name in given[0])
    return (
        desk.read("capacity")
        and named
        and not any(any(capacity_problems("", each)) for each in given)
    )
