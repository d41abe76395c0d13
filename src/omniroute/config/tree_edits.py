"""Editing queue trees in a draft: what names a queue follows it, and where its conversations go is noted.

Paths are full, as they are everywhere: `"general/Deutsch/Technik"`. Nothing counts before the draft
is saved (U7).
"""

from __future__ import annotations

from typing import Any

from omniroute.config.staged import Staged, confirmed, settled
from omniroute.config.trees import Tree
from omniroute.errors import UsageError
from omniroute.model.desk_config import QueueMove
from omniroute.model.policy import ProtectedNames
from omniroute.rules.moves import follow_path, follow_patterns, stands_at
from omniroute.rules.names import quoted, shown
from omniroute.rules.queue_tree import SEPARATOR
from omniroute.rules.words import ReservedWords

__all__ = ["TreeEdits"]

_NAMING = ("entry_points", "numbers", "direct_access")
"""Sections whose entries lead to a queue."""


class TreeEdits:
    """The part of a draft that edits queue trees."""

    def __init__(self, staged: Staged) -> None:
        self._staged = staged

    def add_queue(self, parent: str, name: str, *, at: int | None = None) -> str:
        """Add a queue below an inbox or a queue, last or at a place; return its full path (U6).

        Raises `ReservedNameError` for a name that uses a protected word (U8), as all that name a
        queue do.
        """
        self._check_name(name)
        _check_count("at", at)
        tree, inside = self._tree(parent)
        return self._kept(tree, tree.add(inside, name, at=at))

    def add_sibling(self, queue: str, name: str) -> str:
        """Add a queue right after another one; return its full path (U6)."""
        self._check_name(name)
        tree, inside = self._queue(queue)
        return self._kept(tree, tree.add_beside(inside, name))

    def outdent(self, queue: str) -> str:
        """Make a queue the next sibling of the one it lies below; return its full path (U6)."""
        tree, inside = self._queue(queue)
        return self._moved(queue, self._kept(tree, tree.outdent(inside)))

    def move_queue(
        self, queue: str, *, by: int | None = None, to: str | None = None, at: int | None = None
    ) -> str:
        """Move a queue among its siblings (`by` places down, up where negative), or below `to`.

        Its conversations, settings and agents go along. Returns its full path.
        """
        tree, inside = self._queue(queue)
        _check_count("at", at)
        _check_count("by", by)
        if (by is None) == (to is None):
            raise UsageError("say by how many places, or to where", expected="by= or to=")
        if by is not None:
            tree.shift(inside, by)
            self._keep(tree)
            return queue
        assert to is not None  # noqa: S101  (one of the two is given)
        if stands_at(to, queue):
            raise UsageError(f"{quoted(to)} lies below {quoted(queue)}", where="to")
        target, below = self._tree(to)
        if target.inbox == tree.inbox:
            target = tree
        target.level(below)  # known, before anything is taken out
        branch = tree.take(inside)
        path = target.place(below, branch, at=at)
        self._keep(tree)
        return self._moved(queue, self._kept(target, path))

    def rename_queue(self, queue: str, name: str) -> str:
        """Give a queue another name; who waits there keeps their place. Returns its full path."""
        self._check_name(name)
        tree, inside = self._queue(queue)
        return self._moved(queue, self._kept(tree, tree.rename(inside, name)))

    def remove_queue(
        self, queue: str, *, confirm: bool = False, move_to: str | None = None
    ) -> None:
        """Delete a queue with everything below it (U6, T3).

        Where conversations are open there, the draft cannot be saved unless `move_to` names the
        queue that they go to (S15).
        """
        confirmed(confirm, f"queue {quoted(queue)}")
        tree, inside = self._queue(queue)
        tree.take(inside)
        self._keep(tree)
        self._gone(queue, move_to)

    def copy_tree(self, source: str, to: str, *, move_to: str | None = None) -> None:
        """Let inbox `to` have the tree of inbox `source`, in place of its own (U11).

        Names, nesting and order are copied, and nothing else (U12): settings of the queues that
        were there go, and nobody serves the new ones until they are assigned. Where conversations
        are open in a queue that goes, `move_to` says where they go (S15).
        """
        self._staged.entry("inboxes", to)
        if source == to:
            raise UsageError(f"{quoted(to)} is to be copied onto itself", where="to")
        copied = Tree(to, self._tree(source)[0].notation())
        self._keep(copied)
        self._staged.entry("inboxes", to).pop("at", None)
        if move_to is not None:
            self._staged.moves.append(QueueMove(to, move_to, whole=False))
        self._gone(to, None)

    def set_keywords(self, queue: str, *words: str) -> None:
        """Let these words at the start of a contact lead to a queue; none takes them away (U59)."""
        tree, inside = self._queue(queue)
        inbox = self._staged.entry("inboxes", tree.inbox)
        values = settled({"keywords": list(words) or None})
        self._staged.update(self._staged.below(inbox, "at", inside), values)
        self._tidy(inbox)

    # --- what goes along

    def _moved(self, source: str, target: str) -> str:
        if source != target:
            self._staged.moves.append(QueueMove(source, target))
            self._follow(QueueMove(source, target))
        return target

    def _gone(self, queue: str, move_to: str | None) -> None:
        move = QueueMove(queue, move_to, whole=False)
        self._staged.moves.append(move)
        self._follow(move)

    def _follow(self, move: QueueMove) -> None:
        """Let everything in the document that names the queue name it where it is now."""
        for section in _NAMING:
            for entry in self._tables(section):
                if isinstance(entry.get("queue"), str):
                    entry["queue"] = follow_path(entry["queue"], [move])
        for policy in self._policies():
            _follow_policy(policy, move)
        for group in self._tables("groups"):
            if "serves" in group:
                serves = follow_patterns(group["serves"], [move])
                self._staged.update(group, {"serves": list(serves) or None})
        self._follow_settings(move)

    def _follow_settings(self, move: QueueMove) -> None:
        settings = {
            f"{name}{SEPARATOR}{place}": values
            for name, inbox in self._staged.section("inboxes").items()
            for place, values in inbox.get("at", {}).items()
        }
        for inbox in self._tables("inboxes"):
            inbox.pop("at", None)
        for path, values in settings.items():
            if stands_at(path, move.source):
                if move.target is None or not move.whole:
                    continue
                path = move.target + path[len(move.source) :]  # noqa: PLW2901  (where it is now)
            name, _, place = path.partition(SEPARATOR)
            self._staged.below(self._staged.entry("inboxes", name), "at")[place] = values

    def _check_name(self, name: object) -> None:
        if not isinstance(name, str):
            raise UsageError("not a queue's name", where="name", expected="text", got=shown(name))
        self._reserved().require(name)

    def _reserved(self) -> ReservedWords:
        """The words that no queue may be called, by what the draft says now (U8, U10)."""
        document, policies = self._staged.document, self._policies()
        words = [each.get(key) or () for each in policies for key in ("back_words", "exit_words")]
        exact = (document.get("policy") or {}).get("protected_names") == ProtectedNames.WHOLE_NAME
        return ReservedWords.of(
            [word for each in words for word in each if isinstance(word, str)],
            ProtectedNames.WHOLE_NAME if exact else ProtectedNames.ANY_WORD,
        )

    def _policies(self) -> list[dict[str, Any]]:
        """Every layer of policy that the draft has now."""
        inboxes = self._tables("inboxes")
        policies = [
            self._staged.document.get("policy"),
            *(each.get("policy") for each in (*self._tables("channels"), *inboxes)),
            *(policy for each in inboxes for policy in each.get("at", {}).values()),
        ]
        return [each for each in policies if isinstance(each, dict)]

    def _tables(self, section: str) -> list[dict[str, Any]]:
        found = self._staged.document.get(section, {})
        return [each for each in found.values() if isinstance(each, dict)]

    # --- trees in and out

    def _tree(self, path: object) -> tuple[Tree, str]:
        """The tree of a path's inbox, and the path inside it."""
        if not isinstance(path, str):
            expected = 'text, as "inbox/queue"'
            raise UsageError("not a path", where="queue", expected=expected, got=shown(path))
        inbox, _, inside = path.partition(SEPARATOR)
        queues = self._staged.entry("inboxes", inbox).get("queues", [])
        return Tree(inbox, queues), inside

    def _queue(self, path: str) -> tuple[Tree, str]:
        tree, inside = self._tree(path)
        if not inside:
            raise UsageError(
                f"{quoted(path)} is an inbox", where="queue", expected='a queue, "inbox/queue"'
            )
        tree.find(inside)
        return tree, inside

    def _keep(self, tree: Tree) -> None:
        inbox = self._staged.entry("inboxes", tree.inbox)
        self._staged.update(inbox, {"queues": tree.notation() or None})

    def _kept(self, tree: Tree, inside: str) -> str:
        self._keep(tree)
        return f"{tree.inbox}{SEPARATOR}{inside}"

    @staticmethod
    def _tidy(inbox: dict[str, Any]) -> None:
        """Leave out places that say nothing."""
        places = {place: values for place, values in inbox.get("at", {}).items() if values}
        inbox.pop("at", None)
        if places:
            inbox["at"] = places


def _check_count(where: str, value: object) -> None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        expected = "a whole number"
        raise UsageError("not a place", where=where, expected=expected, got=shown(value))


def _follow_policy(policy: dict[str, Any], move: QueueMove) -> None:
    """Let what a layer says of queues (where it overflows to, the last transfer) name them anew."""
    assign, transfer = policy.get("assign"), policy.get("transfer")
    if isinstance(assign, dict) and isinstance(assign.get("overflow"), list):
        followed = (follow_path(each, [move]) for each in assign["overflow"])
        assign["overflow"] = list(dict.fromkeys(followed))
    if isinstance(transfer, dict) and isinstance(transfer.get("final"), str):
        transfer["final"] = follow_path(transfer["final"], [move])
