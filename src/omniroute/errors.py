"""Every error omniroute raises: one root, three kinds of blame, one shape.

An error says what was expected, what came, where it was found and what to do. `PayloadError` is the
sender's fault, `UsageError` the caller's, `StoreError` the store's. Messages never hold secrets
(R15). This module imports nothing of omniroute.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

__all__ = [
    "AgentInitiatedNotAllowed",
    "AgentUnavailable",
    "AlreadyTaken",
    "CapacityExceeded",
    "CommitUnknown",
    "ConfigDiffers",
    "ConfigError",
    "ContentRejected",
    "ConversationClosed",
    "ConversationOpen",
    "DeliveryError",
    "DeskExists",
    "DraftConflict",
    "DurabilityWarning",
    "EntryPointClosed",
    "HostTransactionLost",
    "IdempotencyConflict",
    "MalformedPayload",
    "MessagingWindowClosed",
    "NaiveDatetime",
    "NotHolder",
    "NotOffered",
    "OmnirouteError",
    "OutboundClosed",
    "PayloadError",
    "PayloadTooLarge",
    "PermissionDenied",
    "PluginError",
    "Problem",
    "ReferencesDiffer",
    "ReservedNameError",
    "SecretMissing",
    "SignatureInvalid",
    "StoreBusy",
    "StoreError",
    "StoredValueError",
    "TargetUnavailable",
    "TransferNotAllowed",
    "TransitionNotAllowed",
    "UniqueViolation",
    "UnknownAddress",
    "UnknownAgent",
    "UnknownContact",
    "UnknownConversation",
    "UnknownDesk",
    "UnknownEntryPoint",
    "UnknownVersion",
    "UnsupportedContent",
    "UsageError",
]


class OmnirouteError(Exception):
    """The root of every error that omniroute raises on purpose.

    `summary` says what went wrong; `where` is a path (`inboxes.general.sla`, `messages[2].id`);
    `expected` and `got` say what was wanted and what came; `hint` says what to do.
    """

    def __init__(
        self,
        summary: str,
        *,
        where: str | None = None,
        expected: str | None = None,
        got: str | None = None,
        hint: str | None = None,
    ) -> None:
        self.summary = summary
        self.where = where
        self.expected = expected
        self.got = got
        self.hint = hint
        super().__init__(self._text())

    def _text(self) -> str:
        text = f"{self.where}: {self.summary}" if self.where else self.summary
        if self.expected is not None:
            text += f"; expected {self.expected}"
        if self.got is not None:
            text += f", got {self.got}" if self.expected is not None else f"; got {self.got}"
        if self.hint is not None:
            text += f" ({self.hint})"
        return text

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (type(self), self.__dict__, self.args))


def _rebuild(
    cls: type[OmnirouteError], state: Mapping[str, Any], args: tuple[Any, ...]
) -> OmnirouteError:
    error = cls.__new__(cls)
    error.__dict__.update(state)
    error.args = args
    return error


# --- the sender's ---------------------------------------------------------------------------------


class PayloadError(OmnirouteError):
    """What a provider or contact sent cannot be used. Answer 4xx; nothing was stored."""


class SignatureInvalid(PayloadError):
    """The request is not signed, or not by the provider (R13)."""


class MalformedPayload(PayloadError):
    """The body is not what the provider documents: not JSON, a missing field, a wrong type."""


class PayloadTooLarge(PayloadError):
    """The body is larger or nested deeper than the adapter accepts (R13)."""


class UnknownAddress(PayloadError):
    """No desk has an entry point at the address the webhook is for."""


class ContentRejected(PayloadError):
    """The message is well formed, but this conversation or channel does not take it."""


class EntryPointClosed(ContentRejected):
    """The entry point does not accept messages: its number is held, its channel is off or one-way.

    `entry_point` names it. Nothing was created.
    """

    def __init__(self, entry_point: str, reason: str) -> None:
        self.entry_point = entry_point
        super().__init__(f"entry point {entry_point!r} accepts no messages: {reason}")


# --- the caller's ---------------------------------------------------------------------------------


class UsageError(OmnirouteError):
    """The host called omniroute in a way that cannot work. Nothing changed."""


class Problem:
    """One thing that is wrong in a configuration: a path and what to do about it."""

    __slots__ = ("message", "path")

    def __init__(self, path: str, message: str) -> None:
        self.path = path
        self.message = message

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message

    def __repr__(self) -> str:
        return f"Problem({self.path!r}, {self.message!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Problem):
            return NotImplemented
        return (self.path, self.message) == (other.path, other.message)

    def __hash__(self) -> int:
        return hash((self.path, self.message))


class ConfigError(UsageError):
    """A configuration that cannot be used, with all of its `problems` at once."""

    def __init__(self, problems: Iterable[Problem], *, source: str = "configuration") -> None:
        self.problems = tuple(problems)
        self.source = source
        count = len(self.problems)
        lines = [f"{source} has {count} problem{'' if count == 1 else 's'}:"]
        lines += [f"  {problem}" for problem in self.problems]
        super().__init__("\n".join(lines))


class ReservedNameError(UsageError):
    """A queue cannot be called that: the name uses a protected word (U8). `word` is the word."""

    def __init__(self, name: str, word: str) -> None:
        self.name = name
        self.word = word
        super().__init__(
            f"{name!r} uses {word!r}, a protected word", hint="call the queue something else"
        )


class ConfigDiffers(UsageError):
    """The stored configuration and the given one are not the same; `differences` says where."""

    def __init__(self, desk: str, differences: Iterable[str]) -> None:
        self.desk = desk
        self.differences = tuple(differences)
        listing = "".join(f"\n  {line}" for line in self.differences)
        super().__init__(
            f"desk {desk!r} is stored with another configuration:{listing}",
            hint="open it without a configuration, or apply the new one on purpose",
        )


class DraftConflict(UsageError):
    """Somebody else saved a change since this draft began; nothing was saved.

    `versions` are those that were saved since (who, when, what); `clashes` the paths that both
    changed, each otherwise. Without clashes `draft.rebase()` joins the two: `mergeable`.
    """

    def __init__(
        self,
        desk: str,
        versions: Iterable[Any],
        told: Iterable[str],
        clashes: Iterable[str],
    ) -> None:
        self.desk = desk
        self.versions = tuple(versions)
        self.clashes = tuple(clashes)
        lines = "".join(f"\n  {line}" for line in told)
        if self.clashes:
            hint = f"both changed {', '.join(self.clashes)}: decide, and edit a new draft"
        else:
            hint = "draft.rebase() joins the two: they touch different paths"
        super().__init__(f"desk {desk!r} was changed since this draft began:{lines}", hint=hint)

    @property
    def mergeable(self) -> bool:
        """Whether both changed different paths, so that `rebase` can join them."""
        return not self.clashes


class NaiveDatetime(UsageError):
    """A datetime without a zone was given where an instant is needed."""


class UnknownDesk(UsageError):
    """No desk of that id is in the store."""


class DeskExists(UsageError):
    """A desk of that id is already in the store."""


class UnknownEntryPoint(UsageError):
    """The desk has no entry point of that name."""


class UnknownVersion(UsageError):
    """The desk's configuration has no version of that number."""


class UnknownAgent(UsageError):
    """The desk has no agent of that id."""


class UnknownContact(UsageError):
    """The desk has no contact of that id."""


class ReferencesDiffer(UsageError):
    """Two contacts are linked to different customers of the host's, and are not merged (P17).

    `kept` and `other` are the two references.
    """

    def __init__(self, contact: str, kept: str, merged: str, other: str) -> None:
        self.kept = kept
        self.other = other
        super().__init__(
            f"contact {contact!r} is linked to {kept!r}, and {merged!r} to {other!r}",
            where="other",
            expected="contacts of one customer",
            hint=f"if they are one, link them alike first: contacts.link({merged!r}, ref={kept!r})",
        )


class UnknownConversation(UsageError):
    """The desk has no conversation of that id."""


class TransitionNotAllowed(UsageError):
    """The lifecycle table has no such transition from this state; nothing changed (X1)."""


class ConversationClosed(TransitionNotAllowed):
    """The conversation has ended."""


class NotHolder(TransitionNotAllowed):
    """Only the agent who holds the conversation may do this (A13)."""


class ConversationOpen(TransitionNotAllowed):
    """Another conversation of the same contact and thread is open; `open` names it (S9, S11).

    `conversation` is the one that was to be reopened, None for one that was to be started.
    """

    def __init__(self, conversation: str | None, open_one: str) -> None:
        self.conversation = conversation
        self.open = open_one
        which = "a new conversation" if conversation is None else f"conversation {conversation!r}"
        super().__init__(
            f"{which} cannot be opened: {open_one!r} is open",
            hint="end that one first, or go on in it",
        )


class AgentInitiatedNotAllowed(TransitionNotAllowed):
    """Agents may not start conversations on this entry point (T6, T7). `entry_point` names it."""

    def __init__(self, entry_point: str, reason: str) -> None:
        self.entry_point = entry_point
        super().__init__(f"agents cannot start conversations on {entry_point!r}: {reason}")


class OutboundClosed(UsageError):
    """Nothing goes out on the entry point: its channel is off, or it is held. `entry_point` names it."""

    def __init__(self, entry_point: str, reason: str) -> None:
        self.entry_point = entry_point
        super().__init__(f"nothing goes out on entry point {entry_point!r}: {reason}")


class AlreadyTaken(TransitionNotAllowed):
    """Another agent holds the conversation (C4).

    `owner` names them; where `confirmable` is true, the same call with `confirm=True` takes it
    over.
    """

    def __init__(self, conversation: str, owner: str, *, confirmable: bool) -> None:
        self.conversation = conversation
        self.owner = owner
        self.confirmable = confirmable
        super().__init__(
            f"conversation {conversation!r} is held by agent {owner!r}",
            hint="call again with confirm=True to take it over"
            if confirmable
            else "this desk's policy does not allow takeover",
        )


class NotOffered(TransitionNotAllowed):
    """The conversation is not offered to this agent: to another, to none, or not any more (M5)."""


class TransferNotAllowed(TransitionNotAllowed):
    """Policy does not let the conversation go there: the queue, the group, or too often (U67, M13)."""


class AgentUnavailable(UsageError):
    """The agent cannot be given work now."""


class TargetUnavailable(AgentUnavailable):
    """Who would receive the transfer is not available; `force=True` transfers anyway (A23)."""


class CapacityExceeded(AgentUnavailable):
    """The agent already holds as much as they may (A10, M9)."""


class UnsupportedContent(UsageError):
    """The channel cannot carry this content; nothing was queued for sending (U1)."""


class MessagingWindowClosed(UnsupportedContent):
    """The contact did not write in time for a message of one's own: a template only goes out (S11).

    `closed_at` is when the window closed, an aware datetime; None where the contact never wrote here.
    """

    def __init__(self, entry_point: str, closed_at: Any = None) -> None:
        self.entry_point = entry_point
        self.closed_at = closed_at
        since = "the contact never wrote here" if closed_at is None else f"closed {closed_at}"
        super().__init__(
            f"no messaging window is open on {entry_point!r}",
            expected="template=Template(…)",
            got=since,
        )


class IdempotencyConflict(UsageError):
    """The idempotency key was used before with another payload (R4)."""


class PermissionDenied(UsageError):
    """Whoever acts may not do this; nothing changed (G18)."""


class SecretMissing(UsageError):
    """A configured secret is a reference to something that is not set."""


class PluginError(UsageError):
    """A plugin is missing, is none, was built for another version, or does not do what it promises."""


# --- outside --------------------------------------------------------------------------------------


class DeliveryError(OmnirouteError):
    """A message could not be carried to the provider."""


class StoreError(OmnirouteError):
    """The store failed; answer 5xx, so that the provider sends again."""


class StoreBusy(StoreError):
    """The store stayed locked or kept losing races for longer than its retries last."""


class UniqueViolation(StoreError):
    """Another value already has the key or the unique entry; the whole transaction is rolled back."""


class CommitUnknown(StoreError):
    """The connection broke while committing: the work may or may not have been stored."""


class DurabilityWarning(UserWarning):
    """The database's settings promise less than the store was told to: a commit may not last."""


class HostTransactionLost(StoreError):
    """A command inside the host's own transaction lost a race: run the host's block again."""


class StoredValueError(StoreError):
    """A stored value cannot be read: written by a newer version, or damaged."""
