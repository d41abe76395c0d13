"""The demo's world: a desk on SQLite, a provider that is reached over HTTP, a clock moved by hand.

The only stand-in is the provider, a real server on this machine: everything else is a host's.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from attrs import define, evolve, field, frozen

from omniroute.channels.transports import HttpxTransport
from omniroute.cli.demo.ledger import Posted, items_of
from omniroute.clock import ManualClock
from omniroute.config.load import loads
from omniroute.desk.desk import Desk
from omniroute.desk.desks import Desks
from omniroute.ids import SeededIds
from omniroute.model.desk_config import DeskConfig
from omniroute.model.secret import Secret, SecretRef
from omniroute.model.wire import RawRequest, RawResponse
from omniroute.testing.standin import StandInProvider, WebhookBuilder
from omniroute.web import handle_webhook

__all__ = ["CONFIG", "Handler", "Person", "World", "open_world"]

CONFIG: Final = "helpdesk.toml"
"""The configuration beside this module, the same text as the example of that name."""

Handler = Callable[[Desks, RawRequest], RawResponse]
"""What a host does with a webhook: `handle_webhook`, or a faulty one, to see that it is noticed."""

_ACCOUNT: Final = "meta"
_START: Final = datetime(2026, 3, 2, 9, 0, tzinfo=ZoneInfo("Europe/Berlin"))


@frozen
class Person:
    """Somebody with a phone, and the entry point they write to."""

    name: str
    phone: str
    writes_to: str


@define
class World:
    """What the story acts on, and every webhook so far with its answer."""

    provider: StandInProvider
    desks: Desks
    desk: Desk
    clock: ManualClock
    handle: Handler
    posted: list[Posted] = field(factory=list)

    def webhooks(self, person: Person) -> WebhookBuilder:
        """Return the builder of webhooks of the number that a person writes to."""
        return self.provider.webhooks_of(self.desk.config.entry_points[person.writes_to].address)

    def post(self, request: RawRequest) -> Posted:
        """Let a webhook arrive, keep the answer, and send what it made the desk write."""
        posted = Posted(request, items_of(request.body), self.handle(self.desks, request))
        self.posted.append(posted)
        self.desk.deliver()
        return posted


@contextmanager
def open_world(handle: Handler = handle_webhook, store: str | None = None) -> Iterator[World]:
    """Open a new desk beside a provider; both are gone afterwards.

    Without the URL of a `store`, the desk is a SQLite database in a temporary folder.
    """
    numbers = [each.address for each in _config().entry_points.values()]
    with (
        tempfile.TemporaryDirectory(prefix="omniroute-demo-") as folder,
        StandInProvider(phone_number_id=numbers[0], more_numbers=numbers[1:]) as provider,
    ):
        clock = ManualClock(_START)
        url = store or f"sqlite:///{Path(folder, 'desk.db').as_posix()}"
        with _open(url, provider, clock) as desks:
            desk = desks.create(_reaching(provider, _config(desks)))
            yield World(provider, desks, desk, clock, handle)


def _open(url: str, provider: StandInProvider, clock: ManualClock) -> Desks:
    return Desks(
        url,
        discover=False,
        clock=clock,
        ids=SeededIds(),
        transport=HttpxTransport(),
        reveal=_secrets(provider),
    )


def _config(desks: Desks | None = None) -> DeskConfig:
    text = resources.files(__package__).joinpath(CONFIG).read_text(encoding="utf-8")
    return loads(text, registry=desks.registry if desks else None)


def _reaching(provider: StandInProvider, config: DeskConfig) -> DeskConfig:
    account = config.accounts[_ACCOUNT]
    here = evolve(account, settings={**account.settings, "base_url": provider.base_url})
    return evolve(config, accounts={**config.accounts, _ACCOUNT: here})


def _secrets(provider: StandInProvider) -> Callable[[SecretRef], Secret]:
    """Return what stands in for the environment: the secrets that the provider itself uses."""
    known = {
        "META_APP_SECRET": provider.settings.app_secret,
        "META_ACCESS_TOKEN": provider.settings.access_token,
        "META_VERIFY_TOKEN": Secret(provider.webhooks.verify_token),
    }
    return lambda ref: known[ref.env]
