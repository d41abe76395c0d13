"""Creating desks, and saving versions of their configuration: the store owns it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from attrs import evolve

from omniroute.desk import jobs
from omniroute.desk.keeping import give_back
from omniroute.desk.moving import Clearing
from omniroute.desk.permission import permit
from omniroute.desk.room_checks import unservable
from omniroute.desk.routing import settle
from omniroute.desk.setups import compiled
from omniroute.desk.staff import SEED, save_agent
from omniroute.desk.unit import Unit
from omniroute.desk.verifying import unverified
from omniroute.errors import ConfigError, DeskExists, Problem, UnknownVersion, UsageError
from omniroute.ids import Draw
from omniroute.lazy import later
from omniroute.model.desk_config import DeskConfig, QueueMove
from omniroute.model.events import SYSTEM, Configured
from omniroute.model.records import AddressEntry, ConfigChange, ConfigVersion, DeskRecord
from omniroute.ports import Transaction
from omniroute.rules.judged import kind_of
from omniroute.rules.names import join, quoted, unknown
from omniroute.rules.resolution import Setup
from omniroute.rules.roles import Right, require_right
from omniroute.schema import ADDRESSES, AGENTS, CONFIG_CHANGES, CONFIGS, DESKS

if TYPE_CHECKING:
    from omniroute.config import diff
else:
    (diff,) = later(globals(), "omniroute.config", "diff")

__all__ = [
    "apply",
    "create",
    "obstacles",
    "roll_back",
    "roll_back_problems",
    "save",
    "without_staff",
]


_HISTORY = CONFIG_CHANGES.index("config_history")
_PAGE = 1000


def without_staff(config: DeskConfig) -> DeskConfig:
    """Return a configuration as versions of it are kept: agents are records of their own (P20)."""
    return evolve(config, agents={}) if config.agents else config


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
        if problems := [*unverified(tx, desk, config), *_taken(tx, config)]:
            raise ConfigError(problems, source=f"desk {desk!r}")
        body = without_staff(config)
        _keep(tx, ConfigVersion(1, body, by, now), ConfigChange(1, by, now, ()))
        _claim_addresses(tx, config)
        draw.rewind()
        tx.lock(desk)
        unit = Unit(tx, desk, now, draw, _First(body))
        unit.write_event(Configured(now, by, 1))
        for agent, profile in config.agents.items():
            save_agent(unit, agent, profile, origin=SEED)
        settle(unit)
        unit.finish()

    return work


class _First:
    """A new desk's only setup. Nobody keeps it: what is not committed yet may never be."""

    def __init__(self, config: DeskConfig) -> None:
        self._setup = compiled(config, 1)

    ranking = None
    starts_flows = False

    def setup(self, tx: Transaction, desk: str, version: int) -> Setup:  # noqa: ARG002
        return self._setup


def apply(
    config: DeskConfig, *, by: str | None, moves: Sequence[QueueMove] = ()
) -> Callable[[Unit], int]:
    """Return the flow that saves a configuration as a new version, whole; it returns the version.

    An equal configuration changes nothing. Agents are not looked at: staff is changed one at a time.
    Raises `PermissionDenied`, and `ConfigError` with every reason why running conversations stand
    in the way.
    """

    def flow(unit: Unit) -> int:
        actor = permit(unit, by, Right.CONFIGURE)
        _check_moves(unit.setup, moves)
        version = save(unit, config, actor, by, moves=moves)
        settle(unit)
        return version

    return flow


def roll_back(to: int, *, by: str | None, moves: Sequence[QueueMove] = ()) -> Callable[[Unit], int]:
    """Return the flow that saves the content of an earlier version as a new one.

    What was renamed and moved since goes back with its conversations and staff (S15), but for what
    `moves` say.
    """

    def flow(unit: Unit) -> int:
        actor = permit(unit, by, Right.ROLL_BACK)
        config, back = _way_back(unit.tx, unit.desk, unit.setup, to, moves)
        version = save(unit, config, actor, by, moves=back, restores=to)
        settle(unit)
        return version

    return flow


def roll_back_problems(
    desk: str, to: int, *, by: str | None, moves: Sequence[QueueMove] = ()
) -> Callable[[Transaction, Setup], tuple[Problem, ...]]:
    """Return the work that tells what `roll_back` would refuse; it raises what that would raise."""

    def work(tx: Transaction, setup: Setup) -> tuple[Problem, ...]:
        if by is not None:
            require_right(by, tx.get(AGENTS, desk, (by,)), Right.ROLL_BACK)
        config, back = _way_back(tx, desk, setup, to, moves)
        if config == setup.config:
            return ()
        after = compiled(config, 0)
        return tuple(obstacles(tx, desk, setup, after, Clearing(tx, desk, setup, after, back)))

    return work


def _way_back(
    tx: Transaction, desk: str, setup: Setup, to: int, moves: Sequence[QueueMove]
) -> tuple[DeskConfig, list[QueueMove]]:
    """Return a version's content, and where what stands in each queue goes: as said, or back."""
    stored = tx.get(CONFIGS, desk, (to,))
    if stored is None:
        raise UnknownVersion(f"desk {desk!r} has no version {to} of its configuration")
    _check_moves(setup, moves)
    said = {move.source for move in moves}
    back = [each for each in _undone(tx, desk, to) if each.source not in said]
    return stored.config, [*moves, *back]


def _undone(tx: Transaction, desk: str, to: int) -> list[QueueMove]:
    """What takes queues back to where they were in a version: every rename and move since, undone."""
    back: list[QueueMove] = []
    after = to
    while page := tx.scan(_HISTORY, desk, after=(after,), limit=_PAGE):
        whole = [move for each in page for move in each.moves if move.whole]
        back = [QueueMove(m.target, m.source) for m in reversed(whole) if m.target] + back
        after = page[-1].version
    return back


def save(
    unit: Unit,
    config: DeskConfig,
    actor: str,
    by: str | None,
    *,
    moves: Sequence[QueueMove] = (),
    ending: Collection[str] = (),
    restaffed: Collection[str] = (),
    restores: int | None = None,
    parts: Sequence[int] = (),
) -> int:
    """Save a configuration that was checked, and move what stands where it has nothing left (S15).

    `parts` are those of agents who come with it.
    """
    before, config = unit.setup, without_staff(config)
    if config == before.config:
        return before.version
    version = before.version + 1
    after = compiled(config, version)
    clearing = Clearing(unit.tx, unit.desk, before, after, moves, ending, restaffed=restaffed)
    if problems := obstacles(unit.tx, unit.desk, before, after, clearing, parts):
        raise ConfigError(problems, source=f"desk {unit.desk!r}")
    _claim_addresses(unit.tx, config, before.config)
    changes = diff.differences(before.config, config)
    _keep(
        unit.tx,
        ConfigVersion(version, config, actor, unit.now),
        ConfigChange(version, actor, unit.now, changes, restores, tuple(moves)),
    )
    clearing.catch_up(unit)
    unit.use_version(version, after)
    unit.write_event(Configured(unit.now, actor, version))
    clearing.clear(unit, by)
    give_back(unit)
    jobs.start(unit, version)
    return version


def obstacles(
    tx: Transaction,
    desk: str,
    before: Setup,
    after: Setup,
    clearing: Clearing,
    parts: Iterable[int] = (),
) -> list[Problem]:
    """Return everything stored that keeps a sound configuration from being saved now.

    Numbers that are not verified, costs that nobody has room for, what stands where nothing is left
    (S15), and addresses that another desk of the store has.
    """
    return [
        *unverified(tx, desk, after.config, before.config),
        *unservable(tx, desk, after.config, parts),
        *clearing.problems(),
        *_taken(tx, after.config, before.config),
    ]


def _check_moves(setup: Setup, moves: Sequence[QueueMove]) -> None:
    """Raise `UsageError` where conversations are to go from a queue that there is not."""
    places = tuple(dict.fromkeys((*setup.config.inboxes, *setup.leaves)))
    for move in moves:
        if move.source not in places and not setup.is_branch(move.source):
            text = unknown(f"no queue is named {quoted(move.source)}", places, move.source)
            raise UsageError(text, where="move")


def _keep(tx: Transaction, version: ConfigVersion, change: ConfigChange) -> None:
    desk = version.config.desk
    tx.add(CONFIGS, desk, (version,))
    tx.add(CONFIG_CHANGES, desk, (change,))


def _claim_addresses(tx: Transaction, config: DeskConfig, before: DeskConfig | None = None) -> None:
    """Enter a desk's addresses in the directory, and give back those it no longer has."""
    wanted = _addresses(config)
    known = _addresses(before) if before else {}
    for key in known:
        if key not in wanted:
            tx.delete(ADDRESSES, config.desk, key)
    for key, name in wanted.items():
        if known.get(key) != name:
            tx.put(ADDRESSES, config.desk, AddressEntry(*key, config.desk, name))


def _taken(
    tx: Transaction, config: DeskConfig, before: DeskConfig | None = None
) -> Iterator[Problem]:
    """Yield which addresses that are new to a desk belong to another one of the store."""
    known = _addresses(before) if before else {}
    for key, name in _addresses(config).items():
        entry = None if key in known else tx.get(ADDRESSES, config.desk, key)
        if entry is not None and entry.desk != config.desk:
            text = f"{key[0]} {key[1]!r} belongs to another desk"
            yield Problem(join("entry_points", name, "address"), text)


def _addresses(config: DeskConfig) -> Mapping[tuple[str, str], str]:
    return {
        (kind_of(config, each.channel), each.address): name
        for name, each in config.entry_points.items()
    }
