"""A desk that is edited at random while conversations run on it.

Drafts, saves, rollbacks and changes of staff in any order: never a conversation in a queue that does
not exist, never an invalid version, never a protected word in a name or keyword, and a rollback gives
a version back to the byte. `make fuzz` runs it longer.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

import omniroute as om
from omniroute.codec import encode
from omniroute.errors import OmnirouteError
from omniroute.rules.checks import problems
from omniroute.schema import AGENTS, CONFIGS, CONVERSATIONS
from omniroute.testing import play

FUZZ_SECONDS = float(os.environ.get("FUZZ_SECONDS", "0"))
FUZZ_STEPS = int(os.environ.get("FUZZ_STEPS", "40"))

OPEN = CONVERSATIONS.index("open_thread")
EVERYBODY = AGENTS.index("all_agents")

CONFIG = {
    "desk": "acme",
    "preset": "push",
    "inboxes": {
        "general": {"primary_for": ["chat"], "sla": "15m", "queues": ["A", ["B", "C"], "D"]},
        "vip": {"sla": "2m", "queues": ["B", "E"]},
        "spare": {"sla": "1h"},
    },
    "entry_points": {
        "web": {"channel": "chat", "address": "w1"},
        "gold": {
            "channel": "chat",
            "address": "w2",
            "override": {"inbox": "vip"},
            "queue": "vip/B",
        },
    },
    "groups": {"all": {"serves": ["general/**"]}},
    "agents": {"ana": {"groups": ["all"]}, "bob": {"serves": ["vip/B", "spare"]}},
}
NAMES = ("A", "B", "C", "D", "E", "F", "Stop", "please HELP me", "back", "x/y", "")
INBOXES = ("general", "vip", "spare", "night")
names = st.sampled_from(NAMES)
inboxes = st.sampled_from(INBOXES)
picks = st.integers(0, 30)
STAFF = ("ana", "bob", "cho")
agents = st.sampled_from(STAFF)


class ConfigurationMachine(RuleBasedStateMachine):
    """One desk, one draft at a time, and another administrator now and then."""

    def __init__(self) -> None:
        super().__init__()
        self.p = play(CONFIG)
        self.desk = self.p.desk
        self.draft = self.desk.configure()
        self.contacts = 0

    def teardown(self) -> None:
        self.p.close()

    # --- looking

    def queues(self) -> list[str]:
        """Every queue of the draft, branches too, and the inboxes."""
        found: list[str] = []

        def below(path: str, items: list[Any]) -> None:
            name = path
            for item in items:
                if isinstance(item, list):
                    below(name, item)
                else:
                    name = f"{path}/{item}"
                    found.append(name)

        for inbox, table in self.draft.document.get("inboxes", {}).items():
            found.append(inbox)
            below(inbox, table.get("queues", []))
        return found

    def queue(self, pick: int) -> str:
        found = self.queues()
        return found[pick % len(found)] if found else "general"

    def tried(self, act: Callable[[], object]) -> None:
        """An edit or a command; one that is refused leaves no trace that the invariants could miss."""
        try:
            act()
        except OmnirouteError:
            return

    # --- editing

    @rule(pick=picks, name=names)
    def adds(self, pick: int, name: str) -> None:
        self.tried(lambda: self.draft.add_queue(self.queue(pick), name))

    @rule(pick=picks, name=names)
    def renames(self, pick: int, name: str) -> None:
        self.tried(lambda: self.draft.rename_queue(self.queue(pick), name))

    @rule(pick=picks, other=picks, by=st.none() | st.integers(-2, 2))
    def moves(self, pick: int, other: int, by: int | None) -> None:
        to = None if by is not None else self.queue(other)
        self.tried(lambda: self.draft.move_queue(self.queue(pick), by=by, to=to))

    @rule(pick=picks)
    def outdents(self, pick: int) -> None:
        self.tried(lambda: self.draft.outdent(self.queue(pick)))

    @rule(pick=picks, other=picks, moved=st.booleans())
    def removes(self, pick: int, other: int, moved: bool) -> None:
        to = self.queue(other) if moved else None
        self.tried(lambda: self.draft.remove_queue(self.queue(pick), confirm=True, move_to=to))

    @rule(inbox=inboxes, other=picks, moved=st.booleans())
    def removes_an_inbox(self, inbox: str, other: int, moved: bool) -> None:
        to = self.queue(other) if moved else None
        self.tried(lambda: self.draft.remove_inbox(inbox, confirm=True, move_to=to))

    @rule(inbox=inboxes, to=inboxes, how=st.sampled_from(["add", "rename", "copy"]))
    def edits_inboxes(self, inbox: str, to: str, how: str) -> None:
        acts: dict[str, Callable[[], object]] = {
            "add": lambda: self.draft.add_inbox(inbox, sla="1m"),
            "rename": lambda: self.draft.rename_inbox(inbox, to),
            "copy": lambda: self.draft.copy_tree(inbox, to),
        }
        self.tried(acts[how])

    @rule(pick=picks, word=names)
    def words(self, pick: int, word: str) -> None:
        self.tried(lambda: self.draft.set_keywords(self.queue(pick), word))
        self.tried(lambda: self.draft.set_words(back=["back"] if pick % 2 else []))

    @rule(pick=picks, inbox=st.none() | inboxes, lead=st.booleans())
    def leads_entry_points(self, pick: int, inbox: str | None, lead: bool) -> None:
        name = ("web", "gold")[pick % 2]
        self.tried(lambda: self.draft.override(name, inbox=inbox, sla="5m"))
        queue = self.queue(pick) if lead else None
        self.tried(lambda: self.draft.change_entry_point(name, queue=queue))

    @rule(agent=agents, pick=picks)
    def edits_staff(self, agent: str, pick: int) -> None:
        self.tried(lambda: self.draft.put_agent(agent, serves=[self.queue(pick)]))

    @rule()
    def gives_up(self) -> None:
        self.draft.discard()

    # --- saving

    @rule()
    def saves(self) -> None:
        """Saved, or refused with the problems it tells, and then nothing has changed."""
        before = (self.desk.config, self.desk.history().items[0])
        found = self.draft.problems()
        try:
            self.draft.save()
        except om.DraftConflict as conflict:
            if conflict.mergeable:
                self.tried(self.draft.rebase)
            else:
                self.draft.discard()
        except OmnirouteError:
            assert found
            assert (self.desk.config, self.desk.history().items[0]) == before
        else:
            assert not found

    @rule(pick=picks, other=picks, name=names, how=st.sampled_from(["rename", "remove", "move"]))
    def edits_under_people(self, pick: int, other: int, name: str, how: str) -> None:
        """What happens to a queue in which somebody is, in a version of its own."""
        busy = sorted({each.queue for each in self.desk.conversations() if each.queue})
        leaves = om.Setup(self.desk.config, 0).leaves
        if not busy:
            return
        queue, to = busy[pick % len(busy)], leaves[other % len(leaves)]
        draft = self.desk.configure()
        acts: dict[str, Callable[[], object]] = {
            "rename": lambda: draft.rename_queue(queue, name),
            "remove": lambda: draft.remove_queue(queue, confirm=True, move_to=to),
            "move": lambda: draft.move_queue(queue, to=to.partition("/")[0]),
        }
        self.tried(acts[how])
        self.tried(draft.save)

    @rule(sla=st.sampled_from(["1m", "2m", "3m"]))
    def somebody_else_saves(self, sla: str) -> None:
        with self.desk.configure() as draft:
            draft.change_inbox(min(draft.document["inboxes"]), sla=sla)

    @rule(pick=picks)
    def rolls_back(self, pick: int) -> None:
        newest = self.desk.history(limit=1).items[0].number
        to = 1 + pick % newest
        try:
            saved = self.desk.rollback(to=to)
        except om.ConfigError:
            return
        assert self.body(saved) == self.body(to), "to the byte"

    def body(self, version: int) -> str:
        stored = self.p.desks.store.transact(lambda tx: tx.get(CONFIGS, "acme", (version,)))
        assert stored is not None
        return encode(CONFIGS, CONFIGS.type(0, stored.config, "", 0))

    # --- meanwhile

    @rule(on=st.sampled_from(["web", "gold"]), text=st.sampled_from(["Hello", "1", "2"]))
    def somebody_writes(self, on: str, text: str) -> None:
        self.contacts += 1
        self.tried(lambda: self.p.contact(f"c{self.contacts % 5}", on=on).writes(text))

    @rule(agent=agents, on=st.booleans())
    def switches(self, agent: str, on: bool) -> None:
        self.tried(lambda: self.desk.staff.set_available(agent, on))

    @rule(agent=agents, held=st.sampled_from([None, "requeue", "keep"]))
    def leaves(self, agent: str, held: str | None) -> None:
        self.tried(lambda: self.desk.staff.remove(agent, held=held))

    @rule(pick=picks)
    def ends(self, pick: int) -> None:
        found = self.desk.conversations().items
        if found:
            chat = found[pick % len(found)]
            self.tried(lambda: self.desk.end(chat.id, by=chat.agent or "ana"))

    @rule()
    def follows(self) -> None:
        """Where nobody is about to leave, staff serves queues that exist, once the job came by."""
        self.p.advance("1m")
        leaves = om.Setup(self.desk.config, 0).leaves
        for agent in self.desk.staff.list():
            assert set(agent.queues) <= set(leaves)

    # --- what always holds

    @invariant()
    def nobody_is_in_a_queue_that_does_not_exist(self) -> None:
        setup = om.Setup(self.desk.config, 0)
        found = self.p.desks.store.transact(lambda tx: tx.scan(OPEN, "acme", limit=1000))
        for chat in found:
            assert chat.queue is None or setup.is_leaf(chat.queue), chat
            assert chat.place.inbox in setup.config.inboxes, chat
            assert chat.queue is not None or chat.state is om.State.SELECTING

    @invariant()
    def the_version_in_force_is_sound(self) -> None:
        assert problems(self.desk.config) == ()
        names = " ".join(om.Setup(self.desk.config, 0).leaves).casefold().replace("/", " ").split()
        assert not {"stop", "help"} & set(names), "protected words"

    @invariant()
    def every_holder_is_on_the_staff(self) -> None:
        staff = self.p.desks.store.transact(lambda tx: tx.scan(EVERYBODY, "acme", limit=100))
        known = {each.id: each.load for each in staff}
        held = [each.agent for each in self.desk.conversations().items if each.agent]
        assert set(held) <= set(known)


@pytest.mark.req("G19", "U7", "S15")
def test_a_desk_is_edited_at_random_while_conversations_run() -> None:
    bounded = settings(
        max_examples=30, stateful_step_count=FUZZ_STEPS, suppress_health_check=list(HealthCheck)
    )
    if not FUZZ_SECONDS:
        run_state_machine_as_test(ConfigurationMachine, settings=bounded)
        return
    longer = settings(bounded, derandomize=False, max_examples=100, print_blob=True)
    until = time.monotonic() + FUZZ_SECONDS
    while time.monotonic() < until:
        run_state_machine_as_test(ConfigurationMachine, settings=longer)
