"""What the commands on a stored desk have in common: options, opening, a desk with its staff, output."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from omniroute.cli.console import console
from omniroute.errors import UsageError
from omniroute.lazy import later

if TYPE_CHECKING:
    import attrs

    from omniroute import plugins, schema
    from omniroute.channels import builtin
    from omniroute.config import load
    from omniroute.desk import desks, staff
    from omniroute.desk.desk import Desk
    from omniroute.desk.desks import Desks
    from omniroute.model.desk_config import AgentConfig, DeskConfig
    from omniroute.ports import Transaction
    from omniroute.rules import names
else:
    (attrs,) = later(globals(), None, "attrs")
    plugins, schema = later(globals(), "omniroute", "plugins", "schema")
    (load,) = later(globals(), "omniroute.config", "load")
    (builtin,) = later(globals(), "omniroute.channels", "builtin")
    desks, staff = later(globals(), "omniroute.desk", "desks", "staff")
    (names,) = later(globals(), "omniroute.rules", "names")

__all__ = [
    "desk_option",
    "is_empty",
    "json_option",
    "load_config",
    "move_option",
    "moves_of",
    "opened",
    "print_json",
    "read_config",
    "say",
    "store_opened",
    "store_option",
    "with_staff",
]

F = TypeVar("F", bound=Callable[..., Any])

_PAGE = 1000
_SQL = ("sqlite", "postgres", "postgresql")
_MAKE = "omniroute apply FILE --store URL"

store_option = click.option(
    "--store", "store", metavar="URL", help="The store that the desk is in."
)
desk_option = click.option("--desk", help="The desk's id, where the store has more than one.")
json_option = click.option("--json", "as_json_", is_flag=True, help="Print JSON, for programs.")
move_option = click.option(
    "--move",
    multiple=True,
    metavar="QUEUE=QUEUE",
    help="Where the open conversations of a queue go that is taken away. May be given again.",
)


@contextmanager
def opened(store: str | None, desk: str | None) -> Iterator[Desk]:
    """Open the desk of a store: the one that is named, or the only one there is."""
    if store is None:
        raise click.UsageError("give the store that the desk is in: --store URL")
    with store_opened(store) as found:
        yield found[_only(found) if desk is None else _known(found, desk)]


@contextmanager
def store_opened(store: str) -> Iterator[Desks]:
    """Open a store that is there: a misspelt URL is told, and leaves no database behind."""
    if is_empty(store):
        raise _not_there(store)
    with desks.Desks(store) as found:
        yield found


def is_empty(store: str) -> bool:
    """Whether a store is a database without tables, or without a file: to open it would make them."""
    if store.partition(":")[0].partition("+")[0] not in _SQL:
        return False
    try:
        from omniroute.stores.sql.upgrading import status
        from omniroute.stores.sql.versions import Standing
    except ModuleNotFoundError:
        return False  # opening it says what to install
    return status(store).standing is Standing.EMPTY


def _not_there(store: str) -> UsageError:
    from omniroute.stores.sql.urls import database_file, database_url

    url = database_url(store)
    file = database_file(url)
    if file is not None:
        name = f'"{file.absolute()}"'
    else:
        name = f'"{url.database or "memory"}"' + (f" on {url.host}" if url.host else "")
    return UsageError(
        f"there is no database {name}"
        if file is not None and not file.exists()
        else f"the database {name} has none of omniroute's tables",
        hint=f"check the URL; {_MAKE} makes a desk there, and what it needs",
    )


def _no_desk() -> UsageError:
    return UsageError("the store has no desk yet", hint=_MAKE)


def _known(store: Desks, desk: str) -> str:
    if desk not in store:
        said = f"the store has no desk {names.quoted(desk)}"
        raise UsageError(names.unknown(said, store.ids(), desk))
    return desk


def _only(store: Desks) -> str:
    found = store.ids()
    if len(found) == 1:
        return found[0]
    if not found:
        raise _no_desk()
    raise click.UsageError(
        f"the store has the desks {names.listing(found)}: say which, with --desk"
    )


def with_staff(desk: Desk) -> DeskConfig:
    """Return a stored desk's configuration with its staff in it, for looking at the whole."""
    agents: dict[str, AgentConfig] = {}
    after: tuple[str, ...] | None = None
    store, everybody = desk._runtime.store, schema.AGENTS.index("all_agents")  # noqa: SLF001  (profiles as they are stored, not as views)

    def page(tx: Transaction) -> list[Any]:
        return tx.scan(everybody, desk.id, after=after, limit=_PAGE)

    while found := store.transact(page):
        agents |= {each.id: staff.profile_of(each) for each in found}
        after = (found[-1].id,)
    return attrs.evolve(desk.config, agents=agents)


def load_config(file: str, desk: str | None = None) -> DeskConfig:
    """Return the configuration of a file; the adapters of installed plugins count."""
    registry = plugins.Registry((builtin.BuiltinAdapters(),), discover=True)
    return load.load_config(file, registry=registry, desk=desk)


def read_config(file: str | None, store: str | None, desk: str | None) -> DeskConfig:
    """Return the configuration of a file, or of a stored desk with its staff."""
    if file is not None:
        return load_config(file, desk)
    if store is None:
        raise click.UsageError("give a FILE, or the store of a desk: --store URL")
    with opened(store, desk) as found:
        return with_staff(found)


def moves_of(move: tuple[str, ...]) -> dict[str, str]:
    """Return what `--move` says, by queue."""
    moves = {}
    for each in move:
        source, equals, target = each.partition("=")
        if not (source and equals and target):
            raise click.UsageError(f"--move takes QUEUE=QUEUE, got {each!r}")
        moves[source] = target
    return moves


def print_json(value: Any) -> None:
    """Print a JSON value on standard output, never wrapped and never coloured."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def say(text: str, style: str | None = None) -> None:
    """Print a line, in colour where the terminal can, never wrapped."""
    console().print(text, style=style, soft_wrap=True, markup=False)
