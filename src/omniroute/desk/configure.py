"""Creating desks and saving versions of their configuration. The store owns it; files are how it is written."""

from __future__ import annotations

from collections.abc import Callable

from omniroute.desk.routing import settle
from omniroute.desk.staff import save_agent
from omniroute.desk.unit import Setups, Unit
from omniroute.errors import ConfigError, DeskExists, Problem
from omniroute.ids import Draw
from omniroute.model.desk_config import DeskConfig
from omniroute.model.events import SYSTEM, Configured
from omniroute.model.records import AddressEntry, ConfigVersion, DeskRecord
from omniroute.ports import Transaction
from omniroute.schema import ADDRESSES, CONFIGS, DESKS

__all__ = ["create"]


def create(
    config: DeskConfig, now: int, draw: Draw, setups: Setups, *, by: str = SYSTEM
) -> Callable[[Transaction], None]:
    """Return the work that seeds a new desk: version 1, its addresses, its agents (not yet available).

    Raises `DeskExists`, and `ConfigError` where another desk of the store has one of its addresses.
    """

    def work(tx: Transaction) -> None:
        desk = config.desk
        if tx.get(DESKS, desk, ()) is not None:
            raise DeskExists(
                f"desk {desk!r} is already in this store",
                hint=f"open it with desks[{desk!r}]",
            )
        tx.put(DESKS, desk, DeskRecord(desk, 0, 1, None))
        tx.put(CONFIGS, desk, ConfigVersion(1, config, by, now))
        _claim_addresses(tx, config)
        draw.rewind()
        unit = Unit(tx, desk, now, draw, setups)
        unit.write_event(Configured(now, by, 1))
        _seed_agents(unit, config)
        settle(unit)

    return work


def _claim_addresses(tx: Transaction, config: DeskConfig) -> None:
    problems = []
    for name, entry_point in config.entry_points.items():
        key = (entry_point.channel, entry_point.address)
        if tx.get(ADDRESSES, config.desk, key) is not None:
            problems.append(
                Problem(
                    f"entry_points.{name}.address",
                    f"{entry_point.channel} {entry_point.address!r} belongs to another desk",
                )
            )
            continue
        tx.put(ADDRESSES, config.desk, AddressEntry(*key, config.desk, name))
    if problems:
        raise ConfigError(problems, source=f"desk {config.desk!r}")


def _seed_agents(unit: Unit, config: DeskConfig) -> None:
    for agent, seed in config.agents.items():
        save_agent(
            unit,
            agent,
            name=seed.name,
            groups=seed.groups,
            serves=seed.serves,
            capacity=seed.capacity,
        )
