"""Creating desks, and saving versions of their configuration: the store owns it."""

from __future__ import annotations

from collections.abc import Callable

from omniroute.desk import jobs
from omniroute.desk.routing import settle
from omniroute.desk.staff import own_capacity, save_agent
from omniroute.desk.unit import Unit
from omniroute.errors import ConfigError, DeskExists, Problem
from omniroute.ids import Draw
from omniroute.model.desk_config import DeskConfig
from omniroute.model.events import SYSTEM, Configured
from omniroute.model.records import AddressEntry, ConfigVersion, DeskRecord
from omniroute.model.state import OPEN
from omniroute.ports import Transaction
from omniroute.rules.resolution import Setup
from omniroute.schema import ADDRESSES, CONFIGS, CONVERSATIONS, DESKS

__all__ = ["apply", "create"]


def create(
    config: DeskConfig, now: int, draw: Draw, *, by: str = SYSTEM
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
        unit = Unit(tx, desk, now, draw, _First(config))
        unit.write_event(Configured(now, by, 1))
        _seed_agents(unit, config)
        settle(unit)

    return work


class _First:
    """A new desk's only setup. Nobody keeps it: what is not committed yet may never be."""

    def __init__(self, config: DeskConfig) -> None:
        self._setup = Setup(config, 1)

    ranking = None

    def setup(self, tx: Transaction, desk: str, version: int) -> Setup:  # noqa: ARG002
        return self._setup


def apply(config: DeskConfig, *, by: str) -> Callable[[Unit], int]:
    """Return the flow that saves a configuration as a new version, whole; it returns the version.

    An equal configuration changes nothing. Staff stays as it is stored: agents of the configuration
    are for a new desk. Raises `ConfigError` with every reason why running conversations stand in
    the way.
    """

    def flow(unit: Unit) -> int:
        before = unit.setup.config
        if config == before:
            return unit.setup.version
        _refuse_removals(unit, Setup(config, 0))
        _claim_addresses(unit.tx, config, before)
        version = unit.setup.version + 1
        unit.tx.put(CONFIGS, unit.desk, ConfigVersion(version, config, by, unit.now))
        unit.use_version(version, Setup(config, version))
        unit.write_event(Configured(unit.now, by, version))
        jobs.start(unit, version)
        return version

    return flow


def _refuse_removals(unit: Unit, after: Setup) -> None:
    """Refuse to take away what open conversations stand in (S15)."""
    problems = [
        Problem(f"inboxes.{leaf.replace('/', '.', 1)}", f"has {count} open conversations")
        for leaf in unit.setup.leaves
        if not after.is_leaf(leaf) and (count := _open_in(unit, "queue_by_due", leaf))
    ]
    problems += [
        Problem(f"inboxes.{inbox}", f"has {count} open conversations")
        for inbox in unit.setup.config.inboxes
        if inbox not in after.config.inboxes and (count := _open_in(unit, "inbox_by_due", inbox))
    ]
    if problems:
        raise ConfigError(problems, source=f"desk {unit.desk!r}")


def _open_in(unit: Unit, index: str, value: str) -> int:
    return sum(
        unit.tx.count(CONVERSATIONS.index(index), unit.desk, (value, state.value)) for state in OPEN
    )


def _claim_addresses(tx: Transaction, config: DeskConfig, before: DeskConfig | None = None) -> None:
    """Enter a desk's addresses in the directory, and give back those it no longer has."""
    wanted = _addresses(config)
    problems = []
    for key in _addresses(before) if before else ():
        if key not in wanted:
            tx.delete(ADDRESSES, config.desk, key)
    for key, name in wanted.items():
        known = tx.get(ADDRESSES, config.desk, key)
        if known is not None and known.desk != config.desk:
            text = f"{key[0]} {key[1]!r} belongs to another desk"
            problems.append(Problem(f"entry_points.{name}.address", text))
        elif known is None or known.entry_point != name:
            tx.put(ADDRESSES, config.desk, AddressEntry(*key, config.desk, name))
    if problems:
        raise ConfigError(problems, source=f"desk {config.desk!r}")


def _addresses(config: DeskConfig) -> dict[tuple[str, str], str]:
    return {(each.channel, each.address): name for name, each in config.entry_points.items()}


def _seed_agents(unit: Unit, config: DeskConfig) -> None:
    for agent, seed in config.agents.items():
        save_agent(
            unit,
            agent,
            name=seed.name,
            groups=seed.groups,
            serves=seed.serves,
            capacity=own_capacity(seed.capacity),
            skills=seed.skills,
            channels=seed.channels,
            weight=seed.weight,
        )
