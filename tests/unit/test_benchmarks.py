"""The harness measures as it promises: interleaved, in random order, by the median of ratios."""

from __future__ import annotations

import gc
import json
import time
from functools import partial

import pytest

from benchmarks import __main__ as command
from benchmarks.harness import (
    LEAST_ROUNDS,
    REGISTRY,
    Bench,
    Race,
    at_least,
    at_most,
    benchmark,
    per_call,
    timed,
)


@pytest.fixture
def registry(monkeypatch):
    """Return the registry, empty, and keep the real benchmarks from being loaded into it."""
    monkeypatch.setattr(command, "load", lambda: None)
    held = dict(REGISTRY)
    REGISTRY.clear()
    yield REGISTRY
    REGISTRY.clear()
    REGISTRY.update(held)


def test_contestants_take_turns_in_random_order():
    order = []

    def contestant(name):
        def measure():
            order.append(name)
            return 1.0

        return measure

    Bench(rounds=40, seed=1).race(ours=contestant("ours"), peer=contestant("peer"))
    rounds = [tuple(order[at : at + 2]) for at in range(0, len(order), 2)]
    assert len(rounds) == 41  # the first one warms up
    assert set(rounds[1:]) == {("ours", "peer"), ("peer", "ours")}


def test_the_warm_up_round_does_not_count():
    costs = iter([1000.0] + [1.0] * LEAST_ROUNDS)
    race = Bench().race(ours=lambda: next(costs))
    assert race.costs["ours"] == (1.0,) * LEAST_ROUNDS


@pytest.mark.parametrize("asked,done", [(1, 11), (11, 11), (15, 15)])
def test_there_are_at_least_eleven_rounds(asked, done):
    assert len(Bench(rounds=asked).race(ours=lambda: 1.0).costs["ours"]) == done


def test_garbage_collection_is_off_while_measuring_and_back_on_after():
    race = Bench().race(ours=lambda: float(gc.isenabled()))
    assert race.costs["ours"] == (0.0,) * LEAST_ROUNDS
    assert gc.isenabled()


def test_garbage_collection_comes_back_when_a_contestant_fails():
    turns = iter([1.0])
    with pytest.raises(StopIteration):
        Bench().race(ours=lambda: next(turns))
    assert gc.isenabled()


def test_the_ratio_is_the_median_of_ratios_not_the_ratio_of_medians():
    race = Race({"ours": (1.0, 4.0, 9.0), "peer": (1.0, 8.0, 3.0)})
    assert race.ratio("ours", "peer") == 1.0
    assert race.median("ours") / race.median("peer") != race.ratio("ours", "peer")


@pytest.mark.parametrize("limit,ok", [(1.9, False), (2.0, True), (2.1, True)])
def test_at_most_compares_our_cost_with_the_peers(limit, ok):
    figure = Race({"ours": (4e-6,) * 3, "peer": (2e-6,) * 3}).at_most("f", limit, peer="peer")
    assert (figure.ratio, figure.goal, figure.ok) == (2.0, f"<= {limit:g}", ok)
    assert [figure.ours, figure.peer] == pytest.approx([4, 2])
    assert figure.unit == "us"


@pytest.mark.parametrize("limit,ok", [(3.9, True), (4.0, True), (4.1, False)])
def test_at_least_says_how_many_times_cheaper_we_are(limit, ok):
    race = Race({"ours": (2e-3,) * 3, "peer": (8e-3,) * 3})
    figure = race.at_least("f", limit, peer="peer", unit="ms")
    assert (figure.ratio, figure.goal, figure.ok) == (4.0, f">= {limit:g}", ok)


def test_a_plain_limit_has_no_peer():
    size = at_most("size", 300, 400, unit="B")
    rate = at_least("rate", 50_000, 65_000, unit="1/s")
    none = at_most("loaded", 0, 0, unit="modules")
    assert (size.peer, size.ratio, size.goal, size.ok) == (None, 0.75, "<= 400 B", True)
    assert (rate.goal, rate.ok) == (">= 65000 1/s", False)
    assert none.ok
    assert not at_most("loaded", 1, 0, unit="modules").ok


def test_per_call_gives_the_cost_of_one_call():
    calls = []
    start = time.perf_counter()
    cost = per_call(lambda: calls.append(1), number=500)()
    assert len(calls) == 500
    assert 0 < cost <= (time.perf_counter() - start) / 500


def test_per_call_finds_out_how_often_to_call():
    found = []
    for _ in range(5):  # a machine that is busy may find few enough
        calls: list[int] = []
        contestant = per_call(partial(calls.append, 1))
        contestant()
        warm = len(calls)
        contestant()
        assert len(calls) - warm < warm
        found.append(len(calls) - warm)
    assert max(found) > 1_000


def test_timed_prepares_afresh_and_divides_by_the_operations():
    prepared = []

    def prepare():
        prepared.append(1)
        return lambda: sum(range(100_000))

    assert timed(prepare)() > 0
    start = time.perf_counter()
    part = timed(prepare, operations=1_000)()
    assert 0 < part <= (time.perf_counter() - start) / 1_000
    assert len(prepared) == 2


def test_json_is_one_line_per_figure_with_exactly_these_keys(registry, capsys):
    @benchmark("sizes")
    def sizes(_bench):
        yield at_most("sizes/one", 1, 2, unit="B")
        yield at_most("sizes/two", 2, 2, unit="B")

    assert command.main(["sizes", "--json"]) == 0
    lines = capsys.readouterr().out.splitlines()
    keys = ["name", "ours", "peer", "unit", "ratio", "goal", "ok"]
    assert [list(json.loads(line)) for line in lines] == [keys, keys]
    assert json.loads(lines[0]) == {
        "name": "sizes/one",
        "ours": 1,
        "peer": None,
        "unit": "B",
        "ratio": 0.5,
        "goal": "<= 2 B",
        "ok": True,
    }


def test_the_table_is_aligned_and_a_missed_goal_shows(registry, capsys):
    @benchmark("sizes")
    def sizes(_bench):
        yield at_most("sizes/a much longer name", 12345, 2, unit="B")
        yield at_most("sizes/b", 1, 2, unit="B")

    assert command.main([]) == 1
    heading, first, second = capsys.readouterr().out.splitlines()
    assert first.index(" B ") == second.index(" B ") == heading.index(" unit ")
    assert first.endswith("MISSED")
    assert second.endswith("ok")


def test_an_unknown_name_lists_the_known_ones(registry, capsys):
    benchmark("sizes")(lambda _bench: iter(()))
    assert command.main(["seizes"]) == 2
    assert "seizes; there are: sizes" in capsys.readouterr().err


def test_two_benchmarks_cannot_share_a_name(registry):
    benchmark("sizes")(lambda _bench: iter(()))
    with pytest.raises(ValueError, match="two benchmarks"):
        benchmark("sizes")(lambda _bench: iter(()))


def test_every_benchmark_of_the_project_says_what_it_measures():
    command.load()
    assert "import" in REGISTRY
    assert all(function.__doc__ for function in REGISTRY.values())
