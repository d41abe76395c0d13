"""Settings with a switch: kept while off, running once on and saved, and checked whenever they change."""

from __future__ import annotations

from typing import Any

import pytest

from omniroute.errors import ConfigError
from omniroute.instants import MINUTE
from omniroute.model.policy import Inactivity, KeepAlive, PolicySettings
from omniroute.testing import a_config

ALIVE = KeepAlive(after=10 * MINUTE, text="There?", end_after=5 * MINUTE, end_text="Bye.")


def texts(p: Any, chat: Any) -> list[str | None]:
    return [each.text for each in p.desk.messages(chat.id)]


@pytest.mark.req("T9")
def test_saved_without_being_activated_it_is_stored_readable_and_does_not_run(play) -> None:
    p = play(a_config(policy=PolicySettings(keep_alive=ALIVE, enabled={"keep_alive": False})))
    chat = p.contact("Maria").writes("Hello")
    p.advance("1h")
    assert texts(p, chat) == ["Hello"]
    assert p.desk.config.policy.keep_alive == ALIVE


@pytest.mark.req("T9")
def test_activated_but_not_saved_nothing_happens_and_once_saved_it_runs(play) -> None:
    p = play(a_config(policy=PolicySettings(keep_alive=ALIVE, enabled={"keep_alive": False})))
    draft = p.desk.configure()
    draft.policy(enabled={"keep_alive": True})
    chat = p.contact("Maria").writes("Hello")
    p.advance("1h")
    assert texts(p, chat) == ["Hello"]
    draft.save()
    p.contact("Maria").writes("Anybody?")
    p.advance("10m")
    assert texts(p, chat) == ["Hello", "Anybody?", "There?"]


@pytest.mark.req("U33")
@pytest.mark.parametrize(
    "timeout,on,change",
    [
        (30, True, {"chat_timeout": "19m"}),
        (30, True, {"inactivity": {"after": "31m"}}),
        (10, False, {"enabled": {"chat_timeout": True}}),
    ],
)
def test_a_silence_longer_than_the_timeout_is_refused_whichever_of_them_changes(
    play, timeout: int, on: bool, change: dict[str, Any]
) -> None:
    before = PolicySettings(
        chat_timeout=timeout * MINUTE,
        inactivity=Inactivity(after=20 * MINUTE),
        enabled={"chat_timeout": on},
    )
    p = play(a_config(policy=before))
    draft = p.desk.configure()
    draft.policy(**change)
    with pytest.raises(ConfigError, match="longer than the chat timeout"):
        draft.save()
    assert p.desk.config.policy == before


@pytest.mark.req("U45", "U44")
def test_a_text_of_918_is_sent_whole_also_where_the_agents_name_makes_it_longer(play) -> None:
    template = "[agent name]" + "x" * (918 - len("[agent name]"))
    policy = PolicySettings(inactivity=Inactivity(after=MINUTE), dismissed_text=template)
    p = play(a_config(agents=("ana",), policy=policy))
    p.desk.staff.put("ana", name="Ana Luísa Gonçalves de Sousa")
    ana, maria = p.agent("ana").on(), p.contact("Maria")
    ana.replies(maria.writes("Hello"), "Hi")
    p.advance("1m")
    assert maria.got[-1] == "Ana Luísa Gonçalves de Sousa" + template.removeprefix("[agent name]")
    assert len(maria.got[-1]) > 918
