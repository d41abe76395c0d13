"""Whether anybody of a desk's staff has room for what its channels cost (P2).

A file's own agents are looked at with the file (`rules.weight_checks`); staff is kept beside the versions
of a configuration, and is looked at here.
"""

from __future__ import annotations

from collections.abc import Iterable

from omniroute.errors import Problem
from omniroute.model.agent import ALL
from omniroute.model.desk_config import DeskConfig
from omniroute.ports import Transaction
from omniroute.rules.weight_checks import desk_most, too_heavy
from omniroute.schema import AGENTS

__all__ = ["unservable"]

_ALL_AGENTS = AGENTS.index("all_agents")
_PAGE = 1000


def unservable(
    tx: Transaction, desk: str, config: DeskConfig, parts: Iterable[int] = ()
) -> list[Problem]:
    """Return what costs more than anybody of the staff has; `parts` are those of who comes with it.

    A desk without staff has nobody yet. The staff is read only where something costs more than whoever
    has no capacity of their own has.
    """
    costs = config.policy.costs or {}
    heaviest = max((int(cost) for cost in costs.values() if cost != ALL), default=1)
    most = max([desk_most(config), *parts])
    after: tuple[str] | None = None
    anybody = False
    while most < heaviest and (page := tx.scan(_ALL_AGENTS, desk, after=after, limit=_PAGE)):
        anybody, after = True, (page[-1].id,)
        most = max([most, *(each.own_capacity.soft_max for each in page if each.own_capacity)])
    return list(too_heavy(costs, most)) if anybody else []
