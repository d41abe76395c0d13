"""Settings of adapters: checked against the class that the adapter declares, and built from it.

Owns the meeting of accounts and entry points with an adapter's `Settings`. A message never shows a
text that stands in a setting: it may be a secret in the wrong place (R15).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, get_type_hints

from attrs import NOTHING, Attribute, fields, frozen

from omniroute.config.fitting import Misfit, fit
from omniroute.errors import ConfigError, Problem, UnknownEntryPoint
from omniroute.model.desk_config import AccountConfig, DeskConfig, EntryPointConfig
from omniroute.model.secret import Secret, SecretRef
from omniroute.ports import AdapterRegistry, ChannelAdapter
from omniroute.rules.judged import kind_of
from omniroute.rules.names import did_you_mean, join, quoted, unknown

__all__ = ["ENTRY_POINT_KEYS", "adapter_settings", "declared_settings", "settings_problems"]

_ADDRESS: Final = "address"
ENTRY_POINT_KEYS: Final = tuple(
    each.name for each in fields(EntryPointConfig) if each.name != "settings"
)
"""The keys of an entry point that are no adapter's."""

_NO_ACCOUNT: Final = AccountConfig()

Reveal = Callable[[SecretRef], Secret]


@frozen
class _Field:
    """One setting that an adapter declares."""

    type: Any
    required: bool


def _declared(adapter: ChannelAdapter) -> dict[str, _Field]:
    """The settings of an adapter by the names its class is called with."""
    try:
        types = get_type_hints(adapter.Settings)
    except NameError:  # a type that is only imported for type checkers
        types = {}
    attributes: tuple[Attribute[Any], ...] = fields(adapter.Settings)
    return {
        each.alias or each.name: _Field(types.get(each.name, Any), each.default is NOTHING)
        for each in attributes
        if each.init
    }


def declared_settings(registry: AdapterRegistry) -> frozenset[str]:
    """Return the names of all the settings that the adapters there are understand."""
    return frozenset(name for each in registry.kinds().values() for name in _declared(each))


def adapter_settings(
    config: DeskConfig, entry_point: str, adapter: ChannelAdapter, reveal: Reveal
) -> Any:
    """Return an entry point's settings as its adapter's `Settings`: the account's, then its own.

    `reveal` gives the secret behind a reference. Raises `UnknownEntryPoint`, `ConfigError` for
    settings that the adapter does not take, and what `reveal` raises.
    """
    found = config.entry_points.get(entry_point)
    if found is None:
        what = f"no entry point is named {quoted(entry_point)}"
        raise UnknownEntryPoint(unknown(what, config.entry_points, entry_point))
    declared = _declared(adapter)
    problems = [
        *_unknown(_own(entry_point), found.settings, declared, ENTRY_POINT_KEYS),
        *_missing(config, entry_point, found, declared),
    ]
    values: dict[str, Any] = {}
    for name, (path, value) in _given(config, entry_point, found, declared).items():
        try:
            values[name] = fit(value, declared[name].type, reveal)
        except Misfit as misfit:
            problems.append(Problem(path, str(misfit)))
    if problems:
        raise ConfigError(problems, source=f"entry point {quoted(entry_point)}")
    return _instance(adapter, values, entry_point)


def _instance(adapter: ChannelAdapter, values: Mapping[str, Any], entry_point: str) -> Any:
    try:
        return adapter.Settings(**values)
    except (TypeError, ValueError) as error:  # its text may show a secret
        kind = f"{adapter.Settings.__name__} refuses them with {type(error).__name__}"
    raise ConfigError([Problem(_own(entry_point), f"these settings do not fit: {kind}")])


def settings_problems(
    config: DeskConfig, registry: AdapterRegistry, *, text_scalars: bool = False
) -> Iterator[Problem]:
    """Yield what is wrong with channel kinds, accounts and entry points, by the adapters there are.

    With `text_scalars`, numbers may stand as text, as they do in YAML.
    """
    kinds = registry.kinds()
    yield from _misspelt_kinds(config, kinds)
    for name, account in config.accounts.items():
        users = [e for e in config.entry_points.values() if e.account == name]
        used = [kind_of(config, each.channel) for each in users]
        if used and all(kind in kinds for kind in used):
            adapters = {kind: kinds[kind] for kind in used}
            yield from _account(join("accounts", name), account, adapters, text=text_scalars)
    for name, each in config.entry_points.items():
        kind = kind_of(config, each.channel)
        if kind in kinds:
            yield from _entry_point(config, name, each, kinds[kind], text=text_scalars)
        elif kind:
            what = f"no adapter for channel kind {quoted(kind)}"
            path = join("entry_points", name, "channel")
            yield Problem(path, unknown(what, kinds, kind))


def _misspelt_kinds(config: DeskConfig, kinds: Mapping[str, Any]) -> Iterator[Problem]:
    """Kinds are open, so that only those are refused that look like one there is."""
    written = [
        (join("channels", name) if each.type is None else join("channels", name, "type"), kind)
        for name, each in config.channels.items()
        for kind in (each.type or name,)
    ]
    for name, inbox in config.inboxes.items():
        path = join("inboxes", name, "primary_for")
        written += [
            (join(path, index), channel)
            for index, channel in enumerate(inbox.primary_for)
            if channel not in config.channels
        ]
    for path, kind in written:
        if kind not in kinds and (guess := did_you_mean(kind, kinds, similarity=0.8)):
            what = f"no adapter for channel kind {quoted(kind)}; did you mean {quoted(guess)}?"
            yield Problem(path, what)


def _account(
    path: str, account: AccountConfig, adapters: Mapping[str, ChannelAdapter], *, text: bool
) -> Iterator[Problem]:
    declared = [_declared(adapter) for adapter in adapters.values()]
    known = {name: each for fields in declared for name, each in fields.items()}
    known.pop(_ADDRESS, None)
    yield from _unknown(path, account.settings, known, ())
    for name, value in account.settings.items():
        types = [fields[name].type for fields in declared if name in fields]
        problems = (_misfit(join(path, name), value, each, text=text) for each in types)
        yield from dict.fromkeys(problem for problem in problems if problem)


def _entry_point(
    config: DeskConfig, name: str, each: EntryPointConfig, adapter: ChannelAdapter, *, text: bool
) -> Iterator[Problem]:
    declared = _declared(adapter)
    yield from _unknown(_own(name), each.settings, declared, ENTRY_POINT_KEYS)
    yield from _missing(config, name, each, declared)
    for key, value in each.settings.items():
        if key in declared:
            problem = _misfit(join(_own(name), key), value, declared[key].type, text=text)
            yield from (problem,) if problem else ()


def _own(entry_point: str) -> str:
    return join("entry_points", entry_point)


def _misfit(path: str, value: object, kind: Any, *, text: bool) -> Problem | None:
    try:
        fit(value, kind, _hidden, text_scalars=text)
    except Misfit as misfit:
        return Problem(path, str(misfit))
    return None


def _hidden(ref: SecretRef) -> Secret:
    return Secret(ref.env)


def _unknown(
    path: str, settings: Mapping[str, Any], declared: Mapping[str, _Field], others: tuple[str, ...]
) -> Iterator[Problem]:
    known = dict.fromkeys((*declared, *others))
    for key in settings:
        if key not in declared or key == _ADDRESS:
            yield Problem(join(path, key), unknown("unknown setting", known, key))


def _missing(
    config: DeskConfig, name: str, each: EntryPointConfig, declared: Mapping[str, _Field]
) -> Iterator[Problem]:
    if each.account is not None and each.account not in config.accounts:
        return  # what it would have brought is not known
    given = _given(config, name, each, declared)
    account = config.accounts[each.account] if each.account else _NO_ACCOUNT
    strangers = [key for key in (*account.settings, *each.settings) if key not in declared]
    place = f"set it here or in {join('accounts', each.account)}" if each.account else "set it here"
    for key, field in declared.items():
        misspelt = any(did_you_mean(stranger, [key]) for stranger in strangers)
        if field.required and key not in given and not misspelt:
            yield Problem(_own(name), f"{each.channel} needs the setting {quoted(key)}; {place}")


def _given(
    config: DeskConfig, name: str, each: EntryPointConfig, declared: Mapping[str, _Field]
) -> dict[str, tuple[str, Any]]:
    """What is set for an entry point, each with its path: the account's, its own, its address."""
    account = config.accounts.get(each.account or "", _NO_ACCOUNT)
    sources = (
        (join("accounts", each.account or ""), account.settings),
        (_own(name), each.settings),
        (_own(name), {_ADDRESS: each.address}),
    )
    return {
        key: (join(path, key), value)
        for path, settings in sources
        for key, value in settings.items()
        if key in declared
    }
