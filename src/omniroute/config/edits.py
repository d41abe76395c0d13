"""Edits of a desk's configuration, staged: each is a method, and nothing counts before it is saved (G19).

Owns what an administrator can do to a document: entry points and overrides, inboxes, trees,
channels, accounts, numbers, words, policy, groups and agents. Values are given as a file has them
(`sla="40s"`), and what is wrong with them is told by `problems`, all of it at once; a name that does
not exist raises at once. Knows no store.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from os import PathLike
from typing import Any

from omniroute.config.diff import document_differences
from omniroute.config.load import load_config, load_for
from omniroute.config.render import dump
from omniroute.config.staged import AgentEdit, Staged, confirmed, plain, settled
from omniroute.config.toml import inline
from omniroute.config.tree_edits import TreeEdits
from omniroute.config.trees import Tree
from omniroute.errors import ConfigError, Problem, UsageError
from omniroute.model.channel_type import Gate
from omniroute.model.desk_config import DeskConfig, GoesLive, QueueMove
from omniroute.ports import AdapterRegistry
from omniroute.rules.arguments import blaming
from omniroute.rules.names import join, quoted, unknown
from omniroute.rules.queue_tree import SEPARATOR
from omniroute.rules.storable import check_switch

__all__ = ["Edits"]


@blaming
class Edits(TreeEdits):
    """What a draft can do. `None` as a value takes a setting away, so that the default applies."""

    def __init__(self, staged: Staged, registry: AdapterRegistry | None = None) -> None:
        super().__init__(staged)
        self._registry = registry

    # --- what it comes to

    @property
    def document(self) -> dict[str, Any]:
        """The edited configuration as the document that `load_config` reads; a copy."""
        return deepcopy(self._staged.document)

    @property
    def config(self) -> DeskConfig:
        """The edited configuration; `ConfigError` with every problem where it cannot be used."""
        staged = self._staged
        try:
            return load_config(staged.document, registry=self._registry, desk=staged.desk)
        except ConfigError as error:
            raise ConfigError(error.problems, source=f"the draft of {staged.desk!r}") from None

    def document_problems(self) -> tuple[Problem, ...]:
        """Return everything that is wrong with the document as it stands, each with its path."""
        try:
            _ = self.config
        except ConfigError as error:
            return error.problems
        return ()

    def changes(self) -> tuple[str, ...]:
        """Return what the draft changes, line by line, each with its path."""
        staged = self._staged
        lines = document_differences(staged.base, staged.document)
        moves = (
            f"conversations in {move.source} go to {move.target}"
            for move in staged.moves
            if move.target is not None
        )
        ending = (f"open conversations on {name} end" for name in sorted(staged.ending))
        return (*lines, *moves, *ending, *self._agent_lines())

    def _agent_lines(self) -> list[str]:
        lines = []
        for agent, edit in self._staged.agents.items():
            path = join("agents", agent)
            if edit.leaves:
                lines.append(f"{path}: removed")
            elif not edit.given:
                lines.append(f"{path}: put on the staff")
            lines += [
                f"{join(path, key)}: set to {_written(value)}"
                for key, value in edit.given.items()
                if value is not None
            ]
        return lines

    # --- the whole

    def replace(self, config: DeskConfig | str | PathLike[str] | Mapping[str, Any]) -> None:
        """Let the draft be another configuration, or a file's. Its agents are left out."""
        loaded = load_for(self._staged.desk, config, self._registry)
        document = dump(loaded)
        document.pop("agents", None)
        self._staged.document = document

    def change_desk(self, **settings: Any) -> None:
        """Set what stands at the top of a configuration: `zone`, `preset`, `hours`."""
        self._staged.update(self._staged.document, settings)

    # --- entry points

    def add_entry_point(
        self, name: str, *, channel: str, address: str | None = None, **settings: Any
    ) -> GoesLive | None:
        """Add an entry point; once saved it is live (G3). A chat's address is its name unless given.

        Returns what to warn of (G22): don't add one until you are ready. None where it is held.
        """
        values = {"channel": channel, "address": address, **settings}
        self._staged.add("entry_points", name, values)
        if any(values.get(gate.value) is False for gate in Gate):
            return None
        inboxes = self._staged.section("inboxes").items()
        primary = (n for n, each in inboxes if channel in (each.get("primary_for") or ()))
        override = settings.get("override") or {}
        return GoesLive(name, channel, override.get("inbox") or next(primary, None))

    def change_entry_point(self, name: str, **settings: Any) -> None:
        """Set what is given of an entry point."""
        self._staged.change("entry_points", name, settings)

    def remove_entry_point(self, name: str, *, confirm: bool = False, force: bool = False) -> None:
        """Delete an entry point (T3).

        Open conversations stand in the way; with `force` they end.
        """
        confirmed(confirm, f"entry point {quoted(name)}")
        self._staged.remove("entry_points", name)
        check_switch(force, "force")
        if force:
            self._staged.ending.add(name)

    def connect(self, name: str) -> None:
        """Let a number that was held unconnected take messages (G5)."""
        self._staged.change("entry_points", name, {"connected": None})

    def hold(self, name: str) -> None:
        """Hold a number unconnected: nothing that comes in there is routed (G5)."""
        self._staged.change("entry_points", name, {"connected": False})

    def override(self, entry_point: str, *, inbox: str | None = None, sla: Any = None) -> None:
        """Send one entry point to another inbox, with another SLA, or both (G10 to G14)."""
        values = {
            key: value for key, value in (("inbox", inbox), ("sla", sla)) if value is not None
        }
        self._staged.change("entry_points", entry_point, {"override": values})

    def remove_override(self, entry_point: str) -> None:
        """Let an entry point go to its channel's primary inbox again (G21)."""
        self._staged.change("entry_points", entry_point, {"override": None})

    # --- inboxes

    def add_inbox(self, name: str, *, sla: Any, **settings: Any) -> None:
        """Add an inbox."""
        self._staged.add("inboxes", name, {"sla": sla, **settings})

    def change_inbox(self, name: str, **settings: Any) -> None:
        """Set what is given of an inbox. Queues are edited one by one (`add_queue`)."""
        self._staged.change("inboxes", name, settings)

    def rename_inbox(self, name: str, to: str) -> None:
        """Give an inbox another name; what names it, and its conversations, follow."""
        if to in self._staged.section("inboxes"):
            raise UsageError(f"there is an inbox {quoted(to)} already", where="inboxes")
        self._staged.entry("inboxes", name)
        inboxes = self._staged.section("inboxes")
        renamed = {to if key == name else key: value for key, value in inboxes.items()}
        self._staged.document["inboxes"] = renamed
        for entry in self._tables("entry_points"):
            override = entry.get("override")
            if isinstance(override, dict) and override.get("inbox") == name:
                override["inbox"] = to
        self._moved(name, to)

    def remove_inbox(self, name: str, *, confirm: bool = False, move_to: str | None = None) -> None:
        """Delete an inbox with its tree (T3).

        Where conversations are open in it, the draft cannot be saved unless `move_to` names a queue
        that they go to (S15).
        """
        confirmed(confirm, f"inbox {quoted(name)}")
        self._staged.remove("inboxes", name)
        self._gone(name, move_to)

    # --- channels

    def add_channel(self, name: str, **settings: Any) -> None:
        """Add a channel, or settings for a kind of channel."""
        self._staged.add("channels", name, settings)

    def change_channel(self, name: str, **settings: Any) -> None:
        """Set what is given of a channel."""
        self._put("channels", name, settings)

    def disable_channel(self, name: str) -> None:
        """Let nothing new come in on a channel; open conversations keep their state (C12, C13)."""
        self.change_channel(name, direction="out_only")

    def enable_channel(self, name: str) -> None:
        """Let a channel work both ways again."""
        self.change_channel(name, direction=None)

    def remove_channel(self, name: str, *, confirm: bool = False, force: bool = False) -> None:
        """Delete a channel with its entry points, out of every group and inbox (T3, T4).

        Open conversations stand in the way; with `force` they end.
        """
        confirmed(confirm, f"channel {quoted(name)}")
        staged = self._staged
        entry_points = self._tables("entry_points")
        known = {str(each.get("channel")) for each in entry_points} | set(
            staged.section("channels")
        )
        known.update(*(each.get("primary_for") or () for each in self._tables("inboxes")))
        if name not in known:
            text = unknown(f"no channel is named {quoted(name)}", known, name)
            raise UsageError(text, where="channels")
        for entry_point, entry in tuple(staged.section("entry_points").items()):
            if entry.get("channel") == name:
                self.remove_entry_point(entry_point, confirm=True, force=force)
        if name in staged.section("channels"):
            staged.remove("channels", name)
        for section, key in (("inboxes", "primary_for"), ("channel_groups", "channels")):
            for table in self._tables(section):
                if name in table.get(key, ()):
                    rest = [each for each in table[key] if each != name]
                    staged.update(table, {key: rest or None})

    def put_channel_group(self, name: str, **settings: Any) -> None:
        """Add a group of channels, or set what is given of one."""
        self._put("channel_groups", name, settings)

    def remove_channel_group(self, name: str, *, confirm: bool = False) -> None:
        """Delete a group of channels (T3)."""
        confirmed(confirm, f"channel group {quoted(name)}")
        self._staged.remove("channel_groups", name)

    # --- accounts, numbers, direct access

    def put_account(self, name: str, **settings: Any) -> None:
        """Add an account, or set what is given of one; secrets are references (`SecretRef`)."""
        self._put("accounts", name, settings)

    def remove_account(self, name: str, *, confirm: bool = False) -> None:
        """Delete an account (T3)."""
        confirmed(confirm, f"account {quoted(name)}")
        self._staged.remove("accounts", name)

    def put_number(self, name: str, **settings: Any) -> None:
        """Add a number, or set what is given of one."""
        self._put("numbers", name, settings)

    def remove_number(self, name: str, *, confirm: bool = False) -> None:
        """Delete a number (T3)."""
        confirmed(confirm, f"number {quoted(name)}")
        self._staged.remove("numbers", name)

    def put_direct_access(self, name: str, **settings: Any) -> None:
        """Add a direct access point, or set what is given of one."""
        self._put("direct_access", name, settings)

    def remove_direct_access(self, name: str, *, confirm: bool = False) -> None:
        """Delete a direct access point (T3)."""
        confirmed(confirm, f"direct access point {quoted(name)}")
        self._staged.remove("direct_access", name)

    def _put(self, section: str, name: str, settings: Mapping[str, Any]) -> None:
        values = settled(settings)
        self._staged.below(self._staged.document, section, name)
        self._staged.change(section, name, values)

    # --- policy

    def policy(self, place: str = "", /, *, channel: str | None = None, **settings: Any) -> None:
        """Set policy at a place: the desk (""), an inbox, a queue's full path; or for a channel."""
        staged, settings = self._staged, settled(settings)
        inbox, _, inside = place.partition(SEPARATOR)
        if channel is not None:
            if place:
                raise UsageError("a place and a channel", expected="one of them", got=repr(place))
            table = staged.below(staged.document, "channels", channel)
        else:
            table = staged.entry("inboxes", inbox) if inbox else staged.document
        if inside:
            self._queue(place)
            staged.update(staged.below(table, "at", inside), settings)
            self._tidy(table)
            return
        if "hours" in settings:  # which stand beside the policy
            staged.update(table, {"hours": settings.pop("hours")})
        staged.update(staged.below(table, "policy"), settings)
        if not table["policy"]:
            del table["policy"]

    def set_words(
        self, *, back: Sequence[str] | None = None, leave: Sequence[str] | None = None
    ) -> None:
        """Set the words that lead a contact back in the menu (U55), and those that end it (U56).

        Names and keywords that these words forbid are told by `problems` (U10).
        """
        for where, words in (("back", back), ("leave", leave)):
            if isinstance(words, str):
                raise UsageError(
                    "one text", where=where, expected="a list of words", got=quoted(words)
                )
        if back is not None:
            self.policy(back_words=list(back))
        if leave is not None:
            self.policy(exit_words=list(leave))

    # --- staff

    def put_group(self, name: str, **settings: Any) -> None:
        """Add a routing group, or set what is given of one (`serves`)."""
        self._put("groups", name, settings)

    def remove_group(self, name: str, *, confirm: bool = False) -> None:
        """Delete a routing group (T3); its members serve what they serve by themselves."""
        confirmed(confirm, f"group {quoted(name)}")
        self._staged.remove("groups", name)

    def put_agent(self, agent: str, **profile: Any) -> None:
        """Add an agent, or change what is given of a known one, as `desk.staff.put` does."""
        known = self._staged.agents.get(agent)
        given = {**(known.given if known and not known.leaves else {}), **profile}
        self._staged.agents[agent] = AgentEdit(given=given)

    def remove_agent(
        self,
        agent: str,
        *,
        confirm: bool = False,
        held: str | None = None,
        hand_to: str | None = None,
    ) -> None:
        """Take an agent off the staff, as `desk.staff.remove` does (S15, T3)."""
        confirmed(confirm, f"agent {quoted(agent)}")
        self._staged.agents[agent] = AgentEdit(leaves=True, held=held, hand_to=hand_to)

    # --- where conversations go

    def move_conversations(self, queue: str, to: str) -> None:
        """Say where the open conversations of a queue or inbox go that this draft takes away (S15).

        Raises `UsageError` where neither the draft nor the version it goes out from has the queue.
        """
        known = [*_places(self._staged.base), *_places(self._staged.document)]
        if queue not in known:
            text = unknown(f"no queue is named {quoted(queue)}", dict.fromkeys(known), queue)
            raise UsageError(text, where="queue")
        self._staged.moves.append(QueueMove(queue, to, whole=False))


def _written(value: Any) -> str:
    found = plain(value)
    return inline(found) if isinstance(found, str | int | float | dict | list) else repr(found)


def _places(document: Mapping[str, Any]) -> Iterator[str]:
    """The full paths of a document's inboxes and of all queues in them."""
    for name, inbox in document.get("inboxes", {}).items():
        yield name
        if isinstance(inbox, dict) and isinstance(queues := inbox.get("queues", []), list):
            yield from (f"{name}{SEPARATOR}{path}" for path in Tree(name, queues).paths())
