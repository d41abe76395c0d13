"""Entry and exit flows: started by a plugin, by way of the outbox, once for each beginning and end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import omniroute as om
from omniroute.clock import ManualClock
from omniroute.errors import UsageError
from omniroute.ids import SeededIds
from omniroute.instants import MINUTE
from omniroute.model.desk_config import ChannelConfig
from omniroute.model.events import FlowStarted
from omniroute.model.policy import AfterEnd, AfterEndTo, KeepAlive, PolicySettings
from omniroute.testing import MONDAY, a_config, an_inbound
from omniroute.testing.scripted import ScriptedPlugin, ScriptedProvider

ALIVE = KeepAlive(after=10 * MINUTE, text="There?", end_after=5 * MINUTE, end_text="Bye.")
BOTH = ChannelConfig(entry_flow="welcome", exit_flow="survey")


class Flows:
    """A plugin that starts flows, and fails as often as it is told to."""

    def __init__(self, fails: int = 0, knows: tuple[str, ...] = ("welcome", "survey")) -> None:
        self.asked: list[om.FlowStart] = []
        self.fails = fails
        self.knows = knows

    @om.hookimpl
    def omniroute_start_flow(self, start: om.FlowStart) -> bool | None:
        self.asked.append(start)
        if self.fails:
            self.fails -= 1
            raise RuntimeError("no line")
        return True if start.flow in self.knows else None

    @property
    def names(self) -> list[str]:
        return [each.flow for each in self.asked]


@contextmanager
def desk_with(*plugins: Any, channel: ChannelConfig = BOTH, **policy: Any) -> Iterator[Any]:
    desks = om.Desks(
        "memory://",
        plugins=[ScriptedPlugin(("chat",)), *plugins],
        builtin=False,
        discover=False,
        clock=ManualClock(MONDAY),
        ids=SeededIds("1"),
        transport=ScriptedProvider(),
    )
    settings = PolicySettings(**policy)
    config = a_config(agents=("ana",), policy=settings, channels={"chat": channel})
    with desks:
        yield desks.create(config)


def passes(desk: Any, by: str) -> None:
    desk._runtime.clock.advance(by)
    desk.tick()
    desk.deliver()


def begin(desk: Any) -> Any:
    desk.set_available("ana")
    found = desk.receive("main", an_inbound("Hello")).conversations[0]
    desk.deliver()
    return found


@pytest.mark.req("T2")
@pytest.mark.parametrize("ended_by", ["agent", "keep_alive", "contact"])
def test_each_flow_is_started_once_whoever_finished_the_service(ended_by: str) -> None:
    flows = Flows()
    with desk_with(flows, keep_alive=ALIVE, exit_words=("bye",)) as desk:
        chat = begin(desk)
        desk.receive("main", an_inbound("Anybody?", key="in-2"))
        if ended_by == "agent":
            desk.end(chat.id, by="ana")
        elif ended_by == "contact":
            desk.receive("main", an_inbound("bye", key="in-3"))
        passes(desk, "1d")
        passes(desk, "1d")
        assert [(each.flow, each.stage) for each in flows.asked] == [
            ("welcome", "entry"),
            ("survey", "exit"),
        ]
        assert [each.conversation.id for each in flows.asked] == [chat.id] * 2
        assert desk.waiting_to_send() == 0


@pytest.mark.req("T2")
def test_a_service_that_is_taken_up_again_has_its_flows_again() -> None:
    flows = Flows()
    with desk_with(flows, after_end=AfterEnd(AfterEndTo.QUEUE)) as desk:
        chat = begin(desk)
        desk.end(chat.id, by="ana")
        desk.receive("main", an_inbound("again", key="in-2"))
        desk.end(chat.id, by="ana")
        desk.deliver()
        assert flows.names == ["welcome", "survey"] * 2
        assert len({each.id for each in flows.asked}) == 4


@pytest.mark.req("T15")
def test_the_last_text_goes_out_then_it_has_ended_then_the_exit_flow_starts() -> None:
    order: list[str] = []

    class Watching(Flows):
        @om.hookimpl
        def omniroute_start_flow(self, start: om.FlowStart) -> bool:
            sent = [m.text for m in desk.messages(start.conversation.id) if m.status == "sent"]
            order.append(f"{start.flow}: {start.conversation.state.value}, {sent[-1:]}")
            return True

    with desk_with(Watching(), keep_alive=ALIVE) as desk:
        begin(desk)
        desk._runtime.clock.advance("10m")
        desk.tick()
        desk.deliver()
        desk._runtime.clock.advance("5m")
        desk.tick()
        desk.deliver()
    assert order == ["welcome: active, []", "survey: ended, ['Bye.']"]


@pytest.mark.req("T2")
def test_what_fails_is_tried_again_with_the_same_id_and_then_listed_and_put_back() -> None:
    flows = Flows(fails=11)
    with desk_with(flows) as desk:
        chat = begin(desk)
        for _ in range(20):
            passes(desk, "2h")
        (dead,) = desk.dead_letters()
        assert len(flows.asked) == 10
        assert len({each.id for each in flows.asked}) == 1
        assert (dead.flow, dead.conversation, dead.attempts) == ("welcome", chat.id, 10)
        assert (dead.message, dead.reason) == (flows.asked[0].id, "RuntimeError: no line")
        desk.redrive(dead.message)
        desk.deliver()
        passes(desk, "2h")
        assert len(flows.asked) == 12
        assert desk.dead_letters() == []
        with pytest.raises(UsageError, match="not in the dead letters"):
            desk.redrive(dead.message)
        with pytest.raises(UsageError, match="not in the dead letters"):
            desk.redrive(f"{chat.id}:²")


def test_a_flow_that_no_plugin_knows_is_listed() -> None:
    with desk_with(Flows(knows=("survey",)), Flows(knows=())) as desk:
        begin(desk)
        (dead,) = desk.dead_letters()
        assert dead.reason == "no plugin starts the flow 'welcome'"


@pytest.mark.req("T2")
def test_without_a_plugin_the_log_has_each_once_and_nothing_waits() -> None:
    with desk_with() as desk:
        chat = begin(desk)
        desk.end(chat.id, by="ana")
        desk.deliver()
        told = [each.event for each in desk.changes() if isinstance(each.event, FlowStarted)]
        assert [(each.flow, each.stage) for each in told] == [
            ("welcome", "entry"),
            ("survey", "exit"),
        ]
        assert desk.waiting_to_send() == 0


def test_a_channel_without_flows_starts_none() -> None:
    flows = Flows()
    with desk_with(flows, channel=ChannelConfig()) as desk:
        chat = begin(desk)
        desk.end(chat.id, by="ana")
        desk.deliver()
        assert flows.asked == []
