"""What ``import omniroute; omniroute.Desk`` costs, beside importing the four core dependencies.

`Desk` says what may be asked; `Desks` brings what every desk runs on, and is measured too.
Every sample is a fresh interpreter that measures itself, so starting Python is not counted. Modules
are compiled once, by the first round, which does not count: as installed packages are.
"""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator

from benchmarks.harness import Bench, Figure, at_most, benchmark

OURS = "import omniroute; omniroute.Desk"
OPENED = "import omniroute; omniroute.Desks"
DEPENDENCIES = "import attrs, cattrs, pendulum, pluggy"
EXTRAS = ("sqlalchemy", "alembic", "httpx", "click", "rich")

_TIMED = "import time; start = time.perf_counter(); {work}; print(time.perf_counter() - start)"
_LOADED = "{work}; import sys; print(sum(name in sys.modules for name in {extras!r}))"


@benchmark("import")
def import_time(bench: Bench) -> Iterator[Figure]:
    """Importing omniroute beside importing its dependencies; no extra is loaded."""
    with tempfile.TemporaryDirectory() as compiled:
        race = bench.race(
            ours=functools.partial(_python, _TIMED.format(work=OURS), compiled),
            opened=functools.partial(_python, _TIMED.format(work=OPENED), compiled),
            dependencies=functools.partial(_python, _TIMED.format(work=DEPENDENCIES), compiled),
        )
        loaded = _python(_LOADED.format(work=OPENED, extras=EXTRAS), compiled)
    yield race.at_most("import/time", 1.3, peer="dependencies", unit="ms")
    yield race.at_most("import/desks", 1.6, peer="dependencies", ours="opened", unit="ms")
    yield at_most("import/extras loaded", loaded, 0, unit="modules")


def _python(program: str, compiled: str) -> float:
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": compiled}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run(
        [sys.executable, "-c", program],
        check=False,
        capture_output=True,
        text=True,
        cwd=tempfile.gettempdir(),
        env=environment,
    )
    if done.returncode:
        raise RuntimeError(f"{program}\nfailed:\n{done.stderr}")
    return float(done.stdout)
