"""The pytest plugin: a failing test about a conversation tells its story, unasked."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest_plugins = ["pytester"]

CONFIG = """
    import pytest
    from omniroute.model.wire import Permanent
    from omniroute.testing import a_config

    CONFIG = a_config(preset="push", agents=("ana",), capacity=1)
"""


@pytest.fixture
def told(pytester):
    """Run a test and return what pytest printed."""

    def run(body: str, *options: str) -> str:
        pytester.makepyfile(CONFIG + body)
        result = pytester.runpytest_inprocess("-q", "-p", "no:cacheprovider", *options)
        return str(result.stdout) + str(result.stderr)

    return run


def test_the_plugin_brings_nothing_heavy_into_a_run_that_does_not_use_it() -> None:
    program = """
import sys, omniroute.testing.plugin
print(*(name for name in sys.modules if name.partition(".")[0] in ("omniroute", "pendulum", "cattrs")))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert set(done.stdout.split()) == {
        "omniroute",
        "omniroute.lazy",
        "omniroute.testing",
        "omniroute.testing.plugin",
    }


def test_a_failing_assertion_prints_the_story_unasked(told) -> None:
    output = told(
        """
    def test_it(play):
        p = play(CONFIG)
        p.agent("ana").on()
        p.contact("Otto").writes("Hello")
        chat = p.contact("Maria").writes("Hello")
        p.provider.answer_next(Permanent("no such number"))
        p.agent("ana").replies(p.desk.conversation("c_1"), "Hi")
        assert chat.agent == "ana"
    """
    )
    assert "1 failed" in output
    for words in (
        "- omniroute -",
        "conversation c_2: queued in general",
        "nobody could take it in general",
        "not ana: at capacity (holds 1 of 1",
        "contact wrote (m_2)",
        "outbox: 0 waiting, 1 dead",
        "m_3: no such number",
        "next deadline: 2026-03-02 09:15:00",
    ):
        assert words in output
    assert "conversation c_1" not in output, "the test spoke of c_2 only"


def test_it_tells_of_every_conversation_where_the_test_names_none(told) -> None:
    output = told(
        """
    def test_it(play):
        p = play(CONFIG)
        p.contact("Maria").writes("Hello")
        assert p.agent("ana").holds
    """
    )
    assert "conversation c_1: queued in general" in output


def test_it_finds_the_conversation_in_a_helpers_variables(told) -> None:
    output = told(
        """
    def check(chat):
        assert chat.agent == "ana"

    def test_it(play):
        p = play(CONFIG)
        p.contact("Otto").writes("Hello")
        check(p.contact("Maria").writes("Hello"))
    """
    )
    assert "conversation c_2" in output
    assert "conversation c_1" not in output


def test_an_error_of_the_desk_tells_the_story_too(told) -> None:
    output = told(
        """
    def test_it(play):
        p = play(CONFIG)
        chat = p.contact("Maria").writes("Hello")
        p.agent("ana").takes(chat)
    """
    )
    assert "TransitionNotAllowed" in output
    assert "conversation c_1: queued in general" in output


def test_what_a_tests_variables_are_does_not_matter(told) -> None:
    output = told(
        """
    class Stranger:
        @property
        def conversation(self):
            raise RuntimeError("not for you")

    class Holder:
        def __init__(self, conversation):
            self.conversation = conversation

    def test_it(play):
        p = play(CONFIG)
        p.contact("Otto").writes("Hello")
        held = Holder(p.contact("Maria").writes("Hello").conversation)
        stranger, named = Stranger(), Holder("c_1")
        assert False, "the real reason"
    """
    )
    assert "the real reason" in output
    assert "INTERNALERROR" not in output
    assert "conversation c_2: queued" in output
    assert "conversation c_1" not in output


def test_a_passing_test_prints_nothing(told) -> None:
    output = told(
        """
    def test_it(play):
        play(CONFIG).contact("Maria").writes("Hello")
    """,
        "-rA",
    )
    assert "1 passed" in output
    assert "conversation" not in output


def test_a_story_that_cannot_be_told_hides_no_failure(told) -> None:
    output = told(
        """
    def test_it(play):
        p = play(CONFIG)
        p.contact("Maria").writes("Hello")
        p.close()
        assert False, "the real reason"
    """
    )
    assert "the real reason" in output
    assert "no story: StoreError" in output


def test_plays_are_closed_after_the_test(told) -> None:
    output = told(
        """
    kept = []

    def test_one(play):
        kept.append(play(CONFIG))

    def test_other():
        with pytest.raises(Exception, match="closed"):
            kept[0].contact("Maria").writes("Hello")
    """
    )
    assert "2 passed" in output


def test_the_plugin_imports_nothing_heavy_until_a_test_uses_it() -> None:
    code = "import sys, omniroute.testing.plugin; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"pendulum", "cattrs", "sqlalchemy", "httpx", "click", "hypothesis"}
    assert heavy.isdisjoint(done.stdout.split())


def test_the_marker_for_rules_is_known(told) -> None:
    output = told(
        """
    @pytest.mark.req("C4")
    def test_it():
        pass
    """,
        "--strict-markers",
    )
    assert "1 passed" in output
