"""The reference and the code say the same: a name in one and not in the other turns a test red."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from enum import StrEnum
from inspect import isclass
from itertools import chain
from pathlib import Path
from typing import Any, get_args

import click
import pytest
from attrs import evolve, fields

import omniroute as om
from docs._ext.config_keys import SECTIONS, keys_of, markdown
from docs._ext.lifecycle_diagram import unreached
from omniroute import errors, sql, testing
from omniroute.channels.whatsapp import WhatsAppSettings
from omniroute.cli.app import app
from omniroute.codec import KINDS
from omniroute.config import dump
from omniroute.instants import MINUTE, render_duration
from omniroute.model import commands, effects, events, policy
from omniroute.model.assign import AssignSettings
from omniroute.model.desk_config import ChannelConfig, DeskConfig, InboxConfig, QueueNode
from omniroute.model.hours import ALWAYS
from omniroute.model.policy import AfterEnd, AfterEndTo, PolicySettings
from omniroute.plugins.hookspecs import Hooks
from omniroute.rules.checks import problems
from omniroute.rules.lifecycle import TABLE
from omniroute.rules.presets import PRESETS
from omniroute.testing import ScriptedAdapter, a_config
from tests.unit.docs.pages import code, named, pages, prose, tables


@pytest.fixture(scope="module")
def reference(project: Path) -> Path:
    return project / "docs" / "reference"


# --- configuration keys ---------------------------------------------------------------------------


READING = ("shape", "policies", "assigning")


def keys_read(project: Path) -> dict[str, list[str]]:
    """Return the keys that each function of `config.shape` and its parts reads, from its source."""
    texts = [(project / f"src/omniroute/config/{name}.py") for name in READING]
    bodies = [ast.parse(each.read_text(encoding="utf-8")).body for each in texts]
    found: dict[str, list[str]] = {}
    for function in chain.from_iterable(bodies):
        if not isinstance(function, ast.FunctionDef) or function.name == "capacity":
            continue  # it runs over its names and then over their values: checked by hand
        if keys := list(_keys(function)):
            found[function.name] = keys
    return found


def _keys(function: ast.FunctionDef) -> Any:
    """Every constant handed to `take` and `need`, and every tuple of names that they run over."""
    names = {
        target.id: node.value
        for node in ast.walk(function)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(function):
        if isinstance(node, ast.comprehension):
            run_over = names.get(getattr(node.iter, "id", ""), node.iter)
            yield from ast.literal_eval(run_over) if isinstance(run_over, ast.Tuple) else ()
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        if node.func.attr in ("take", "need") and isinstance(node.args[0], ast.Constant):
            yield node.args[0].value


def test_every_key_that_is_read_is_on_the_page(project):
    read = {name: sorted(keys) for name, keys in keys_read(project).items()}
    listed = {name: sorted(key.key for key in keys_of(at)) for at, (name, _) in SECTIONS.items()}
    assert listed.pop("capacity") == ["goal", "hard_max", "soft_max"]
    assert listed == read


def test_the_page_asks_for_every_section_under_its_own_heading(reference):
    page = (reference / "configuration.md").read_text(encoding="utf-8")
    asked = re.findall(r"^#+ (.+)\n(?:(?!#|% config).*\n)*% config keys: (.+)$", page, re.MULTILINE)
    assert asked == [(section, section) for section in SECTIONS]


@pytest.mark.parametrize("section", SECTIONS)
def test_every_key_has_a_description_a_value_and_a_default(section):
    for key in keys_of(section):
        assert key.meaning.endswith((".", ")")), f"{section}: {key.key} has no text below its field"
        assert key.value, key
        assert key.default, key
        assert len(key.meaning) < 120


def test_the_tables_are_well_formed_and_name_every_choice():
    for section in SECTIONS:
        lines = markdown(section).splitlines()
        assert len({line.replace("\\|", "").count("|") for line in lines}) == 1
    table = markdown("Policy")
    for kind in (om.Assignment, om.Distribution, om.Overtake, policy.NoticeSide):
        assert all(f'`"{each}"`' in table + markdown("Inactivity") for each in kind)


def test_the_words_of_after_end_are_explained(reference):
    _, after_end, resuming = prose(reference / "configuration.md").split("`to` is one of")
    resuming, _, levels = resuming.partition("`formula` is one of")
    kinds = ((after_end, AfterEndTo), (resuming, policy.ResumeTo), (levels, om.ServiceLevelFormula))
    for text, kind in kinds:
        assert sorted(re.findall(r'^- `"(\w+)"`', text, re.MULTILINE)) == sorted(kind)


def test_every_switch_is_named(reference):
    switches = (
        prose(reference / "configuration.md").partition("`enabled` takes")[2].partition(".")[0]
    )
    assert code(switches) == list(policy.SWITCHES)


@pytest.mark.parametrize(
    "key,default",
    [
        ("capacity", "3, 3, 5 for `messaging`"),
        ("labels", "none"),
        ("after_end", '`{ to = "new" }`'),
        ("idempotency_window", '`"30d"`'),
        ("assignment", '`"push"`'),
        ("skip_greeting_after_hours", "`false`"),
        ("chat_timeout", "none"),
    ],
)
def test_the_defaults_are_those_of_the_code(key, default):
    assert {each.key: each.default for each in keys_of("Policy")}[key] == default


def test_presets_set_what_the_page_says(reference):
    rows = tables(reference / "configuration.md")["Presets"]
    written: dict[str, dict[str, str]] = {name: {} for name in PRESETS}
    for row in rows:
        for name in PRESETS:
            if cell := row[f"`{name}`"]:
                written[name][named([row], "key")[0]] = cell.strip('`"')
    assert written == {name: dict(settings_of(preset)) for name, preset in PRESETS.items()}


def settings_of(settings: PolicySettings) -> Any:
    for each in fields(PolicySettings):
        value = getattr(settings, each.name)
        if isinstance(value, StrEnum):
            yield each.name, value.value
        elif isinstance(value, AfterEnd | policy.Resuming):
            yield f"{each.name}.to", value.to.value
            if value.within is not None:
                yield f"{each.name}.within", render_duration(value.within)
        elif isinstance(value, policy.TransferRules):
            plain = policy.TransferRules()
            for key in ("queue", "agent"):
                if getattr(value, key) != getattr(plain, key):
                    yield f"{each.name}.{key}", getattr(value, key).value
        elif value is not None:
            yield from _leaves(each.name, dump_policy(settings)[each.name])


def dump_policy(settings: PolicySettings) -> Any:
    return dump(a_config(policy=settings))["policy"]


def _leaves(name: str, value: Any) -> Any:
    if isinstance(value, dict):
        yield from ((f"{name}.{key}", str(text)) for key, text in value.items())
    else:
        shown = str(value).lower() if isinstance(value, bool) else str(value)
        yield name, ", ".join(value) if isinstance(value, list) else shown


SETTINGS: dict[str, Any] = {
    "assignment": om.Assignment.CLAIM,
    "distribution": om.Distribution.LEAST_LOADED,
    "agent_initiated": False,
    "overtake": om.Overtake.CONFIRM,
    "after_end": AfterEnd(AfterEndTo.QUEUE),
    "resume_to": policy.Resuming(policy.ResumeTo.LAST_AGENT),
    "capacity": {"messaging": om.Capacity(1, 1, 1)},
    "costs": {"chat": 1},
    "concurrency": 4,
    "menu_text": "?",
    "labels": {"queued": "Unanswered"},
    "idempotency_window": 1_000_000,
    "transfer": policy.TransferRules(maximum=1),
    "assign": AssignSettings(classes=False),
    "back_words": ("back",),
    "exit_words": ("exit",),
    "protected_names": policy.ProtectedNames.WHOLE_NAME,
    "enabled": {"greeting": False},
    "unanswered_expiration": MINUTE,
    "after_hours_expiration": MINUTE,
    "expiration_hours": policy.ExpirationHours.CURRENT,
    "chat_timeout": MINUTE,
    "hard_expiry": MINUTE,
    "selecting_expiration": MINUTE,
    "inactivity": policy.Inactivity(after=MINUTE),
    "keep_alive": policy.KeepAlive(after=1_000, text="?", end_after=1_000, end_text="Bye"),
    "greeting": "Hello",
    "skip_greeting_after_hours": True,
    "after_hours_message": "Closed",
    "dismissed_text": "Bye",
    "dismissed_text_at": policy.DismissedTextAt.WARNING,
    "ended_text": "Bye",
    "snooze_grace": MINUTE,
    "dismissed_resumes_after_hours": True,
    "wrap_up": MINUTE,
    "offer": policy.OfferRules(accept_within=MINUTE),
    "presence": policy.Presence(away_after=MINUTE),
    "closed": ("snooze",),
    "response_target": 1_000_000,
    "service_level": om.ServiceLevel(1_000_000),
    "hours": ALWAYS,
}


def allowed_in(key: str) -> set[str]:
    """Return the layers in which a policy may set a key, by asking the checks."""
    settings = PolicySettings(**{key: SETTINGS[key]})
    if key == "offer":
        settings = evolve(settings, assignment=policy.Assignment.OFFER_ONE)

    def desk(layer: str) -> DeskConfig:
        inbox = InboxConfig(
            sla=1_000_000,
            primary_for=("chat",),
            queues=(QueueNode("a", (QueueNode("c"),)), QueueNode("b")),
            policy=settings if layer == "inbox" else PolicySettings(),
            at={"a" if key == "menu_text" else "b": settings} if layer == "queue" else {},
        )
        return a_config(
            inboxes={"general": inbox},
            policy=settings if layer == "desk" else PolicySettings(),
            channels={"chat": ChannelConfig(policy=settings)} if layer == "channel" else {},
        )

    return {layer for layer in LAYERS if not problems(desk(layer))}


LAYERS = ("desk", "channel", "inbox", "queue")


@pytest.mark.parametrize("key", SETTINGS)
def test_a_policy_may_stand_where_the_page_says(key):
    (found,) = [each for each in keys_of("Policy") if each.key == key]
    assert set(found.layers) == allowed_in(key)


def test_every_setting_is_tried():
    assert set(SETTINGS) == {each.name for each in fields(PolicySettings)}


def test_the_settings_of_whatsapp_are_listed(project):
    rows = tables(project / "docs/how-to/connect-whatsapp.md")["Settings"]
    declared = {each.name for each in fields(WhatsAppSettings)} - {"address"}
    assert set(named(rows, "setting")) == declared


# --- the lifecycle --------------------------------------------------------------------------------


def test_every_state_is_there_and_says_whether_it_is_reached(reference):
    rows = tables(reference / "lifecycle.md")["States"]
    assert named(rows, "state") == [state.name for state in om.State]
    to_come = {named([row], "state")[0] for row in rows if row["in 0.1"] == "to come"}
    assert to_come == {state.name for state in unreached(TABLE)}


def test_every_reason_to_end_is_there(reference):
    rows = tables(reference / "lifecycle.md")["Why it ended"]
    assert named(rows, "reason") == [reason.name for reason in om.EndReason]


def test_every_command_is_there(reference):
    rows = tables(reference / "lifecycle.md")["Commands"]
    assert sorted(named(rows, "command")) == sorted(
        each.__name__ for each in get_args(commands.Command)
    )


def event_rows(reference: Path) -> list[dict[str, str]]:
    listed = tables(reference / "lifecycle.md")
    sections = (
        "Transitions of a conversation",
        "What else happens to a conversation",
        "Agents and the desk",
    )
    return [row for section in sections for row in listed[section]]


def concrete_events() -> list[type]:
    roots = (events.ConversationEvent, events.AgentEvent, events.Transition)
    every = [getattr(events, name) for name in events.__all__]
    return [each for each in every if isclass(each) and each not in roots and each in KINDS]


def test_every_event_is_there_with_its_kind_and_its_own_fields(reference):
    rows = {named([row], "event")[0]: row for row in event_rows(reference)}
    assert sorted(rows) == sorted(each.__name__ for each in concrete_events())
    for event in concrete_events():
        row = rows[event.__name__]
        bases = (events.Transition, events.ConversationEvent, events.AgentEvent)
        base = next((each for each in bases if issubclass(event, each)), None)
        inherited = {each.name for each in fields(base)} if base else set()
        own = [each.name for each in fields(event) if each.name not in inherited]
        assert code(row["own fields"]) == own, event
        assert code(row["kind"]) == [KINDS[event]], event


def test_transitions_are_told_apart_from_other_events(reference):
    listed = tables(reference / "lifecycle.md")["Transitions of a conversation"]
    transitions = [each for each in concrete_events() if issubclass(each, events.Transition)]
    assert sorted(named(listed, "event")) == sorted(each.__name__ for each in transitions)


def test_every_effect_is_there(reference):
    rows = tables(reference / "lifecycle.md")["Effects"]
    known = get_args(effects.Effect) or (effects.Effect,)
    assert sorted(named(rows, "effect")) == sorted(each.__name__ for each in known)


def test_every_deadline_is_there(reference):
    rows = tables(reference / "lifecycle.md")["Deadlines"]
    assert named(rows, "deadline") == [kind.name for kind in om.DeadlineKind]


# --- errors ---------------------------------------------------------------------------------------

ERRORS = [
    name
    for name in errors.__all__
    if issubclass(getattr(errors, name), om.OmnirouteError) and name != "OmnirouteError"
]
WARNINGS = [name for name in errors.__all__ if issubclass(getattr(errors, name), Warning)]


def error_rows(reference: Path) -> dict[str, dict[str, str]]:
    listed = tables(reference / "errors.md")
    sections = ("The sender's", "The caller's", "Outside")
    return {named([row], "error")[0]: row for section in sections for row in listed[section]}


def test_every_error_is_there_below_its_parent(reference):
    rows = error_rows(reference)
    assert sorted(rows) == sorted(ERRORS)
    for name, row in rows.items():
        assert code(row["below"]) == [getattr(errors, name).__base__.__name__], name


def test_every_warning_is_there(reference):
    assert named(tables(reference / "errors.md")["Warnings"], "warning") == WARNINGS


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_is_answered_as_the_page_says(name, reference):
    kind = getattr(errors, name)
    error = kind.__new__(kind)
    om.OmnirouteError.__init__(error, "as told")

    class Refusing(ScriptedAdapter):
        def verify(self, request: om.RawRequest, settings: Any, now: int) -> None:
            raise error

    class Plugin:
        @om.hookimpl
        def omniroute_adapters(self) -> list[Any]:
            return [Refusing("chat")]

    with om.Desks("memory://", plugins=[Plugin()], discover=False, builtin=False) as desks:
        desk = desks.create(a_config())
        try:
            answer = str(om.handle_webhook(desk, om.RawRequest(), entry_point="main").status)
        except kind:
            answer = "raised"
    assert answer == error_rows(reference)[name]["answer"]


# --- public names, hooks, commands of the shell ---------------------------------------------------


def documented(reference: Path) -> list[str]:
    """Return the full names that the API pages document, by autodoc or by hand."""
    found = []
    for page in (reference / "api").glob("*.md"):
        module = ""
        for line in page.read_text(encoding="utf-8").splitlines():
            if match := re.match(r"\.\. currentmodule:: (\S+)", line):
                module = match[1]
            elif match := re.match(r"\.\. (?:auto\w+|py:data):: (\S+)", line):
                found.append(match[1] if "." in match[1] else f"{module}.{match[1]}")
    return found


@pytest.mark.parametrize("face", [om, sql, testing], ids=lambda face: face.__name__)
def test_every_public_name_is_documented_once(face, reference):
    prefix = f"{face.__name__}."
    names = [name.removeprefix(prefix) for name in documented(reference) if name.startswith(prefix)]
    assert sorted(name for name in names if "." not in name) == sorted(face.__all__)


def test_every_hook_is_there(reference):
    page = (reference / "api" / "ports.md").read_text(encoding="utf-8")
    rows = tables(reference / "api" / "ports.md")["Plugins"]
    hooks = [name for name in vars(Hooks) if name.startswith("omniroute_")]
    assert sorted(name.partition("(")[0] for name in named(rows, "hook")) == sorted(hooks)
    assert "`omniroute`" in page  # the entry point group


def test_the_verbs_of_a_transaction_are_explained(project):
    rows = tables(project / "docs/how-to/write-a-store.md")["The verbs"]
    verbs = [name for name in vars(om.Transaction) if not name.startswith("_")]
    assert [name.partition("(")[0] for name in named(rows, "verb")] == verbs


def test_every_command_of_the_shell_is_there(reference):
    rows = tables(reference / "command-line.md")["Command line"]
    assert sorted(named(rows, "command")) == sorted(calls(app, "omniroute"))


def calls(command: click.Command, name: str) -> Iterator[str]:
    """Yield how each command is called, with its arguments: `omniroute check FILE`."""
    if isinstance(command, click.Group):
        for inner, each in command.commands.items():
            yield from calls(each, f"{name} {inner}")
    else:
        arguments = [each for each in command.params if isinstance(each, click.Argument)]
        yield " ".join([name, *(each.make_metavar(click.Context(command)) for each in arguments)])


def test_every_extra_is_in_the_readme(project):
    metadata = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    extras = set(metadata["project"]["optional-dependencies"]) - {"dev"}
    rows = tables(project / "README.md")["Install"]
    assert {name for row in rows for name in code(row["extra"])} == extras


# --- names in the text ----------------------------------------------------------------------------

OWNERS: dict[str, Any] = {"desk": om.Desk, "desks": om.Desks, "ana": om.Acting}


def test_names_in_the_text_exist(project):
    """`desk.take`, `om.Inbound` and the like: what is named in passing is really there."""
    missing = []
    for page in pages(project):
        if page.name == "rules.md":  # speaks of rules that are still to come as well
            continue
        for text in code(prose(page)):
            match = re.match(r"(om|desk|desks|ana)\.(\w+)", text)
            if match is None or text.endswith((".toml", ".db", ".db-shm", ".db-wal")):
                continue
            owner, name = match[1], match[2]
            if name not in known_attributes(owner):
                missing.append(f"{page.relative_to(project)}: {text}")
    assert missing == []


def known_attributes(owner: str) -> set[str]:
    if owner == "om":
        return {*om.__all__, "sql", "testing"}
    given = {"desk": {"staff", "contacts", "numbers", "id"}}.get(owner, set[str]())
    return set(dir(OWNERS[owner])) | given
