"""Thirty virtual days of each of the demo's four lives: everything that a desk does, and no waiting."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from benchmarks.harness import Bench, Figure, benchmark, no_goal, per_call
from omniroute.cli.demo.lives import LIVES
from omniroute.testing import Play, play


@benchmark("lives")
def lives(bench: Bench) -> Iterator[Figure]:
    """A life a day for thirty days, from the first message to the last deadline, in memory."""
    race = bench.race(
        **{live.__name__: per_call(partial(thirty_days, config, live)) for _, config, live in LIVES}
    )
    for _, _, live in LIVES:
        name = live.__name__.strip("_").replace("_", " ")
        yield no_goal(f"lives/{name}", race.median(live.__name__) * 1e3, unit="ms")


def thirty_days(config: dict[str, Any], live: Callable[[Play], None]) -> None:
    """Live the same life again and again until thirty days have passed."""
    with play(config) as p:
        end = p.clock.now() + 30 * 86_400_000_000
        while p.clock.now() < end:
            live(p)
            p.advance("1d")
