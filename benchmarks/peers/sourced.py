"""An agent's reply with the `eventsourcing` library: an aggregate for each conversation.

As its tutorial has it: the repository rebuilds the aggregate from its events, a method triggers the
next one, and saving writes it with its notification. Nothing else is stored: no list of open
conversations, no message table, no outbox, no load.
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event

__all__ = ["Helpdesk"]


class _Conversation(Aggregate):
    @event("Opened")
    def __init__(self, entry_point: str, contact: str, text: str) -> None:
        self.entry_point = entry_point
        self.contact = contact
        self.agent = ""
        self.first = self.last = text
        self.replies = 0

    @event("Assigned")
    def assign(self, agent: str) -> None:
        """Give it to an agent."""
        self.agent = agent

    @event("Replied")
    def reply(self, by: str, text: str) -> None:
        """Answer the contact."""
        if by != self.agent:
            raise ValueError(by)
        self.last = text
        self.replies += 1


class Helpdesk(Application[UUID]):
    """Conversations, each of which an agent holds."""

    def __init__(self, where: Mapping[str, str]) -> None:
        super().__init__(dict(where))

    def open(self, entry_point: str, contact: str, text: str, agent: str) -> UUID:
        """Begin a conversation, and return its id."""
        conversation = _Conversation(entry_point, contact, text)
        conversation.assign(agent)
        self.save(conversation)
        return conversation.id

    def reply(self, conversation: UUID, by: str, text: str) -> None:
        """Load a conversation, let it have a reply, and store that."""
        found: _Conversation = self.repository.get(conversation)
        found.reply(by, text)
        self.save(found)

    @staticmethod
    def in_sqlite(path: str) -> Helpdesk:
        """Return one in an SQLite file."""
        return Helpdesk({"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": path})

    @staticmethod
    def in_postgres(host: str, port: int, user: str, database: str) -> Helpdesk:
        """Return one in a PostgreSQL database."""
        return Helpdesk(
            {
                "PERSISTENCE_MODULE": "eventsourcing.postgres",
                "POSTGRES_DBNAME": database,
                "POSTGRES_HOST": host,
                "POSTGRES_PORT": str(port),
                "POSTGRES_USER": user,
                "POSTGRES_PASSWORD": "unused",
            }
        )
