"""What the store keeps beside the domain's own values: the desk's row, directories, records of receipt."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from omniroute.model.conversation import Conversation
from omniroute.model.desk_config import AgentConfig, DeskConfig, QueueMove
from omniroute.model.message import Message
from omniroute.model.state import Access, Verification
from omniroute.model.values import frozen
from omniroute.model.wire import DeliveryStatus, Inbound

__all__ = [
    "CONFIGURATION_JOB",
    "STAFF",
    "AcceptedItem",
    "AddressEntry",
    "AgentTimer",
    "AgentTimerKind",
    "ConfigChange",
    "ConfigVersion",
    "DedupeRecord",
    "DeskRecord",
    "EarlyStatus",
    "Engagement",
    "IdempotencyRecord",
    "Job",
    "NumberVerification",
    "ReadMarker",
    "StaffChange",
]


@frozen
class DeskRecord:
    """A desk's row, locked by every command.

    `position` is that of the last event in the log; `config_version` the one in force; `next_due`
    an instant before which no deadline comes, or None when none is armed; `next_work` when a worker
    should come by at the latest; `lined` are the queues whose line has lanes of its own, or for whose
    conversations agents keep room. Instants are in UTC microseconds.
    """

    id: str
    position: int = 0
    config_version: int = 0
    next_due: int | None = None
    next_work: int = 0
    lined: tuple[str, ...] = ()


@frozen
class ConfigVersion:
    """One saved version of a desk's configuration, with its author and instant. Without its staff."""

    version: int
    config: DeskConfig
    by: str
    at: int


@frozen
class ConfigChange:
    """What a saved version changed, line by line; `restores` is the version it rolled back to.

    `moves` are followed by the job that goes through the staff (S15).
    """

    version: int
    by: str
    at: int
    changes: tuple[str, ...]
    restores: int | None = None
    moves: tuple[QueueMove, ...] = ()


@frozen
class StaffChange:
    """One change of one agent's profile, at its place in the log; `profile` is None once removed.

    `origin` says how it came about: `hand`, `file`, `seed` or `configuration`.
    """

    agent: str
    position: int
    by: str
    at: int
    origin: str
    changes: tuple[str, ...]
    profile: AgentConfig | None


@frozen
class NumberVerification:
    """How far the verification of a number is (M11); of the code its digest alone is kept."""

    number: str
    status: Verification
    at: int
    digest: str | None = None
    expires_at: int | None = None
    attempts: int = 0


@frozen
class AddressEntry:
    """Whose address it is: the one record that finds a desk instead of being led by one (P20)."""

    kind: str
    address: str
    desk: str
    entry_point: str


@frozen
class DedupeRecord:
    """A provider's item that was received, and the message it became, if any (X3)."""

    entry_point: str
    kind: str
    key: str
    at: int
    message: str | None = None
    conversation: str | None = None


@frozen
class ReadMarker:
    """How far an agent has read a conversation: a log position (P18).

    `access` says from where they came to it the last time (C14), where the host told.
    """

    agent: str
    conversation: str
    position: int
    access: Access | None = None


@frozen
class Engagement:
    """What was sent to a contact without opening a conversation: a message, at its place in the log."""

    contact: str
    position: int
    message: str


@frozen
class EarlyStatus:
    """A status that overtook the answer to its own message: kept until the message's id is known."""

    entry_point: str
    provider_id: str
    status: DeliveryStatus
    at: int
    reason: str | None = None


@frozen
class IdempotencyRecord:
    """A command that was carried out under a key, and what it gave (R4).

    `digest` stands for what was asked; the same key with another digest is an error.
    """

    key: str
    digest: str
    expires_at: int
    conversation: Conversation | None
    message: Message | None = None


@frozen
class AcceptedItem:
    """An item that was accepted at an instant and waits to be routed; `number` is its place then.

    `refused` says why it could not be routed when its turn came: it waits no longer, and is listed.
    """

    entry_point: str
    channel: str
    item: Inbound
    at: int
    number: int
    refused: str | None = None


CONFIGURATION_JOB: Final = "configuration"
"""The job that follows a new version of the configuration."""

STAFF: Final = "agents"
"""Its first phase."""


@frozen
class Job:
    """Work on everything that a desk holds, done in batches: how far it came (S4).

    `phase` is what it works on now, `cursor` the last key done of that.
    """

    name: str
    version: int
    phase: str
    cursor: str = ""

    @property
    def saves_staff(self) -> bool:
        """Whether agents are being saved anew: some still serve as an earlier version says."""
        return self.phase == STAFF


class AgentTimerKind(StrEnum):
    """What of an agent is looked at again at an instant."""

    WRAP_UP = "wrap_up"
    PRESENCE = "presence"


@frozen
class AgentTimer:
    """A deadline that belongs to an agent, not to a conversation (P6, P7). UTC microseconds.

    WRAP_UP: the slot of an ended `conversation` is held from `since` until `due`. PRESENCE: the last
    sign of life came at `since`, the agent counts as away from `due` on; `away` says that they do,
    and `due` is then when their conversations are given back, or None.
    """

    agent: str
    kind: AgentTimerKind
    conversation: str
    since: int
    due: int | None
    away: bool = False
