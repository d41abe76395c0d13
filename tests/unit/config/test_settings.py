from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from enum import Enum
from typing import Any, Literal

import pytest
from attrs import field, frozen

from omniroute.config import adapter_settings, load_config, settings_problems
from omniroute.errors import ConfigError, SecretMissing, UnknownEntryPoint
from omniroute.model.desk_config import AccountConfig, DeskConfig, EntryPointConfig, InboxConfig
from omniroute.model.secret import Secret, SecretRef

SPILLED = "hunter2-the-secret-itself"


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@frozen
class Size:
    width: int


@frozen(kw_only=True)
class ChatSettings:
    address: str
    token: Secret
    backup_token: Secret | None = None
    theme: str = "light"
    retries: int = 3
    ratio: float = 1.0
    fast: bool = False
    tags: tuple[str, ...] = ()
    numbers: Sequence[int] = ()
    limits: Mapping[str, int] = field(factory=dict)
    tokens: tuple[Secret, ...] = ()
    colour: Colour = Colour.RED
    mode: Literal["a", "b"] = "a"
    wait: timedelta = timedelta(seconds=1)
    size: Size | None = None
    either: int | str = 0
    anything: Any = None
    _hidden: int = 1
    computed: int = field(init=False, default=0)


@frozen(kw_only=True)
class SmsSettings:
    address: str
    token: Secret
    sender: str = "x"


class Adapter:
    def __init__(self, kind: str, settings: type) -> None:
        self.kind = kind
        self.api = 1
        self.Settings = settings


class Registry:
    def __init__(self, *adapters: Adapter) -> None:
        self._adapters = {each.kind: each for each in adapters}

    def adapter(self, kind: str) -> Any:
        return self._adapters.get(kind)

    def kinds(self) -> Mapping[str, Any]:
        return self._adapters


CHAT: Any = Adapter("chat", ChatSettings)
SMS: Any = Adapter("sms", SmsSettings)
REGISTRY = Registry(CHAT, SMS)


def document(
    account: Mapping[str, Any], entry_point: Mapping[str, Any], **more: Any
) -> dict[str, Any]:
    widget = {"channel": "chat", "account": "site", "address": "w", **entry_point}
    return {
        "inboxes": {"general": {"primary_for": ["chat", "sms"], "sla": 15}},
        "accounts": {"site": account},
        "entry_points": {"widget": widget, **more},
    }


TOKEN = {"env": "TOKEN"}


def problems(
    account: Mapping[str, Any], entry_point: Mapping[str, Any] | None = None, **more: Any
) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_config(document(account, entry_point or {}, **more), registry=REGISTRY)
    assert SPILLED not in str(caught.value)
    return [str(problem) for problem in caught.value.problems]


def built(account: Mapping[str, Any], entry_point: Mapping[str, Any]) -> Any:
    config = load_config(document(account, entry_point), registry=REGISTRY)
    return adapter_settings(config, "widget", CHAT, lambda ref: Secret(f"value of {ref.env}"))


# --- building


def test_settings_are_the_accounts_then_the_entry_points_and_its_address():
    settings = built({"token": TOKEN, "theme": "dark", "retries": 5}, {"theme": "blue"})
    assert settings == ChatSettings(
        address="w", token=Secret("value of TOKEN"), theme="blue", retries=5
    )


def test_every_kind_of_value_arrives_as_its_annotation_says():
    settings = built(
        {"token": TOKEN},
        {
            "backup_token": {"env": "B"},
            "ratio": 2,
            "fast": True,
            "tags": ["a", "b"],
            "numbers": [1, 2],
            "limits": {"x": 1},
            "tokens": [{"env": "C"}],
            "colour": "blue",
            "mode": "b",
            "wait": "1m30s",
            "size": {"width": 3},
            "either": "5",
            "anything": {"deep": [{"env": "D"}]},
            "hidden": 9,
        },
    )
    assert settings == ChatSettings(
        address="w",
        token=Secret("value of TOKEN"),
        backup_token=Secret("value of B"),
        ratio=2.0,
        fast=True,
        tags=("a", "b"),
        numbers=(1, 2),
        limits={"x": 1},
        tokens=(Secret("value of C"),),
        colour=Colour.BLUE,
        mode="b",
        wait=timedelta(seconds=90),
        size=Size(3),
        either="5",
        anything={"deep": [Secret("value of D")]},
        hidden=9,
    )
    assert isinstance(settings.ratio, float)


def test_numbers_from_a_format_without_numbers_are_read_when_the_settings_are_built():
    config = DeskConfig(
        desk="acme",
        inboxes={"general": InboxConfig(sla=1, primary_for=("chat",))},
        entry_points={
            "widget": EntryPointConfig(
                channel="chat",
                address="w",
                settings={
                    "token": SecretRef(env="T"),
                    "retries": "5",
                    "ratio": "0.5",
                    "fast": "true",
                    "either": "7",
                },
            ),
        },
    )
    settings = adapter_settings(config, "widget", CHAT, lambda ref: Secret(ref.env))
    assert (settings.retries, settings.ratio, settings.fast) == (5, 0.5, True)
    assert settings.either == "7"
    assert list(settings_problems(config, REGISTRY, text_scalars=True)) == []
    assert [problem.path for problem in settings_problems(config, REGISTRY)] == [
        "entry_points.widget.retries",
        "entry_points.widget.ratio",
        "entry_points.widget.fast",
    ]


def test_an_account_may_hold_what_only_another_channel_understands():
    sms = {"channel": "sms", "account": "site", "address": "1"}
    shared = document({"token": TOKEN, "sender": "acme", "theme": "dark"}, {}, number=sms)
    config = load_config(shared, registry=REGISTRY)
    settings = adapter_settings(config, "number", SMS, lambda ref: Secret(ref.env))
    assert settings == SmsSettings(address="1", token=Secret("TOKEN"), sender="acme")


def test_an_unknown_entry_point_is_refused_with_a_suggestion():
    config = load_config(document({"token": TOKEN}, {}), registry=REGISTRY)
    with pytest.raises(UnknownEntryPoint, match=r'did you mean "widget"\?'):
        adapter_settings(config, "wigdet", CHAT, lambda ref: Secret(ref.env))


def test_a_secret_that_is_not_there_is_the_revealers_to_say():
    config = load_config(document({"token": TOKEN}, {}), registry=REGISTRY)

    def reveal(ref: SecretRef) -> Secret:
        raise SecretMissing(f"{ref.env} is not set")

    with pytest.raises(SecretMissing, match="TOKEN is not set"):
        adapter_settings(config, "widget", CHAT, reveal)


def test_settings_that_were_never_checked_are_checked_when_they_are_built():
    config = load_config(document({"retries": [1]}, {"tehme": "dark"}))
    with pytest.raises(ConfigError) as caught:
        adapter_settings(config, "widget", CHAT, lambda ref: Secret(ref.env))
    assert [problem.path for problem in caught.value.problems] == [
        "entry_points.widget.tehme",
        "entry_points.widget",
        "accounts.site.retries",
    ]


# --- checking


def test_unknown_settings_are_refused_with_a_suggestion():
    (account, own) = problems({"token": TOKEN, "thme": "dark"}, {"retrys": 3})
    assert account.startswith('accounts.site.thme: unknown setting; did you mean "theme"?')
    assert own.startswith('entry_points.widget.retrys: unknown setting; did you mean "retries"?')
    (own,) = problems({"token": TOKEN, "address": "elsewhere"})
    assert own.startswith("accounts.site.address: unknown setting")


def test_a_missing_setting_is_said_at_the_entry_point():
    assert problems({}) == [
        'entry_points.widget: chat needs the setting "token"; set it here or in accounts.site',
    ]
    assert problems({}, {"account": None}) == [
        'entry_points.widget: chat needs the setting "token"; set it here',
    ]
    (problem,) = problems({"tokn": TOKEN})
    assert problem.startswith('accounts.site.tokn: unknown setting; did you mean "token"?')
    (problem,) = problems({"token": TOKEN}, {"account": "siet"})
    assert problem.startswith('entry_points.widget.account: unknown account "siet"')


@pytest.mark.req("R15")
@pytest.mark.parametrize(
    "setting,value,problem",
    [
        ("token", SPILLED, 'secrets are references; expected { env = "NAME" }, got text'),
        ("token", 8_675_309, 'secrets are references; expected { env = "NAME" }, got a number'),
        ("token", [SPILLED], 'secrets are references; expected { env = "NAME" }, got a list'),
        ("backup_token", SPILLED, 'secrets are references; expected { env = "NAME" }, got text'),
        ("tokens", [SPILLED], 'secrets are references; expected { env = "NAME" }, got text'),
        ("theme", TOKEN, "expected text, got a secret reference"),
        ("theme", 5, "expected text, got a number"),
        ("retries", SPILLED, "expected a whole number, got text"),
        ("retries", "5", "expected a whole number, got text"),
        ("retries", 1.5, "expected a whole number, got a number"),
        ("retries", True, "expected a whole number, got true or false"),
        ("ratio", SPILLED, "expected a number, got text"),
        ("fast", SPILLED, "expected true or false, got text"),
        ("tags", SPILLED, "expected a list, got text"),
        ("tags", [5], "expected text, got a number"),
        ("limits", ["x"], "expected a table, got a list"),
        ("colour", SPILLED, 'expected one of "red" and "blue", got text'),
        ("mode", SPILLED, 'expected one of "a" and "b", got text'),
        ("wait", SPILLED, 'expected a duration ("40s", "15m"), got text'),
        ("size", {"width": 1, "hight": SPILLED}, "expected what Size takes, got a table"),
        ("either", [1], "expected a whole number or text, got a list"),
    ],
)
def test_a_wrong_value_is_named_by_its_kind_and_never_shown(
    setting: str, value: object, problem: str
):
    own = problems({"token": TOKEN}, {setting: value})
    assert own == [f"entry_points.widget.{setting}: {problem}"]
    account = problems({"token": TOKEN, setting: value})
    assert account == [f"accounts.site.{setting}: {problem}"]


@pytest.mark.req("R15")
def test_a_secret_shows_in_no_error_of_the_settings_class_itself():
    @frozen
    class Picky:
        token: Secret = field()

        @token.validator
        def _check(self, _: Any, value: Secret) -> None:
            raise ValueError(f"cannot use {value.reveal()}")

    config = load_config(document({"token": TOKEN}, {}))
    adapter: Any = Adapter("chat", Picky)
    with pytest.raises(ConfigError) as caught:
        adapter_settings(config, "widget", adapter, lambda _: Secret(SPILLED))
    assert str(caught.value.problems[0]) == (
        "entry_points.widget: these settings do not fit: Picky refuses them with ValueError"
    )
    assert caught.value.__context__ is None


@pytest.mark.req("R15")
def test_a_configuration_holds_references_and_never_the_secret(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TOKEN", SPILLED)
    config = load_config(document({"token": TOKEN}, {}), registry=REGISTRY)
    settings = adapter_settings(config, "widget", CHAT, lambda _: Secret(SPILLED))
    assert SPILLED not in repr(config)
    assert SPILLED not in repr(settings)
    assert settings.token.reveal() == SPILLED


def test_channel_kinds_are_those_of_the_registry():
    fax = {"channel": "fax", "address": "1"}
    assert problems({"token": TOKEN}, other=fax) == [
        'entry_points.other.channel: no adapter for channel kind "fax"; known are "chat" and "sms"',
    ]


def test_a_kind_without_an_adapter_is_refused_elsewhere_only_where_it_is_misspelt():
    open_kinds = document({"token": TOKEN}, {})
    open_kinds["inboxes"]["general"]["primary_for"].append("email")
    open_kinds["channels"] = {"email": {}}
    assert load_config(open_kinds, registry=REGISTRY).channels.keys() == {"email"}
    open_kinds["channels"] = {"chatt": {}}
    with pytest.raises(ConfigError) as caught:
        load_config(open_kinds, registry=REGISTRY)
    assert [str(problem) for problem in caught.value.problems] == [
        'channels.chatt: no adapter for channel kind "chatt"; did you mean "chat"?',
    ]


def test_an_account_that_nobody_uses_is_not_judged():
    unused = document({"token": TOKEN}, {})
    unused["accounts"]["spare"] = {"anything": 1}
    assert "spare" in load_config(unused, registry=REGISTRY).accounts


def test_a_setting_that_resembles_a_key_is_the_adapters_where_it_declares_it():
    @frozen
    class Resembling:
        overrides: str = ""

    registry = Registry(Adapter("chat", Resembling))
    config = load_config(document({}, {"overrides": "x"}), registry=registry)
    assert config.entry_points["widget"].settings == {"overrides": "x"}
    with pytest.raises(ConfigError, match=r'overrides: unknown key; did you mean "override"\?'):
        load_config(document({}, {"overrides": "x"}))


def test_problems_of_a_configuration_made_by_a_program():
    config = DeskConfig(
        desk="acme",
        inboxes={"general": InboxConfig(sla=1, primary_for=("chat",))},
        accounts={"site": AccountConfig(settings={"token": SPILLED})},
        entry_points={"w": EntryPointConfig(channel="chat", address="1", account="site")},
    )
    assert [problem.path for problem in settings_problems(config, REGISTRY)] == [
        "accounts.site.token",
    ]


def test_annotations_that_only_type_checkers_see_are_taken_as_anything():
    namespace: dict[str, Any] = {}
    exec(  # as a module with `if TYPE_CHECKING: from x import Missing` would do
        "from __future__ import annotations\n"
        "from attrs import frozen\n"
        "@frozen\n"
        "class Lazy:\n"
        "    token: Missing\n",
        namespace,
    )
    config = load_config(
        document({"token": 1}, {}), registry=Registry(Adapter("chat", namespace["Lazy"]))
    )
    adapter: Any = Adapter("chat", namespace["Lazy"])
    assert adapter_settings(config, "widget", adapter, lambda _: Secret("")).token == 1


@pytest.mark.req("R15")
def test_a_configuration_shows_where_secrets_are_and_no_setting_that_may_be_one():
    hush = "EAAG-hush"
    config = load_config(
        {
            "accounts": {"meta": {"token": hush, "app": {"env": "APP"}, "odd": {"evn": hush}}},
            "inboxes": {"general": {"primary_for": ["chat"], "sla": "5m"}},
            "entry_points": {"web": {"channel": "chat", "pin": hush}},
        }
    )
    assert hush not in repr(config) + str(config)
    assert repr(config.accounts["meta"]) == (
        "AccountConfig(settings={'token': …, 'app': SecretRef(env='APP'), 'odd': …})"
    )
