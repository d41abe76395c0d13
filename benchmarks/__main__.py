"""The command line of the benchmarks: a table for people, or one line of JSON per figure.

    python -m benchmarks                     all of them
    python -m benchmarks import lifecycle    these two
    python -m benchmarks --list              what there is

Exits 0 when every goal is met, 1 when one is missed, 2 when it was asked for something unknown or a
benchmark could not run, as without its peer.
"""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict

import benchmarks
from benchmarks.harness import LEAST_ROUNDS, REGISTRY, Bench, Figure, PeerMissing

_HEADINGS = ("figure", "ours", "peer", "unit", "ratio", "goal", "")


def load() -> None:
    """Import every ``bench_*`` module, which registers what it holds."""
    for module in pkgutil.iter_modules(benchmarks.__path__):
        if module.name.startswith("bench_"):
            importlib.import_module(f"benchmarks.{module.name}")


def measure(names: Sequence[str], bench: Bench) -> Iterator[Figure]:
    """Run the named benchmarks in order, giving each figure as soon as it is known."""
    for name in names:
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        yield from REGISTRY[name](bench)


def table(figures: Sequence[Figure]) -> str:
    """The figures as aligned text."""
    rows = [_HEADINGS, *(_row(figure) for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    return "\n".join(_line(row, widths) for row in rows)


def as_json(figure: Figure) -> str:
    """One figure as one line of JSON."""
    return json.dumps(asdict(figure), ensure_ascii=False)


def _row(figure: Figure) -> tuple[str, ...]:
    peer = "-" if figure.peer is None else _number(figure.peer)
    verdict = "ok" if figure.ok else "MISSED"
    numbers = (_number(figure.ours), peer, figure.unit, f"{figure.ratio:.2f}")
    return (figure.name, *numbers, figure.goal, verdict)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 or value == int(value) else f"{value:.3g}"


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    right = (1, 2, 4)
    cells = [
        cell.rjust(width) if column in right else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
    return "  ".join(cells).rstrip()


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what was asked for and print it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=benchmarks.__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="which ones; all when none is named"
    )
    parser.add_argument("--json", action="store_true", help="one line of JSON per figure")
    parser.add_argument("--list", action="store_true", help="list the benchmarks")
    parser.add_argument("--rounds", type=int, default=LEAST_ROUNDS, help="at least 11")
    options = parser.parse_args(arguments)
    load()
    unknown = [name for name in options.names if name not in REGISTRY]
    if unknown:
        known = ", ".join(sorted(REGISTRY))
        print(f"error: no benchmark {', '.join(unknown)}; there are: {known}", file=sys.stderr)
        return 2
    if options.list:
        for name in sorted(REGISTRY):
            print(f"{name}: {(REGISTRY[name].__doc__ or '').strip().splitlines()[0]}")
        return 0
    return _report(options.names or sorted(REGISTRY), Bench(options.rounds), lines=options.json)


def _report(names: Sequence[str], bench: Bench, *, lines: bool) -> int:
    figures, unable = [], False
    for name in names:
        try:
            for figure in measure([name], bench):
                figures.append(figure)
                if lines:
                    print(as_json(figure), flush=True)
        except PeerMissing as error:
            unable = True
            print(f"error: {name} cannot run: {error}", file=sys.stderr)
    if not lines and figures:
        print(table(figures))
    if unable:
        return 2
    return 0 if all(figure.ok for figure in figures) else 1


if __name__ == "__main__":
    raise SystemExit(main())
