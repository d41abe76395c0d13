"""What a process holds for its desks: the store, the clock, the ids, adapters, and compiled versions.

Shared by every `Desk` of one `Desks`; nothing here belongs to one conversation or one call.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar, runtime_checkable

from attrs import define, field

from omniroute.clock import Clock, Reading
from omniroute.desk.foresight import About, Reads, foresee
from omniroute.desk.setups import compiled
from omniroute.desk.tick import fire_overdue
from omniroute.desk.unit import Ranking, Unit
from omniroute.errors import SecretMissing, StoredValueError, UnknownDesk, UsageError
from omniroute.ids import Draw, IdSource
from omniroute.lazy import later
from omniroute.model.secret import Secret, SecretRef
from omniroute.model.wire import Attachment, Capabilities
from omniroute.plugins import Registry
from omniroute.ports import ChannelAdapter, JoiningStore, Store, Transaction, Transport
from omniroute.rules.acceptance import check_contents
from omniroute.rules.delivery import check_content
from omniroute.rules.resolution import Setup
from omniroute.schema import CONFIGS, DESKS

if TYPE_CHECKING:
    from omniroute.config import settings
else:
    (settings,) = later(globals(), "omniroute.config", "settings")

__all__ = ["Runtime", "environment_secret"]

T = TypeVar("T")

_NO_SETUPS: Final[dict[int, Setup]] = {}


@runtime_checkable
class _Joining(Protocol):
    """A store that joins a host's transaction unasked, where one is open, as Django's does."""

    def joined(self) -> bool:
        """Return whether a transaction would not be its own just now."""
        ...


def environment_secret(ref: SecretRef) -> Secret:
    """Return the secret that a reference names; `SecretMissing` when the variable is not set."""
    value = os.environ.get(ref.env)
    if not value:
        raise SecretMissing(
            f"the environment variable {ref.env} is not set",
            hint="the configuration names it as a secret",
        )
    return Secret(value)


@define
class Runtime:
    """The parts that flows need beside their arguments."""

    store: Store
    clock: Clock
    ids: IdSource
    registry: Registry
    transport: Transport
    reveal: Callable[[SecretRef], Secret] = environment_secret
    _setups: dict[str, dict[int, Setup]] = field(factory=dict)
    _doubted: set[tuple[str, int]] = field(factory=set, repr=False)
    _adapters: dict[tuple[str, str], tuple[int, tuple[ChannelAdapter, Any]]] = field(
        factory=dict, repr=False
    )

    @property
    def starts_flows(self) -> bool:
        """Whether some plugin starts the flows of channels."""
        return self.registry.start_flow is not None

    @property
    def ranking(self) -> Ranking | None:
        """What plugins bring to order suitable agents by, or None."""
        return self.registry.rank

    def run(
        self,
        desk: str,
        now: int | None,
        flow: Callable[[Unit], T],
        *,
        within: object | None = None,
        overdue_first: bool = True,
        about: About | Reads | None = None,
    ) -> T:
        """Run a flow in one transaction under the desk's lock; its ids survive a retry.

        An instant that was read from the clock is read anew once the lock is had, and where none is
        given (None) it is read then: what happens later has no earlier instant. Deadlines that came
        before it fire first (R6), unless firing them is what the flow does.
        `within` is a host's connection, whose transaction the flow joins instead of having its own.
        `about` is what the flow names, from which it is guessed what it will read, or tells that itself.
        """
        draw = Draw(self.ids)

        def work(tx: Transaction) -> T:
            if draw.drawn:  # by a try before this one
                draw.rewind()
            if about is not None and getattr(tx, "foresees", False):
                foresee(tx, desk, about, self._setups.get(desk, _NO_SETUPS).get)
            tx.lock(desk)  # others were at work meanwhile, by the same clock
            if now is None:
                instant = self.clock.now()
            else:
                instant = now.again(self.clock) if isinstance(now, Reading) else now
            unit = Unit(tx, desk, instant, draw, self)
            before = unit.setup
            if overdue_first and unit.may_be_overdue:
                fire_overdue(unit)
            result = flow(unit)
            unit.finish()  # what fired first is written down even where the flow itself wrote nothing
            if unit.setup is not before:
                self._doubt(desk, unit.setup.version)
            return result

        return self.store.transact(work) if within is None else self.transact(work, within=within)

    def transact(self, work: Callable[[Transaction], T], *, within: object | None = None) -> T:
        """Run work in a transaction of its own, or inside a host's."""
        if within is None:
            return self.store.transact(work)
        if not isinstance(self.store, JoiningStore):
            raise UsageError(
                "this store cannot join a host's transaction",
                where="within",
                got=type(self.store).__name__,
                hint="keep the desk in the host's own SQL database",
            )
        return self.store.transact_within(within, work)

    def read(self, work: Callable[[Transaction], T]) -> T:
        """Run a reading flow in a transaction of its own, without the desk's lock."""
        return self.store.transact(work)

    def look(
        self,
        desk: str,
        work: Callable[[Transaction, Setup], T],
        *,
        within: object | None = None,
    ) -> T:
        """Run a reading flow that needs the configuration in force, in one transaction."""

        def looked(tx: Transaction) -> T:
            record = tx.get(DESKS, desk, ())
            if record is None:
                raise UnknownDesk(f"no desk {desk!r} in this store")
            return work(tx, self.setup(tx, desk, record.config_version))

        return self.transact(looked, within=within)

    def setup(self, tx: Transaction, desk: str, version: int) -> Setup:
        """Return a version's compiled configuration; versions never change: the last two are kept."""
        known = self._setups.get(desk)
        if known is not None and not self._doubted and (found := known.get(version)) is not None:
            return found
        return self._loaded(tx, desk, version)

    def _loaded(self, tx: Transaction, desk: str, version: int) -> Setup:
        """Return a version's setup as it is stored, where nobody here has it, or it may have changed."""
        known = self._setups.setdefault(desk, {})
        found = known.get(version)
        doubted = bool(self._doubted) and (desk, version) in self._doubted
        if found is None or doubted:
            stored = tx.get(CONFIGS, desk, (version,))
            if stored is None:
                raise StoredValueError(f"desk {desk!r} has no configuration version {version}")
            if doubted and not self._is_joined():
                self._doubted.discard((desk, version))
            if found is None or found.config != stored.config:
                if doubted:
                    self.forget_settings()
                found = known[version] = compiled(stored.config, version)
                # A transaction that is under way may still read the version before.
                for older in list(known):  # another thread may be adding to it
                    if older < version - 1:
                        known.pop(older, None)
        return found

    def created(self, desk: str) -> None:
        """Forget what was known of a desk that is new: one of its name was taken back, or emptied out."""
        self._setups.pop(desk, None)
        self.forget_settings()
        self._doubt(desk, 1)

    def _doubt(self, desk: str, version: int) -> None:
        """Look again at a version saved in a host's transaction: taken back, its number is used anew."""
        if self._is_joined():
            self._doubted.add((desk, version))

    def _is_joined(self) -> bool:
        return isinstance(self.store, _Joining) and self.store.joined()

    def current(self, desk: str, *, within: object | None = None) -> Setup:
        """Return the configuration in force now; `UnknownDesk` when there is no such desk."""
        return self.look(desk, lambda _, setup: setup, within=within)

    def adapter(self, desk: str, setup: Setup, entry_point: str) -> tuple[ChannelAdapter, Any]:
        """Return the adapter of an entry point, and the settings it works by there."""
        found = self._adapters.get((desk, entry_point))
        if found is None or found[0] != setup.version:
            adapter = self.registry.require(setup.entry_point(entry_point).kind)
            given = settings.adapter_settings(setup.config, entry_point, adapter, self.reveal)
            found = self._adapters[desk, entry_point] = (setup.version, (adapter, given))
        return found[1]

    def capabilities(self, unit: Unit, entry_point: str) -> Capabilities:
        """Return what the channel of an entry point can carry."""
        adapter, settings = self.adapter(unit.desk, unit.setup, entry_point)
        return adapter.capabilities(settings)

    def check_content(
        self, unit: Unit, entry_point: str, text: str | None, attachments: Sequence[Attachment]
    ) -> None:
        """Raise `UnsupportedContent` where an entry point's channel cannot carry this."""
        adapter, settings = self.adapter(unit.desk, unit.setup, entry_point)
        check_content(adapter.capabilities(settings), text, attachments)
        if unit.setup.limits_contents:
            channel = unit.setup.entry_point(entry_point).channel
            check_contents(unit.setup.contents(channel), text, attachments)

    def forget_settings(self) -> None:
        """Resolve secrets anew at their next use: after they were rotated."""
        self._adapters.clear()
