"""Giving what waits to freed agents, beside the bare heaps that it comes down to.

Every contestant drains the same lines: agents serve one to five queues; of four queues one is plain,
one has priorities that age, one a cascade and one exact shares. Ours asks the rules that the desk asks
(`Reach`, `first_of`, `decide`, `apply_agent`), with events, over the ordered entries that the store
in memory keeps. The heaps know a number for each conversation and
nothing else. `OMNIROUTE_FULL=1` adds 10,000 agents and 1,000,000 waiting. A whole desk in memory,
with its store and its explanations, is told of beside.
"""

from __future__ import annotations

import heapq
import os
import random
import time
import tracemalloc
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import omniroute as om
from benchmarks.harness import Bench, Figure, at_most, benchmark, no_goal
from omniroute.instants import MINUTE, SECOND
from omniroute.model.agent import Agent, Capacity, Distribution
from omniroute.model.assign import NEW, AssignMode, AssignPolicy, Lane, Routing
from omniroute.model.commands import Assign, End
from omniroute.model.conversation import NO_EXTRAS, Clocks, Conversation, Extras, Place
from omniroute.model.policy import Policy
from omniroute.model.state import State
from omniroute.rules import allotment
from omniroute.rules.agent_folding import apply_agent
from omniroute.rules.lifecycle import decide
from omniroute.rules.reach import Line, Reach, first_of
from omniroute.rules.waiting import lane_name, lane_of
from omniroute.stores.memory.ordered import Entries
from omniroute.testing.scripted import ScriptedPlugin

NOW = 1_700_000_000_000_000
QUEUES = 40
SIZES = ((10, 1_000), (1_000, 100_000))
LARGEST = (10_000, 1_000_000)
GROUPS = ("tier1", "tier2")
ROUND = 500
_DEPTH = 2  # queue and lane choose a partition

RULES = (
    AssignPolicy(),
    AssignPolicy(priority=2, ageing=MINUTE),
    AssignPolicy(mode=AssignMode.CASCADE, cascade=GROUPS, widen_after=90 * SECOND),
    AssignPolicy(
        mode=AssignMode.PERCENT, percent={"tier1": 6000, "tier2": 4000}, open_after=10 * MINUTE
    ),
)
POLICIES = tuple(Policy(assign=rule) for rule in RULES)


_NAMES = tuple(f"general/{number}" for number in range(QUEUES))


def queue_name(number: int) -> str:
    """The name of a queue, as a configuration hands it out; its number modulo four says its mode."""
    return _NAMES[number]


POLICY_OF = {queue_name(number): POLICIES[number % 4] for number in range(QUEUES)}


def an_agent(number: int, chance: random.Random) -> Agent:
    """An agent on one to five queues, in one group."""
    leaves = tuple(queue_name(n) for n in chance.sample(range(QUEUES), chance.randint(1, 5)))
    limits = Capacity(1, 1, 2)
    return Agent(
        id=f"agent-{number}",
        name=f"agent-{number}",
        groups=(GROUPS[number % 2],),
        serves=leaves,
        leaves=leaves,
        capacity=limits,
        distribution=Distribution.LONGEST_IDLE,
        available=True,
        load=0,
        idle_since=NOW,
    )


def a_conversation(number: int, queue: int, routing: Routing | None) -> Conversation:
    """A conversation that has waited since an instant of its own."""
    since = NOW - 1_000_000_000 + number
    return Conversation(
        f"c_{number}",
        State.QUEUED,
        Place("main", "chat", "general", f"p_{number}", f"a-{number}"),
        queue_name(queue),
        None,
        since,
        since,
        Clocks(since, since, since, since),
        (),
        NO_EXTRAS if routing is None else Extras(routing=routing),
    )


class Desk:
    """Waiting conversations in order, and agents who take them: the rules, without a store."""

    def __init__(self, agents: int, waiting: int) -> None:
        chance = random.Random(agents)
        self.agents = [an_agent(number, chance) for number in range(agents)]
        self.order = [chance.randrange(agents) for _ in range(4 * ROUND)]
        self.waiting: dict[str, Conversation] = {}
        self.reach = Reach({"chat": Lane("chat", 0, NEW, "chat")})
        self.lines: dict[str, Line] = {
            queue_name(n): (queue_name(n), RULES[n % 4], ()) for n in range(QUEUES)
        }
        self.line = Entries(_DEPTH, self._entries(waiting, chance))
        self.turn = 0

    def _entries(self, waiting: int, chance: random.Random) -> Iterator[tuple[Any, ...]]:
        counts: dict[int, dict[str, int]] = {}
        for number in range(waiting):
            queue = chance.randrange(QUEUES)
            routing, rule = None, RULES[queue % 4]
            if rule.mode is AssignMode.PERCENT:
                known = counts.setdefault(queue, {})
                group = allotment.next_group(rule.percent, known)
                known[group] = known.get(group, 0) + 1
                routing = Routing(group=group)
            made = self.waiting[f"c_{number}"] = a_conversation(number, queue, routing)
            if routing is not None:
                self._note(lane_of(made), queue_name(queue))
            yield self._entry(made)

    def _note(self, lane: Lane, queue: str) -> None:
        _, rule, lanes = self.lines[queue]
        if lane not in lanes:
            self.lines[queue] = queue, rule, (*lanes, lane)

    @staticmethod
    def _entry(c: Conversation) -> tuple[Any, ...]:
        routing = c.extras.routing
        name = lane_name(routing, c.place.channel)
        since = c.clocks.queued_at
        return (c.queue, name, routing.segment, routing.wait_class, since, c.id)

    def next_for(self, agent: Agent) -> tuple[Any, ...] | None:
        """The first, in order, of what an agent may take."""
        ways, prefixes = self.reach.ways(agent, map(self.lines.__getitem__, agent.leaves))
        heads = self.line.firsts(prefixes)
        return first_of(agent.id, ways, heads, NOW, self.never)

    @staticmethod
    def never(_: object, __: object) -> bool:
        """Nobody is away: time alone opens a cascade."""
        return False

    def __call__(self) -> float:
        """Free agents one after the other and give each the next; return seconds for one of them."""
        started, given = time.perf_counter(), 0
        for _ in range(ROUND):
            place = self.order[self.turn % len(self.order)]
            self.turn += 1
            agent = self.agents[place]
            head = self.next_for(agent)
            if head is None:
                continue
            waiting = self.waiting.pop(head[-1])
            policy = POLICY_OF[head[0]]
            assigned = decide(waiting, Assign(agent.id), policy, NOW)
            agent = apply_agent(agent, assigned.events[0], agent.id) or agent
            self.line.remove(head)
            ended = decide(assigned.state, End(agent.id), policy, NOW)
            self.agents[place] = apply_agent(agent, ended.events[0], agent.id) or agent
            given += 1
        return (time.perf_counter() - started) / max(given, 1)


class Heaps:
    """The same lines as bare heaps of numbers, drained by the same agents."""

    def __init__(self, agents: int, waiting: int) -> None:
        chance = random.Random(agents)
        made = [an_agent(number, chance) for number in range(agents)]
        self.serves = [[int(leaf[8:]) for leaf in each.leaves] for each in made]
        self.order = [chance.randrange(agents) for _ in range(4 * ROUND)]
        self.heaps: list[list[tuple[int, int]]] = [[] for _ in range(QUEUES)]
        for number in range(waiting):
            self.heaps[chance.randrange(QUEUES)].append((number, number))
        for heap in self.heaps:
            heapq.heapify(heap)
        self.holds: dict[int, int] = {}
        self.turn = 0

    def __call__(self) -> float:
        """Free agents one after the other and give each the next; return seconds for one of them."""
        started, given = time.perf_counter(), 0
        for _ in range(ROUND):
            agent = self.order[self.turn % len(self.order)]
            self.turn += 1
            heads = [(self.heaps[q][0], q) for q in self.serves[agent] if self.heaps[q]]
            if not heads:
                continue
            _, queue = min(heads)
            self.holds[agent] = heapq.heappop(self.heaps[queue])[1]
            given += 1
        return (time.perf_counter() - started) / max(given, 1)


class Refilled:
    """A desk or heaps that is made anew before it runs dry: what is timed is the draining."""

    def __init__(self, kind: type[Desk | Heaps], agents: int, waiting: int) -> None:
        self.make: Callable[[], Desk | Heaps] = partial(kind, agents, waiting)
        self.rounds = waiting // (4 * ROUND)
        self.left = 0
        self.made: Desk | Heaps = self.make()
        self.left = max(self.rounds, 1)

    def __call__(self) -> float:
        """Run one round."""
        if self.left == 0:
            self.made, self.left = self.make(), max(self.rounds, 1)
        self.left -= 1
        return self.made()


def size_of_waiting(count: int = 2_000) -> float:
    """How many bytes a waiting conversation takes, with its entry in line."""
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    desk = Desk(1, count)
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return (after - before) / len(desk.waiting)


class Steady:
    """A whole desk in memory through its public face: who ends a conversation is given the next."""

    def __init__(self, agents: int = 200, waiting: int = 3 * ROUND) -> None:
        plugin = ScriptedPlugin(("chat",))
        self.desks = om.Desks(om.MemoryStore(), plugins=[plugin], discover=False, builtin=False)
        self.desk = self.desks.create(om.load_config(a_desk(agents)))
        for number in range(waiting):
            door = number % QUEUES
            message = om.Inbound(
                kind=om.InboundKind.MESSAGE,
                key=f"m-{number}",
                address=f"a{door}",
                sender=om.Sender(addresses=(f"contact-{number}",)),
                text="Hello",
            )
            self.desk.receive(f"door-{door}", message)
        for number in range(agents):
            self.desk.set_available(f"agent-{number}")

    def __call__(self) -> float:
        """End what is held, a few at a time; return seconds for one end and the next assignment."""
        held = self.desk.conversations(states=(om.State.ACTIVE,), limit=ROUND // 10).items
        started = time.perf_counter()
        for each in held:
            self.desk.end(each.id, by=each.agent or "")
        return (time.perf_counter() - started) / len(held)


def a_desk(agents: int) -> dict[str, Any]:
    """The configuration of a desk with the same queues, modes and agents."""
    assign: tuple[dict[str, Any], ...] = (
        {},
        {"priority": 2, "ageing": "1m"},
        {"cascade": list(GROUPS), "widen_after": "90s"},
        {"percent": {"tier1": 6000, "tier2": 4000}, "open_after": "10m"},
    )
    chance = random.Random(agents)
    inboxes: dict[str, Any] = {
        f"q{number}": {"sla": "7d", "policy": {"assign": assign[number % 4]}}
        for number in range(QUEUES)
    }
    inboxes["q0"]["primary_for"] = ["chat"]
    doors: dict[str, Any] = {
        f"door-{number}": {"channel": "chat", "address": f"a{number}"} for number in range(QUEUES)
    }
    for number in range(1, QUEUES):
        doors[f"door-{number}"]["override"] = {"inbox": f"q{number}"}
    staff = {
        f"agent-{number}": {
            "groups": [GROUPS[number % 2]],
            "serves": [f"q{n}" for n in chance.sample(range(QUEUES), chance.randint(1, 5))],
        }
        for number in range(agents)
    }
    limits = {"goal": 1, "soft_max": 1, "hard_max": 2}
    return {
        "desk": "acme",
        "zone": "UTC",
        "preset": "push",
        "policy": {"capacity": {"messaging": limits}},
        "inboxes": inboxes,
        "entry_points": doors,
        "groups": {group: {} for group in GROUPS},
        "agents": staff,
    }


@benchmark("assignment")
def assignment(bench: Bench) -> Iterator[Figure]:
    """Freed agents take what comes first, with cascade and percent on, beside bare heaps.

    Against the heaps there is a goal for the largest size alone: small ones lie in the cache whole.
    """
    full = bool(os.environ.get("OMNIROUTE_FULL"))
    costs = []
    for agents, waiting in (*SIZES, LARGEST) if full else SIZES:
        race = bench.race(
            ours=Refilled(Desk, agents, waiting), heaps=Refilled(Heaps, agents, waiting)
        )
        costs.append(race.median("ours"))
        name = f"assignment/{agents}x{waiting}"
        if (agents, waiting) == LARGEST:
            yield race.at_most(name, 3, peer="heaps")
        else:
            yield race.beside(name, peer="heaps")
        yield at_most(f"{name} in all", costs[-1] * 1e6, 15.4, unit="us")
    yield at_most("assignment/growth", costs[-1] / costs[0], 2, unit="x")
    yield at_most("assignment/size of one waiting", size_of_waiting(), 2_000, unit="B")
    steady = bench.race(steady=Steady())
    yield no_goal("assignment/desk, end and next", steady.median("steady") * 1e6, unit="us")
