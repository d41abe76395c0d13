"""Loading: a source is read, surveyed, built and checked.

Owns the order of these steps, and that all their problems come at once, as they stand in the file.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from omniroute.config.documents import Document, parse, read
from omniroute.config.implied import implied
from omniroute.config.phones import phone_problems
from omniroute.config.reading import Notes
from omniroute.config.settings import declared_settings, settings_problems
from omniroute.config.shape import build
from omniroute.config.survey import Survey, survey
from omniroute.errors import ConfigError, Problem, UsageError
from omniroute.model.desk_config import DeskConfig
from omniroute.ports import AdapterRegistry
from omniroute.rules.arguments import blaming
from omniroute.rules.checks import problems as check
from omniroute.rules.names import join, quoted, shown

__all__ = ["load_config", "load_for", "loads"]

_SECTIONS: Final = ("inboxes", "accounts", "groups", "channels", "numbers")
_INBOX_PARTS: Final = ("primary_for", "queues")


@blaming
def load_config(
    source: str | os.PathLike[str] | Mapping[str, Any],
    *,
    registry: AdapterRegistry | None = None,
    desk: str | None = None,
) -> DeskConfig:
    """Return the configuration in a file (.toml, .json, .yaml with the extra `yaml`) or a mapping.

    `desk` is the desk's id whatever the source says; without it the source's own, else the file's
    stem, else "desk". With a `registry`, channel kinds and settings are checked against its
    adapters. Raises `ConfigError` with every problem at once, each with its path.
    """
    return _load(read(source), registry, desk)


def load_for(
    desk: str,
    source: DeskConfig | str | os.PathLike[str] | Mapping[str, Any],
    registry: AdapterRegistry | None = None,
) -> DeskConfig:
    """Return a desk's configuration, from a file or a mapping as `load_config`, or as it is given.

    Raises `UsageError` where the source says that it is another desk's.
    """
    if isinstance(source, DeskConfig):
        _same_desk(desk, source.desk)
        return source
    document = read(source)
    _same_desk(desk, document.values.get("desk", desk))
    return _load(document, registry, desk)


def _same_desk(desk: str, named: object) -> None:
    if named != desk:
        raise UsageError(
            "a configuration of another desk", where="desk", expected=quoted(desk), got=shown(named)
        )


@blaming
def loads(
    text: str,
    format: str = "toml",  # noqa: A002  (the word that people look for)
    *,
    registry: AdapterRegistry | None = None,
    desk: str | None = None,
) -> DeskConfig:
    """Return the configuration in a text of a format ("toml", "json", "yaml"), as `load_config`."""
    document = parse(text, format, source="configuration", desk="desk")
    return _load(document, registry, desk)


def _load(document: Document, registry: AdapterRegistry | None, desk: str | None) -> DeskConfig:
    found = survey(document.values, document.source)
    settings = declared_settings(registry) if registry is not None else frozenset[str]()
    notes = Notes(text_scalars=document.text_scalars, settings=settings)
    if desk is not None:
        found.values["desk"] = desk
    config = implied(build(notes, found.values, document.desk), found.values, notes)
    problems = [*found.problems, *notes.problems]
    problems += _judge(config, notes, found, registry)
    if problems:
        raise ConfigError(sorted(problems, key=found.places.order), source=document.source)
    return config


def _judge(
    config: DeskConfig, notes: Notes, found: Survey, registry: AdapterRegistry | None
) -> list[Problem]:
    """Judge what could be read, leaving out what only follows from a part that could not."""
    judged: list[Problem] = []
    if registry is not None:
        judged += settings_problems(config, registry, text_scalars=notes.text_scalars)
    judged += phone_problems(config)
    said = {problem.path for problem in (*found.problems, *judged)}
    checked = check(config, unread=set(_unread(notes, found.values)))
    judged += (problem for problem in checked if problem.path not in said)
    return [problem for problem in judged if not notes.is_broken(problem.path)]


def _unread(notes: Notes, values: Mapping[str, Any]) -> Iterator[str]:
    """The sections of which something is missing in what was read."""
    for section in _SECTIONS:
        if notes.is_broken(section):
            yield section
    if _capacity_is_broken(notes, values):
        yield "capacity"
    for name in _names(values, "inboxes"):
        path = join("inboxes", name)
        for part in _INBOX_PARTS:
            if notes.is_broken(path) or notes.holds_broken(join(path, part)):
                yield part


def _capacity_is_broken(notes: Notes, values: Mapping[str, Any]) -> bool:
    """Whether it is not known how many parts the desk's agents have, or one of them."""
    if not notes.broken:
        return False
    own = (join("agents", agent, "capacity") for agent in _names(values, "agents"))
    paths = (join("policy", "capacity"), *own)
    return any(notes.is_broken(path) or notes.holds_broken(path) for path in paths)


def _names(values: Mapping[str, Any], section: str) -> Iterable[str]:
    found = values.get(section)
    return found if isinstance(found, dict) else ()
