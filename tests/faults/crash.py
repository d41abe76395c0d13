"""Kills clients and servers with SIGKILL at random points, and lets the checker judge what is left.

    python -m tests.faults.crash [--client-sqlite N] [--client-postgres N] [--server N]
                                 [--fsync] [--seed TEXT]

A driver gives commands to a worker process and asks again what was not answered. In the end every
acknowledged command is there once, and nothing by half. The control asks again under fresh keys:
the same checker has to find duplicates then.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.faults.check_log import Report, check
from tests.faults.driver import Driver
from tests.faults.office import office, open_desks
from tests.faults.workers import Worker, WorkerSource
from tests.rigs.postgres import Server

__all__ = ["kill_clients", "kill_server", "main", "prepare"]

DESK = "crash"
AGENTS, QUEUES, SOFT_MAX = 8, 3, 3
_LIVES_AT_MOST = 4  # how many commands a worker does before its last moments
_LONGEST_DELAY = 0.030  # how many seconds these last
_AFTER_COMMIT = 0.2  # the share of workers that die exactly between commit and answer
_LIVES_PER_HIT = 20  # on average at most: where both cores are busy, few die before they answer
_PATIENCE = 60.0


def prepare(url: str) -> None:
    """Create the desk, with everybody at work."""
    with open_desks(url) as desks:
        desk = desks.create(office(DESK, agents=AGENTS, queues=QUEUES, soft_max=SOFT_MAX))
        for number in range(AGENTS):
            desk.set_available(f"a{number:02}")


def _driver(seed: str, *, same_key: bool) -> Driver:
    return Driver(DESK, agents=AGENTS, queues=QUEUES, seed=seed, same_key=same_key)


# --- the client dies ------------------------------------------------------------------------------


def kill_clients(
    url: str, folder: Path, kills: int, *, seed: str = "k", same_key: bool = True
) -> tuple[Driver, Report]:
    """Kill so many workers, one after another, each with a command under way, and judge.

    One that answered before it was killed does not count. With `same_key=False` each dies where its
    command is done and nobody was told: the control.
    """
    prepare(url)
    driver, chance = _driver(seed, same_key=same_key), random.Random(f"{seed}/kills")
    with WorkerSource(url) as workers:
        hit = 0
        for _ in range(_LIVES_PER_HIT * kills):
            hit += _live_and_die(workers.new(), driver, chance, _AFTER_COMMIT if same_key else 1)
            if hit == kills:
                break
        _finish(workers.new(), driver)
    return driver, check(url, [driver.write_ledger(folder / "ledger.jsonl")])


def _live_and_die(worker: Worker, driver: Driver, chance: random.Random, after: float) -> bool:
    """Let a worker work until it is killed; whether it left a command unanswered."""
    for _ in range(chance.randint(0, _LIVES_AT_MOST)):
        _do(worker, driver)
    if chance.random() < after:
        worker.give(driver.next() | {"die": "after"})
        assert worker.answer(_PATIENCE) is None
    else:
        _work_for(worker, driver, chance.uniform(0, _LONGEST_DELAY))
        worker.kill()
        last = worker.answer(_PATIENCE) if driver.pending is not None else None
        if last is not None:  # it was told, so it counts
            driver.hear(last)
    worker.close()
    return driver.pending is not None


def _work_for(worker: Worker, driver: Driver, seconds: float) -> None:
    """Give commands for a time; the last one may be under way when it is over."""
    worker.give(driver.next())
    deadline = time.monotonic() + seconds
    while (answer := worker.answer(deadline - time.monotonic())) is not None:
        driver.hear(answer)
        worker.give(driver.next())


def _do(worker: Worker, driver: Driver) -> None:
    """Give a command, and take its answer."""
    worker.give(driver.next())
    answer = worker.answer(_PATIENCE)
    assert answer is not None, "a worker that nobody kills answers"
    driver.hear(answer)


def _finish(worker: Worker, driver: Driver) -> None:
    """Ask what is still unanswered, until it is."""
    while driver.pending is not None:
        _do(worker, driver)
    worker.close()


# --- the server dies ------------------------------------------------------------------------------


def kill_server(
    server: Server, folder: Path, kills: int, *, seed: str = "s", load: float = 0.3
) -> tuple[Driver, Report]:
    """Kill the server's first process so many times under the same worker, and judge."""
    url = server.url
    prepare(url)
    driver, chance = _driver(seed, same_key=True), random.Random(f"{seed}/kills")
    with WorkerSource(url) as workers:
        worker = workers.new()
        for _ in range(kills):
            _do(worker, driver)
            _work_for(worker, driver, chance.uniform(0, load))
            server.kill()
            server.start()
            _settle(worker, driver)
        _finish(worker, driver)
    return driver, check(url, [driver.write_ledger(folder / "ledger.jsonl")])


def _settle(worker: Worker, driver: Driver) -> None:
    """Take the answer that is due, and repeat the command until it is done."""
    while True:
        answer = worker.answer(_PATIENCE)
        assert answer is not None, "the worker lives through the death of its server"
        if driver.hear(answer):
            return
        time.sleep(0.02)
        worker.give(driver.next())


# --- the program ----------------------------------------------------------------------------------


def _judge(title: str, run: Callable[[Path], tuple[Driver, Report]]) -> bool:
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        driver, report = run(Path(folder))
    seconds = time.monotonic() - began
    sys.stdout.write(
        f"== {title}: {seconds:.0f} s, {driver.answered} commands answered,"
        f" {driver.repeated} asked again, {driver.refused} refused\n{report}\n"
    )
    sys.stdout.flush()
    return not report.found


def _on_sqlite(kills: int, *, same_key: bool, seed: str) -> Callable[[Path], tuple[Driver, Report]]:
    def run(folder: Path) -> tuple[Driver, Report]:
        return kill_clients(
            f"sqlite:///{folder}/desk.db", folder, kills, seed=seed, same_key=same_key
        )

    return run


def main(arguments: list[str] | None = None) -> int:
    """Run what is asked for; 1 when anything was wrong, or a control found nothing."""
    parser = argparse.ArgumentParser(prog="crash")
    parser.add_argument("--client-sqlite", type=int, default=1_000)
    parser.add_argument("--client-postgres", type=int, default=100)
    parser.add_argument("--server", type=int, default=20)
    parser.add_argument("--fsync", action="store_true")
    parser.add_argument("--seed", default="crash")
    given = parser.parse_args(arguments)
    seed, good = given.seed, []
    kills = given.client_sqlite
    good.append(
        _judge(f"{kills} clients killed on SQLite", _on_sqlite(kills, same_key=True, seed=seed))
    )
    with Server(fsync=given.fsync) as server:
        kills = given.client_postgres
        good.append(
            _judge(
                f"{kills} clients killed on PostgreSQL",
                lambda folder: kill_clients(server.database("clients"), folder, kills, seed=seed),
            )
        )
    with Server(fsync=True) as server:  # commits take longer so, and more of them are hit
        good.append(
            _judge(
                f"PostgreSQL killed {given.server} times",
                lambda folder: kill_server(server, folder, given.server, seed=seed),
            )
        )
    control = _judge(
        "control: 10 clients killed on SQLite, asked again under fresh keys",
        _on_sqlite(10, same_key=False, seed=seed),
    )
    return 0 if all(good) and not control else 1


if __name__ == "__main__":
    sys.exit(main())
