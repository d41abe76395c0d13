"""Drafts: edits of a desk that are staged, judged at any time, and saved whole or not at all (G19, U7).

A draft begins at a version. Where somebody saved another one meanwhile, saving raises `DraftConflict`
with what they changed; `rebase` joins the two where they touch different paths. Staff is staged the
same way, and saved agent by agent (P20).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import datetime
from typing import Any

from attrs import evolve

from omniroute.clock import resolve_now
from omniroute.closing import Block
from omniroute.config.edits import Edits
from omniroute.config.merging import merge
from omniroute.config.profiles import read_profile
from omniroute.config.render import dump
from omniroute.config.staged import AgentEdit, Staged
from omniroute.desk import configure
from omniroute.desk.leaving import leaving_problems, remove
from omniroute.desk.moving import Clearing
from omniroute.desk.permission import permit
from omniroute.desk.routing import settle
from omniroute.desk.runtime import Runtime
from omniroute.desk.setups import compiled
from omniroute.desk.staff import change, check_named, check_profile, check_room, profile_of
from omniroute.desk.team import given
from omniroute.desk.unit import Unit
from omniroute.desk.views import VersionView
from omniroute.errors import DraftConflict, Problem, UsageError
from omniroute.model.desk_config import AgentConfig, DeskConfig
from omniroute.model.records import ConfigChange
from omniroute.model.values import frozen
from omniroute.ports import AdapterRegistry, Transaction
from omniroute.rules.arguments import blaming
from omniroute.rules.names import join
from omniroute.rules.resolution import Setup
from omniroute.rules.roles import Right, require_right
from omniroute.rules.weights import MESSAGING
from omniroute.schema import AGENTS, CONFIG_CHANGES, CONFIGS, DESKS, STAFF_CHANGES

__all__ = ["Draft"]

_SINCE = CONFIG_CHANGES.index("config_history")
_STAFF_SINCE = STAFF_CHANGES.index("staff_history")
_MANY = 1000


@frozen
class _Start:
    """Where a draft began: the version in force then, its document, and the end of the log."""

    version: int
    position: int
    document: dict[str, Any]


@blaming
class Draft(Block, Edits):
    """Edits of one desk by one person, saved as one version.

    A context manager: saved at the end of the block, and not when the block raises. After `save` it
    goes on from what was saved.
    """

    def __init__(self, desk: str, runtime: Runtime, by: str | None) -> None:
        self._desk = desk
        self._runtime = runtime
        self._by = by
        self._start = self._read()
        super().__init__(Staged.of(desk, self._start.document), runtime.registry)

    def __repr__(self) -> str:
        return f"Draft({self._desk!r}, base={self.base}, changes={len(self.changes())})"

    def _leave(self, *, raised: bool) -> None:
        if not raised:
            self.save()

    @property
    def base(self) -> int:
        """The version that the draft goes out from."""
        return self._start.version

    @property
    def staged(self) -> Staged:
        """What is edited: shared with the awaited face of the same draft."""
        return self._staged

    @property
    def registry(self) -> AdapterRegistry:
        """The adapters that settings are checked against."""
        return self._runtime.registry

    def discard(self) -> None:
        """Forget every edit, and begin at the version in force now."""
        self._begin(self._read())

    def problems(self) -> tuple[Problem, ...]:
        """Return everything that keeps the draft from being saved now, each with its path.

        What is wrong with the configuration; where that is sound, what running conversations stand
        in (S15), and what is wrong with changes of the staff.
        """
        if found := self.document_problems():
            return found
        config = self.config

        def work(tx: Transaction, setup: Setup) -> tuple[Problem, ...]:
            after, staged = compiled(config, 0), self._staged
            parts = (tx, self._desk, setup, after, staged.moves, staged.ending)
            clearing = Clearing(*parts, restaffed=_restaffed(staged))
            found = configure.obstacles(tx, self._desk, setup, after, clearing, _parts_of(staged))
            return (*found, *_staff_problems(tx, self._desk, after, staged))

        return self._runtime.look(self._desk, work)

    def save(self, *, now: datetime | None = None) -> int:
        """Save the draft as a new version, whole or not at all; return the version in force.

        A draft without changes saves nothing. Raises `ConfigError` with every problem,
        `DraftConflict` where another version was saved since, `PermissionDenied` where `by` may
        not, and what `desk.staff` raises. Then nothing has changed.
        """
        config = self.config
        version = self._run(lambda unit: self._saved(unit, config), now)
        self._begin(self._read())
        return version

    def rebase(self) -> tuple[str, ...]:
        """Join the draft with what was saved since it began; return what others changed.

        Raises `DraftConflict` where both changed the same path, or the same of an agent. Afterwards
        the draft goes out from the version in force; `problems` tells whether the two fit together.
        """

        def work(tx: Transaction, _: Setup) -> tuple[_Start, tuple[ConfigChange, ...]]:
            self._refuse_overtaken(tx)
            return self._started(tx), self._since(tx)

        start, since = self._runtime.look(self._desk, work)
        staged = self._staged
        merged, clashes = merge(staged.base, staged.document, start.document)
        if clashes:
            raise self._conflict(since, clashes)
        staged.base, staged.document = start.document, deepcopy(merged)
        self._start = start
        return tuple(line for each in since for line in each.changes)

    # --- inside

    def _begin(self, start: _Start) -> None:
        self._start = start
        self._staged = Staged.of(self._desk, start.document)

    def _read(self) -> _Start:
        def work(tx: Transaction, _: Setup) -> _Start:
            if self._by is not None:
                agent = tx.get(AGENTS, self._desk, (self._by,))
                require_right(self._by, agent, Right.CONFIGURE)
            return self._started(tx)

        return self._runtime.look(self._desk, work)

    def _started(self, tx: Transaction) -> _Start:
        record = tx.get(DESKS, self._desk, ())
        assert record is not None  # noqa: S101  (looked at a moment ago)
        stored = tx.get(CONFIGS, self._desk, (record.config_version,))
        assert stored is not None  # noqa: S101  (the version in force)
        return _Start(record.config_version, record.position, dump(stored.config))

    def _run(self, flow: Callable[[Unit], int], now: datetime | None) -> int:
        instant = resolve_now(now, self._runtime.clock)
        return self._runtime.run(self._desk, instant, flow)

    def _saved(self, unit: Unit, config: DeskConfig) -> int:
        staged, version = self._staged, unit.setup.version
        actor = permit(unit, self._by, Right.CONFIGURE)
        if staged.document != staged.base:
            if version != self.base:
                raise self._met(unit.tx)
            moves, ending = staged.moves, staged.ending
            version = configure.save(
                unit,
                config,
                actor,
                self._by,
                moves=moves,
                ending=ending,
                restaffed=_restaffed(staged),
                parts=_parts_of(staged),
            )
        self._refuse_overtaken(unit.tx)
        for agent, edit in staged.agents.items():
            _staff_flow(agent, edit, self._by)(unit)
        settle(unit)
        return version

    def _since(self, tx: Transaction) -> tuple[ConfigChange, ...]:
        return tuple(tx.scan(_SINCE, self._desk, after=(self.base,), limit=_MANY))

    def _met(self, tx: Transaction) -> DraftConflict:
        theirs = self._started(tx).document
        staged = self._staged
        _, clashes = merge(staged.base, staged.document, theirs)
        return self._conflict(self._since(tx), clashes)

    def _conflict(self, since: tuple[ConfigChange, ...], clashes: tuple[str, ...]) -> DraftConflict:
        zone = self._staged.base["zone"]
        saved = tuple(VersionView.of(each, zone) for each in since)
        told = (f"version {each.number} by {each.by}: {each.summary}" for each in saved)
        return DraftConflict(self._desk, saved, told, clashes)

    def _refuse_overtaken(self, tx: Transaction) -> None:
        """Raise where somebody changed the same of an agent since the draft began."""
        told, clashes = [], []
        for agent, edit in self._staged.agents.items():
            after, path = (self._start.position,), join("agents", agent)
            since = tx.scan(_STAFF_SINCE, self._desk, (agent,), after=after, limit=_MANY)
            for each in since:
                touching = [line for line in each.changes if _touches(path, line, edit)]
                told += [f"{each.by}: {line}" for line in touching]
                clashes += [path + line.removeprefix(path).split(": ")[0] for line in touching]
        if told:
            raise DraftConflict(self._desk, (), told, dict.fromkeys(clashes))


def _restaffed(staged: Staged) -> set[str]:
    """The agents whose queues the draft says anew, or who leave with it."""
    return {name for name, edit in staged.agents.items() if edit.leaves or "serves" in edit.given}


def _parts_of(staged: Staged) -> list[int]:
    """How many parts the agents have to whom the draft gives a capacity of their own."""
    given = (read_profile(each.given)[0].get("capacity") for each in staged.agents.values())
    return [each[MESSAGING].soft_max for each in given if each and MESSAGING in each]


def _touches(path: str, line: str, edit: AgentEdit) -> bool:
    """Whether a line of an agent's history is of a field that the edit sets, or of all of them."""
    inside = line.removeprefix(path)
    named = (f".{field}{end}" for field in edit.given for end in (":", ".", "["))
    return edit.leaves or inside.startswith((":", *named))


def _staff_flow(agent: str, edit: AgentEdit, by: str | None) -> Callable[[Unit], object]:
    if edit.leaves:
        return remove(agent, held=edit.held, hand_to=edit.hand_to, by=by)
    return change(agent, given(**edit.given), by=by, add=True)


def _staff_problems(tx: Transaction, desk: str, setup: Setup, staged: Staged) -> Iterator[Problem]:
    for agent, edit in staged.agents.items():
        path = join("agents", agent)
        if edit.leaves:
            found = leaving_problems(tx, desk, agent, edit.held, edit.hand_to)
            yield from (Problem(path, text) for text in found)
            continue
        profile, problems = read_profile(edit.given)
        yield from (Problem(f"{path}.{each.path}", each.message) for each in problems)
        if not problems:
            try:
                check_profile(agent, profile)
                check_named(setup, profile)
                known = tx.get(AGENTS, desk, (agent,))
                before = AgentConfig() if known is None else profile_of(known)
                check_room(setup, evolve(before, **profile), profile)
            except UsageError as error:
                where = f"{path}.{error.where}" if error.where not in (None, "agent") else path
                yield Problem(where, error.summary)
