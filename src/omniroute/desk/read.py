"""Reading: lists of conversations and messages, counts, changes. Everything here follows an index.

A list reads its own entries and no others, so that none costs more with more conversations outside
it (P18). One filter leads the index; states and order come next; further filters are applied to
what that gives, page by page.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from omniroute.errors import UnknownConversation, UsageError
from omniroute.model.conversation import Conversation
from omniroute.model.events import LogEntry, agent_actor
from omniroute.model.message import Message
from omniroute.model.records import ReadMarker
from omniroute.model.state import OPEN, State
from omniroute.model.values import frozen
from omniroute.ports import Transaction
from omniroute.rules.storable import check_text
from omniroute.schema import (
    CONVERSATIONS,
    LOG,
    MESSAGES,
    READ_MARKERS,
    Index,
    Key,
)

__all__ = ["FILTERS", "ORDERS", "Query", "changes", "counts", "list_conversations", "list_messages"]

_THREAD: Final = MESSAGES.index("messages_of")
_BEYOND: Final = 2**63  # what columns hold

ORDERS: Final = ("due", "latest")
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

    def check(self) -> None:
        """Raise `UsageError` for an order that does not exist or a limit outside 1 to 1000."""
        if self.order not in ORDERS:
            raise UsageError(
                "no such order", where="order", expected=" or ".join(ORDERS), got=repr(self.order)
            )
        check_limit(self.limit)
        for name in (*FILTERS, "unread_by"):
            if (value := getattr(self, name)) is not None:
                check_text(value, name)
        for state in self.states:
            if not isinstance(state, State):
                raise UsageError(
                    "not a state", where="states", expected="om.State's members", got=repr(state)
                )

    @property
    def leading(self) -> tuple[str, str] | None:
        """The filter that leads the index, with its value."""
        for name in FILTERS:
            value = getattr(self, name)
            if value is not None:
                return name, value
        return None

    def admits(self, conversation: Conversation) -> bool:
        """Return whether a conversation passes every filter."""
        place = conversation.place
        values = {
            "agent": conversation.agent,
            "contact": place.contact,
            "queue": conversation.queue,
            "inbox": place.inbox,
        }
        if self.tag is not None and self.tag not in conversation.extras.tags:
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
        for entry in _ordered(tx, desk, query):
            if len(found) == query.limit:
                return found, _cursor(last)
            last = entry
            conversation = tx.get(CONVERSATIONS, desk, entry[1:])
            if conversation is not None and _wanted(tx, desk, query, conversation):
                found.append(conversation)
        return found, None

    return work


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
    """Yield (order value, conversation id) over all wanted states, merged into one order."""
    leading = query.leading
    index = CONVERSATIONS.index(f"{leading[0] if leading else 'all'}_by_{query.order}")
    head = (leading[1],) if leading else ()
    after = _read_cursor(query.after)
    if after is None and query.due_from is not None:
        after = (query.due_from, "")  # an entry goes on behind its due with the key
    until = None if query.due_until is None else (query.due_until,)
    streams = [
        _stream(tx, desk, index, (*head, state.value), after=after, until=until, limit=query.limit)
        for state in dict.fromkeys(query.states)
    ]
    return heapq.merge(*streams)


def _stream(
    tx: Transaction,
    desk: str,
    index: Index[Conversation],
    prefix: Key,
    *,
    after: Key | None,
    until: Key | None,
    limit: int,
) -> Iterator[Key]:
    while True:
        entries = tx.entries(index, desk, prefix, after=after, until=until, limit=limit)
        for entry in entries:
            after = entry[len(prefix) :]
            yield after
        if len(entries) < limit:
            return


def _cursor(entry: Key | None) -> str | None:
    return None if entry is None else _pack(list(entry))


def _pack(value: list[Any]) -> str:
    import base64

    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def _read_cursor(cursor: str | None) -> Key | None:
    if cursor is None:
        return None
    import base64

    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        order, key = json.loads(base64.urlsafe_b64decode(padded.encode()))
        if not (isinstance(order, int) and abs(order) < _BEYOND and isinstance(key, str)):
            raise ValueError(cursor)  # noqa: TRY301
        key.encode()  # no lone surrogates: no store takes them
    except (ValueError, TypeError, RecursionError) as error:
        raise UsageError(
            "not a cursor", where="after", expected="`next` of an earlier page", got=repr(cursor)
        ) from error
    return (order, key)


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
    states = dict.fromkeys(query.states)
    if by == "state":
        index = CONVERSATIONS.index("all_by_due")
        found = {state.value: tx.count(index, desk, (state.value,)) for state in states}
    else:
        index = CONVERSATIONS.index(f"{by}_by_due")
        found = {
            value: sum(tx.count(index, desk, (value, state.value)) for state in states)
            for value in values
        }
    return {name: count for name, count in found.items() if count}


def _walk_counts(tx: Transaction, desk: str, query: Query, by: str) -> dict[str, int]:
    found: dict[str, int] = {}
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
