"""How omniroute is measured: beside its peers, in one process, interleaved.

Owns the way of measuring and the registry; knows nothing of omniroute. Times move from machine to
machine and from minute to minute, so what counts is a ratio: every round measures all contestants,
one after another in random order with garbage collection off, and gives one ratio; a figure reports
the median of the ratios over at least 11 rounds.

A *contestant* is a callable that does its work and returns what one operation cost, usually in
seconds (`per_call`, `timed`). A *benchmark* is a function that takes a `Bench` and yields `Figure`
values:

    @benchmark("lifecycle")
    def lifecycle(bench: Bench) -> Iterator[Figure]:
        '''One lifecycle step beside transitions.'''
        race = bench.race(ours=per_call(step), transitions=per_call(their_step))
        yield race.at_least("lifecycle/transitions", 4, peer="transitions")
        yield at_most("lifecycle/size", size_in_bytes(), 400, unit="B")
"""

from __future__ import annotations

import gc
import random
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

LEAST_ROUNDS = 11
ROUND_SECONDS = 0.02
_SCALES = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9, "B": 1.0}

Contestant: TypeAlias = Callable[[], float]
"""Does its work once and returns what one operation of it cost."""


@dataclass(frozen=True)
class Figure:
    """One measured number beside its goal.

    `ours` and `peer` are costs of one operation in `unit`. With the goal ``<= n`` the ratio is ours
    to peer, with ``>= n`` it is peer to ours: how many times cheaper we are. A figure against a
    plain limit has no peer, and its ratio is ours to the limit.
    """

    name: str
    ours: float
    peer: float | None
    unit: str
    ratio: float
    goal: str
    ok: bool


@dataclass(frozen=True)
class Race:
    """What the contestants of one race cost, round by round, in the unit they returned."""

    costs: Mapping[str, tuple[float, ...]]

    def median(self, name: str) -> float:
        """The median cost of one contestant."""
        return statistics.median(self.costs[name])

    def ratio(self, above: str, below: str) -> float:
        """The median over the rounds of one contestant's cost to another's in the same round."""
        pairs = zip(self.costs[above], self.costs[below], strict=True)
        return statistics.median(one / other for one, other in pairs)

    def at_most(
        self,
        name: str,
        limit: float,
        *,
        peer: str,
        ours: str = "ours",
        unit: str = "us",
    ) -> Figure:
        """A figure whose goal is that ours costs at most `limit` times what the peer costs."""
        ratio = self.ratio(ours, peer)
        return self._figure(name, (ours, peer, unit), ratio, f"<= {limit:g}", ok=ratio <= limit)

    def at_least(
        self,
        name: str,
        limit: float,
        *,
        peer: str,
        ours: str = "ours",
        unit: str = "us",
    ) -> Figure:
        """A figure whose goal is that the peer costs at least `limit` times what ours costs."""
        ratio = self.ratio(peer, ours)
        return self._figure(name, (ours, peer, unit), ratio, f">= {limit:g}", ok=ratio >= limit)

    def beside(self, name: str, *, peer: str, ours: str = "ours", unit: str = "us") -> Figure:
        """A figure that is only told: how many times cheaper than the peer ours is."""
        return self._figure(name, (ours, peer, unit), self.ratio(peer, ours), "-", ok=True)

    def _figure(
        self,
        name: str,
        contest: tuple[str, str, str],
        ratio: float,
        goal: str,
        *,
        ok: bool,
    ) -> Figure:
        ours, peer, unit = contest
        scale = _SCALES[unit]
        return Figure(
            name=name,
            ours=self.median(ours) * scale,
            peer=self.median(peer) * scale,
            unit=unit,
            ratio=ratio,
            goal=goal,
            ok=ok,
        )


def at_most(name: str, ours: float, limit: float, *, unit: str) -> Figure:
    """A figure against a plain limit, both in `unit`: bytes, microseconds, a count."""
    ratio = ours / limit if limit else float(ours > 0)
    goal = f"<= {limit:g} {unit}"
    return Figure(name, ours, None, unit, ratio, goal, ok=ours <= limit)


def at_least(name: str, ours: float, limit: float, *, unit: str) -> Figure:
    """A figure that must reach a plain limit, both in `unit`: a rate, a count."""
    return Figure(name, ours, None, unit, ours / limit, f">= {limit:g} {unit}", ok=ours >= limit)


def no_goal(name: str, ours: float, *, unit: str) -> Figure:
    """A figure that is only told, in `unit`: nothing is promised of it."""
    return Figure(name, ours, None, unit, 1.0, "-", ok=True)


@dataclass
class Bench:
    """The means that a benchmark is given: how many rounds, and the order of the contestants."""

    rounds: int = LEAST_ROUNDS
    seed: int | None = None
    _random: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.rounds = max(self.rounds, LEAST_ROUNDS)
        self._random = random.Random(self.seed)

    def race(self, **contestants: Contestant) -> Race:
        """Measure the contestants beside each other, after one round that does not count."""
        costs: dict[str, list[float]] = {name: [] for name in contestants}
        for contestant in contestants.values():
            contestant()
        with _quiet_memory():
            for _ in range(self.rounds):
                for name in self._random.sample(list(contestants), len(contestants)):
                    gc.collect()
                    costs[name].append(contestants[name]())
        return Race({name: tuple(each) for name, each in costs.items()})


@contextmanager
def _quiet_memory() -> Iterator[None]:
    """Garbage collection off: it would strike one contestant for what another left behind."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def per_call(function: Callable[[], object], number: int | None = None) -> Contestant:
    """A contestant that calls `function` `number` times, by default as often as 20 ms allow."""
    chosen = number

    def contestant() -> float:
        nonlocal chosen
        if chosen is None:
            chosen = _calls_within(function, ROUND_SECONDS)
        return _loop(function, chosen) / chosen

    return contestant


def timed(prepare: Callable[[], Callable[[], object]], operations: int = 1) -> Contestant:
    """A contestant with a fresh state each round: `prepare`, not timed, gives the work to time.

    The work counts as that many `operations`.
    """

    def contestant() -> float:
        work = prepare()
        return _loop(work, 1) / operations

    return contestant


def _calls_within(function: Callable[[], object], seconds: float) -> int:
    number = 1
    while (spent := _loop(function, number)) < seconds:
        number *= 2 if spent < seconds / 10 else max(2, round(seconds / spent))
    return number


def _loop(function: Callable[[], object], number: int) -> float:
    turns = range(number)
    start = time.perf_counter()
    for _ in turns:
        function()
    return time.perf_counter() - start


class PeerMissing(Exception):
    """What a benchmark needs is not installed; the text says what to install."""


@contextmanager
def peer(module: str, package: str | None = None) -> Iterator[None]:
    """Import a peer inside; `PeerMissing` says how to install it where it is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != module:
            raise
        wanted = package or module
        raise PeerMissing(
            f"{wanted} is not installed: pip install {wanted}, or all peers with "
            'pip install "omniroute[bench]"'
        ) from error


Benchmark: TypeAlias = Callable[[Bench], Iterator[Figure]]
REGISTRY: dict[str, Benchmark] = {}
"""Every benchmark by its name, filled when the ``bench_*`` modules are imported."""


def benchmark(name: str) -> Callable[[Benchmark], Benchmark]:
    """Register a benchmark under the name that the command line takes."""

    def register(function: Benchmark) -> Benchmark:
        if REGISTRY.setdefault(name, function) is not function:
            raise ValueError(f"two benchmarks are called {name!r}")
        return function

    return register
