"""Reading: lists of conversations and messages, counts, changes. Everything here follows an index.

A list reads its own entries and no others, so that none costs more with more conversations outside
it (P18). One filter leads the index; states and order come next; further filters are applied to
what that gives, page by page.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from attrs import evolve

from omniroute.desk import lists
from omniroute.desk.merged import ids_of
from omniroute.errors import UnknownConversation, UsageError
from omniroute.model.conversation import Conversation
from omniroute.model.events import LogEntry, agent_actor
from omniroute.model.message import Message
from omniroute.model.records import ReadMarker
from omniroute.model.state import OPEN, State
from omniroute.model.values import frozen
from omniroute.ports import Transaction
from omniroute.rules.names import text_problem
from omniroute.rules.storable import check_text
from omniroute.schema import (
    CONVERSATIONS,
    LOG,
    MESSAGES,
    READ_MARKERS,
    Key,
)

__all__ = ["FILTERS", "Query", "changes", "counts", "list_conversations", "list_messages"]

_THREAD: Final = MESSAGES.index("messages_of")
_BEYOND: Final = 2**63  # what columns hold

FILTERS: Final = ("agent", "contact", "tag", "queue", "inbox")
"""What a list can be asked by, the narrowest first: the first one given leads the index."""


@frozen(kw_only=True)
class Query:
    """A list of conversations: filters that all hold, states, order, and how many at a time.

    Ordered by due, it can be bounded: due at `due_from` or later, and by `due_until`.
    """

    agent: str | None = None
    contact: str | None = None
    tag: str | None = None
    queue: str | None = None
    inbox: str | None = None
    unread_by: str | None = None
    states: tuple[State, ...] = OPEN
    order: str = "due"
    limit: int = 50
    after: str | None = None
    due_from: int | None = None
    due_until: int | None = None
    people: tuple[str, ...] = ()
    """Every id of the `contact`: of those that were merged into it too (P17)."""

    def check(self) -> None:
        """Raise `UsageError` for an order that does not exist or a limit outside 1 to 1000."""
        if self.order not in lists.ORDERS:
            raise UsageError(
                "no such order",
                where="order",
                expected=" or ".join(lists.ORDERS),
                got=repr(self.order),
            )
        check_limit(self.limit)
        for name in (*FILTERS, "unread_by"):
            if (value := getattr(self, name)) is not None:
                check_text(value, name)
        for state in self.states:
            if not isinstance(state, State):
                raise UsageError(
                    "not a state",
                    where="states",
                    expected="a list of om.State's members",
                    got=repr(state),
                )

    @property
    def leading(self) -> tuple[str, str] | None:
        """The filter that leads the index, with its value."""
        for name in FILTERS:
            value = getattr(self, name)
            if value is not None:
                return name, value
        return None

    @property
    def leads(self) -> tuple[tuple[str, str] | None, ...]:
        """What leads the index: the filter, once for every id of a contact; None is all."""
        if self.leading is not None and self.leading[0] == "contact":
            return tuple(("contact", each) for each in self.people)
        return (self.leading,)

    def admits(self, conversation: Conversation) -> bool:
        """Return whether a conversation passes every filter."""
        place = conversation.place
        values = {
            "agent": conversation.agent,
            "queue": conversation.queue,
            "inbox": place.inbox,
        }
        if self.tag is not None and self.tag not in conversation.extras.tags:
            return False
        if self.contact is not None and place.contact not in self.people:
            return False
        return all(getattr(self, name) in (None, value) for name, value in values.items())


def check_limit(limit: object) -> None:
    """Raise `UsageError` unless 1 <= limit <= 1000."""
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= 1000:
        raise UsageError("not a page size", where="limit", expected="1 to 1000", got=repr(limit))


def position_of(cursor: str) -> int:
    """Return the number that a page's `next` stands for; `UsageError` for what is none."""
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
        raise UsageError(
            "not a cursor", where="after", expected="`next` of an earlier page", got=repr(cursor)
        )
    return int(cursor)


def check_position(position: object) -> None:
    """Raise `UsageError` for what is no position in the log."""
    if isinstance(position, bool) or not isinstance(position, int) or not 0 <= position < _BEYOND:
        raise UsageError(
            "not a position", where="after", expected="a log position", got=repr(position)
        )


def find(tx: Transaction, desk: str, conversation: str) -> Conversation:
    """Return a conversation; `UnknownConversation` when there is none of that id."""
    found = tx.get(CONVERSATIONS, desk, (conversation,))
    if found is None:
        raise UnknownConversation(f"no conversation {conversation!r}")
    return found


def list_conversations(
    desk: str, query: Query
) -> Callable[[Transaction], tuple[list[Conversation], str | None]]:
    """Return the work that reads one page, and the cursor of the next (None at the end)."""
    query.check()

    def work(tx: Transaction) -> tuple[list[Conversation], str | None]:
        found: list[Conversation] = []
        last: Key | None = None
        asked = _with_people(tx, desk, query)
        for entry in _ordered(tx, desk, asked):
            if len(found) == query.limit:
                return found, _cursor(last)
            last = entry
            conversation = tx.get(CONVERSATIONS, desk, entry[1:])
            if conversation is not None and _wanted(tx, desk, asked, conversation):
                found.append(conversation)
        return found, None

    return work


def _with_people(tx: Transaction, desk: str, query: Query) -> Query:
    """Return a query that knows under which ids the conversations of its contact are found."""
    if query.contact is None:
        return query
    return evolve(query, people=ids_of(tx, desk, query.contact))


def _wanted(tx: Transaction, desk: str, query: Query, conversation: Conversation) -> bool:
    return query.admits(conversation) and (
        query.unread_by is None or _unread(tx, desk, query.unread_by, conversation)
    )


def _unread(tx: Transaction, desk: str, agent: str, conversation: Conversation) -> bool:
    newest = tx.scan(_THREAD, desk, (conversation.id,), limit=1, reverse=True)
    if not newest or newest[0].author == agent_actor(agent):
        return False  # who wrote the last word has read those before it
    marker = tx.get(READ_MARKERS, desk, (agent, conversation.id))
    return marker is None or marker.position < newest[0].position


def _ordered(tx: Transaction, desk: str, query: Query) -> Iterator[Key]:
    """Yield (order value, conversation id) over all wanted states, in one order."""
    after = None if query.after is None else unpack(query.after, int, str)
    if after is None and query.due_from is not None:
        after = (query.due_from, "")  # an entry goes on behind its due with the key
    return lists.ordered(
        tx,
        desk,
        query.leads,
        query.states,
        query.order,
        after=after,
        until=query.due_until,
        limit=query.limit,
    )


def _cursor(entry: Key | None) -> str | None:
    return None if entry is None else pack(entry)


def pack(entry: Key) -> str:
    """Return an index's entry as a page's `next`."""
    import base64

    return base64.urlsafe_b64encode(json.dumps(entry).encode()).decode().rstrip("=")


def unpack(cursor: str, *types: type) -> Key:
    """Return the entry that a page's `next` stands for; `UsageError` for what is none of these types."""
    import base64

    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        entry = json.loads(base64.urlsafe_b64decode(padded.encode()))
        if not _is_entry(entry, types):
            raise ValueError(cursor)  # noqa: TRY301
    except (ValueError, TypeError, RecursionError) as error:
        raise UsageError(
            "not a cursor", where="after", expected="`next` of an earlier page", got=repr(cursor)
        ) from error
    return tuple(entry)


def _is_entry(entry: Any, types: tuple[type, ...]) -> bool:
    """Whether it is what columns of these types hold."""
    if not isinstance(entry, list) or [type(each) for each in entry] != list(types):
        return False
    return all(
        text_problem(each) is None if isinstance(each, str) else abs(each) < _BEYOND
        for each in entry
    )


# --- messages, changes, counts --------------------------------------------------------------------


def list_messages(
    desk: str, conversation: str, limit: int, after: int | None
) -> Callable[[Transaction], list[Message]]:
    """Return the work that reads a conversation's messages in order, from a position on.

    Raises `UnknownConversation` when there is none of that id.
    """
    check_limit(limit)
    if after is not None:
        check_position(after)

    def work(tx: Transaction) -> list[Message]:
        # An entry goes on behind its position with the key, which is never empty.
        beyond = None if after is None else (after + 1, "")
        found = tx.scan(_THREAD, desk, (conversation,), after=beyond, limit=limit)
        if not found and tx.get(CONVERSATIONS, desk, (conversation,)) is None:
            raise UnknownConversation(f"no conversation {conversation!r}")
        return found

    return work


def marker(desk: str, conversation: str, agent: str) -> Callable[[Transaction], ReadMarker | None]:
    """Return the work that reads how far an agent has read a conversation; None for not yet."""
    return lambda tx: tx.get(READ_MARKERS, desk, (agent, conversation))


def changes(desk: str, after: int, limit: int) -> Callable[[Transaction], list[LogEntry]]:
    """Return the work that reads the log in order, beyond a position."""
    check_limit(limit)
    check_position(after)
    return lambda tx: tx.scan(LOG.index("log_order"), desk, after=(after,), limit=limit)


def counts(
    desk: str, query: Query, by: str, values: Sequence[str]
) -> Callable[[Transaction], dict[str, int]]:
    """Return the work that counts a list's conversations by `state`, `inbox`, `queue` or `agent`.

    `values` are those to count under, where nothing but states narrows the list: each is one count
    in the index. With a filter, the list itself is walked: it costs its own length.
    """
    query.check()

    def work(tx: Transaction) -> dict[str, int]:
        if query.leading is None and query.unread_by is None and by != "agent":
            return _index_counts(tx, desk, query, by, values)
        return _walk_counts(tx, desk, query, by)

    return work


def _index_counts(
    tx: Transaction, desk: str, query: Query, by: str, values: Sequence[str]
) -> dict[str, int]:
    if by == "state":
        found = {
            state.value: lists.count(tx, desk, None, (state,))
            for state in dict.fromkeys(query.states)
        }
    else:
        found = {value: lists.count(tx, desk, (by, value), query.states) for value in values}
    return {name: count for name, count in found.items() if count}


def _walk_counts(tx: Transaction, desk: str, query: Query, by: str) -> dict[str, int]:
    found: dict[str, int] = {}
    query = _with_people(tx, desk, query)
    for entry in _ordered(tx, desk, query):
        conversation = tx.get(CONVERSATIONS, desk, entry[1:])
        if conversation is None or not _wanted(tx, desk, query, conversation):
            continue
        name = _group(conversation, by)
        if name is not None:
            found[name] = found.get(name, 0) + 1
    return found


def _group(conversation: Conversation, by: str) -> str | None:
    if by == "state":
        return conversation.state.value
    if by == "inbox":
        return conversation.place.inbox
    return conversation.queue if by == "queue" else conversation.agent
