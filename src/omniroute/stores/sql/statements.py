"""Every statement that the store runs, built and compiled once for each dialect and shape.

SQLAlchemy writes the text and nothing more: the statements run on the driver's own cursor, with
their parameters in the order of the text. Each is led by `desk_id`, except those on the address
directory and on indexes that cross desks (R12). None reads the time: instants are parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import compress, groupby
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    Select,
    Table,
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    literal_column,
    select,
    tuple_,
    union_all,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.sql import ClauseElement, ColumnElement

from omniroute.errors import UsageError
from omniroute.schema import AGENTS, CONFIGS, CONVERSATIONS, DESKS, Collection, Index, Key
from omniroute.stores.entries import entries_beside, entries_of
from omniroute.stores.sql.batches import delete_rows, insert_rows, update_rows, upsert_rows
from omniroute.stores.sql.tables import BODY, DESK, VERSION, TableSet

__all__ = ["Decoded", "IndexPlan", "Plan", "Plans", "Shape", "plans_for", "plans_named"]

Shape = tuple[int, int, int, bool]
"""How many fields a scan's prefix, `after` and `until` have, and whether it goes backwards."""

_AGAIN: Final = (DESKS, AGENTS, CONVERSATIONS)  # what one command after the other reads
_AT_HAND: Final = 1024
_STYLES: Final = {"sqlite": "qmark", "postgresql": "format"}
_HEADS_WHOLE: Final = 4  # with at most so many, their rows come along
_HEADS: Final = 32  # at most so many heads are asked for in one statement


class _Parameters:
    """Gives bind parameters in the order in which they are asked for, which must be the text's."""

    def __init__(self) -> None:
        self._count = 0

    def typed(self, kind: Any) -> ColumnElement[Any]:
        self._count += 1
        return bindparam(f"p{self._count - 1}", type_=kind)

    def equal(self, columns: Sequence[Column[Any]]) -> list[ColumnElement[bool]]:
        return [column == self.typed(column.type) for column in columns]

    def row(self, columns: Sequence[Column[Any]]) -> ColumnElement[Any]:
        return tuple_(*(self.typed(column.type) for column in columns))

    def number(self) -> ColumnElement[Any]:
        return self.typed(BigInteger())


class Plans:
    """The plans of every collection and index, for one dialect."""

    def __init__(self, dialect: type[Dialect], tables: TableSet) -> None:
        style = _STYLES.get(dialect.name)
        if style is None:
            raise UsageError(
                "this database is not supported",
                expected=" or ".join(sorted(_STYLES)),
                got=dialect.name,
            )
        self.name = dialect.name
        self.tables = tables
        make: Callable[..., Dialect] = dialect
        self._dialect = make(paramstyle=style)
        self.of_many: dict[str, str] = {}
        self._together: dict[tuple[str, ...], str] = {}
        self.collections = {each: Plan(each, self) for each in tables.main}
        self.indexes = {
            index: IndexPlan(index, self) for each in tables.main for index in each.indexes
        }

    @cached_property
    def turn(self) -> str:
        """Lock a row of a desk that never changes: its first configuration's, where it has one."""
        table, parameters = self.tables.main[CONFIGS], _Parameters()
        version = table.c[CONFIGS.key_columns[0].name] == literal_column("1")
        where = (*parameters.equal([table.c[DESK]]), version)
        query: Select[Any] = select(literal_column("1")).where(*where)
        return self.text(query.with_for_update())

    def text(self, clause: ClauseElement) -> str:
        """Return a statement as the driver takes it; its parameters are p0, p1… in this order."""
        compiled = clause.compile(dialect=self._dialect)
        names = list(getattr(compiled, "positiontup", None) or [])
        if names != [f"p{number}" for number in range(len(names))]:
            raise AssertionError(f"parameters out of order: {names}")
        return str(compiled)

    def also(self, text: str, many: str) -> str:
        """Return the text of a statement, and know how the same is written for many rows at once."""
        self.of_many[text] = many
        return text

    def together(self, texts: tuple[str, ...], *, counted: bool) -> str:
        """Return one statement that does what several do.

        They must not touch the same row, and happen in no order: PostgreSQL runs them on one
        snapshot. Where it is `counted`, its last parameter says how many rows are to be updated, and
        it fails by a division by zero (a lost race, for `drivers`) where those are not all there.
        """
        found = self._together.get(texts)
        if found is None:
            if len(self._together) >= _AT_HAND:
                self._together.clear()
            found = self._together[texts] = _together(texts, counted=counted)
        return found

    def insert(self, table: Any) -> Any:
        """Return an insert that knows `ON CONFLICT`."""
        return postgresql.insert(table) if self.name == "postgresql" else sqlite.insert(table)


def _together(texts: tuple[str, ...], *, counted: bool) -> str:
    parts, counts = [], []
    for number, text in enumerate(texts):
        updates = counted and text.startswith("UPDATE")
        parts.append(f"w{number} AS ({text} RETURNING 1)" if updates else f"w{number} AS ({text})")
        if updates:
            counts.append(f"(SELECT count(*) FROM w{number})")  # noqa: S608
    check = f"1 / (CASE WHEN {' + '.join(counts)} = %s THEN 1 ELSE 0 END)" if counts else "1"
    return f"WITH {', '.join(parts)} SELECT {check}"


_PLANS: Final[dict[tuple[type[Dialect], str | None], Plans]] = {}


def plans_for(dialect: type[Dialect], database_schema: str | None) -> Plans:
    """Return the plans for a kind of database; shared by every store on one."""
    found = _PLANS.get((dialect, database_schema))
    if found is None:
        found = Plans(dialect, TableSet(database_schema=database_schema))
        _PLANS[dialect, database_schema] = found
    return found


def plans_named(database: str) -> Plans:
    """Return the plans for a kind of database, on whose driver's own cursor they are to run."""
    dialects: dict[str, type[Dialect]] = {
        "postgresql": postgresql.dialect,
        "sqlite": sqlite.dialect,
    }
    if database not in dialects:
        raise UsageError(
            "this database is not supported", expected=" or ".join(sorted(dialects)), got=database
        )
    return plans_for(dialects[database], None)


class Decoded(dict[Any, Any]):
    """What rows were last known to hold: a row that still has the same text is not decoded again.

    Never trusted without comparing the text, so that it does not matter who changed the row since,
    or whether what was written was committed. Holds up to `most`, then begins anew.
    """

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def keep(self, place: Any, stored: Any) -> None:
        """Remember what is stored in a place."""
        if self._most:
            if len(self) >= self._most:
                self.clear()
            self[place] = stored


class Plan:
    """The statements on one collection's table, and on the side tables of its `many` indexes."""

    def __init__(self, collection: Collection[Any], plans: Plans) -> None:
        self.collection = collection
        self.led = collection.desk_led
        self.table = plans.tables.main[collection]
        self.many = tuple(each for each in collection.indexes if each.many is not None)
        self.unique = tuple(entries_beside(each) for each in collection.indexes if each.unique)
        self.width = len(collection.columns)
        self.decoded = Decoded(_AT_HAND if collection in _AGAIN else 0)
        self._plans = plans
        self._updates: dict[tuple[bool, ...], str] = {}
        names = [column.name for column in collection.key_columns]
        self.keys = [self.table.c[name] for name in ([DESK, *names] if self.led else names)]
        self.columns = [self.table.c[column.name] for column in collection.columns]
        self.stored = [*self.columns, self.table.c[BODY], self.table.c[VERSION]]

    def place(self, row: Sequence[Any]) -> tuple[Plan, str, tuple[Any, ...]]:
        """Where a row of desk, key, columns, body and version is stored."""
        keys = len(self.keys)
        return (self, row[0], tuple(row[1:keys])) if self.led else (self, "", tuple(row[:keys]))

    @cached_property
    def get(self) -> str:
        """Columns, body and version of the row under a key."""
        return self._plans.text(select(*self.stored).where(*_Parameters().equal(self.keys)))

    @cached_property
    def get_locked(self) -> str:
        """The same, locked until the end of the transaction where the database locks rows."""
        query = select(*self.stored).where(*_Parameters().equal(self.keys))
        return self._plans.text(query.with_for_update())

    @cached_property
    def insert(self) -> str:
        """A new row: key, columns, body, version."""
        columns = [*self.keys, *self.stored]
        text = self._plans.text(insert(self.table).values(_values(_Parameters(), columns)))
        return self._plans.also(text, insert_rows(self.table, columns))

    @cached_property
    def upsert(self) -> str:
        """A row that may be there: key, columns, body, version."""
        values = _values(_Parameters(), [*self.keys, *self.stored])
        new = self._plans.insert(self.table).values(values)
        changed = {column.name: new.excluded[column.name] for column in self.stored}
        text = self._plans.text(new.on_conflict_do_update(index_elements=self.keys, set_=changed))
        many = upsert_rows(self.table, [*self.keys, *self.stored], self.keys)
        return self._plans.also(text, many)

    def update(self, mask: tuple[bool, ...]) -> str:
        """Some columns, body and version of the row under a key."""
        found = self._updates.get(mask)
        if found is None:
            parameters = _Parameters()
            changed = [*compress(self.columns, mask), *self.stored[self.width :]]
            query = update(self.table).values(_values(parameters, changed))
            found = self._plans.text(query.where(*parameters.equal(self.keys)))
            self._plans.also(found, update_rows(self.table, changed, self.keys))
            self._updates[mask] = found
        return found

    @cached_property
    def delete(self) -> str:
        """The row under a key."""
        text = self._plans.text(delete(self.table).where(*_Parameters().equal(self.keys)))
        return self._plans.also(text, delete_rows(self.table, self.keys))


def _values(parameters: _Parameters, columns: Sequence[Column[Any]]) -> dict[str, Any]:
    return {column.name: parameters.typed(column.type) for column in columns}


class IndexPlan:
    """The statements by which one index is read, and written where it has a table of its own."""

    def __init__(self, index: Index[Any], plans: Plans) -> None:
        self.index = index
        self.plan = plans.collections[index.collection]
        self.led = index.desk_led and index.collection.desk_led
        self.entries_of = entries_of(index)
        self.order = plans.tables.order(index)
        self._plans = plans
        self._side = plans.tables.side.get(index)
        self._scans: dict[tuple[Shape, bool], str] = {}
        self._counts: dict[int, str] = {}
        self._heads: dict[tuple[int, int], str] = {}
        table = self.plan.table if self._side is None else self._side
        self._desk = [table.c[DESK]] if self.led else []
        self.fields = len(self.order)
        fields = self.order[: len(index.columns)]
        self._present = [column.is_not(None) for column in fields if column.nullable]

    # --- reading ---

    def scan(self, shape: Shape, *, whole: bool) -> str:
        """Entries between bounds, or the whole rows: prefix, `after`, `until`, limit."""
        found = self._scans.get((shape, whole))
        if found is None:
            found = self._scans[shape, whole] = self._plans.text(self._scan(shape, whole=whole))
        return found

    def between(
        self,
        desk: str,
        bounds: tuple[Key, Key, Key],
        limit: int,
        *,
        reverse: bool = False,
        whole: bool,
    ) -> tuple[str, Key]:
        """The query for what a desk has between bounds: prefix, `after`, `until`."""
        prefix, after, until = bounds
        text = self.scan((len(prefix), len(after), len(until), reverse), whole=whole)
        return text, (*((desk,) if self.led else ()), *prefix, *after, *until, limit)

    def _scan(self, shape: Shape, *, whole: bool) -> Select[Any]:
        prefix, after, until, reverse = shape
        parameters, order = _Parameters(), self.order
        where = [*parameters.equal([*self._desk, *order[:prefix]]), *self._present]
        if after:
            fields = order[prefix : prefix + after]
            bound = parameters.row(fields)
            where.append(tuple_(*fields) < bound if reverse else tuple_(*fields) > bound)
        if until:
            fields = order[prefix : prefix + until]
            bound = parameters.row(fields)
            where.append(tuple_(*fields) >= bound if reverse else tuple_(*fields) <= bound)
        query = self._whole() if whole else select(*order)
        ordered = [column.desc() for column in order] if reverse else order
        query = query.where(*where).order_by(*ordered[prefix:])
        return query.limit(parameters.number()).offset(literal_column("0"))

    def _whole(self) -> Select[Any]:
        """Desk, key, columns, body and version of the values behind the entries."""
        rows = select(*self.plan.keys, *self.plan.stored)
        if self._side is None:
            return rows
        side = self._side
        same = [column == side.c[column.name] for column in self.plan.keys]
        return rows.select_from(side.join(self.plan.table, and_(*same)))

    def count(self, prefix: int) -> str:
        """How many entries start with a prefix."""
        found = self._counts.get(prefix)
        if found is None:
            where = [*_Parameters().equal([*self._desk, *self.order[:prefix]]), *self._present]
            query = select(func.count()).select_from(self.order[0].table).where(*where)
            found = self._counts[prefix] = self._plans.text(query)
        return found

    def heads(self, prefix: int, count: int) -> tuple[str, int]:
        """The first entry of each of some prefixes, and how many of them one statement asks for.

        Numbers of prefixes are cut into powers of two, so that few texts serve all of them. With
        few of them the rows behind come along: one is likely to be asked for next.
        """
        at_once = min(_HEADS, 1 << (count.bit_length() - 1))
        found = self._heads.get((prefix, at_once))
        if found is None:
            parameters = _Parameters()
            whole = self._side is None and at_once <= _HEADS_WHOLE
            firsts = [self._head(prefix, parameters, whole=whole) for _ in range(at_once)]
            query = firsts[0] if at_once == 1 else union_all(*firsts)
            found = self._heads[prefix, at_once] = self._plans.text(query)
        return found, at_once

    def firsts(self, desk: str, prefixes: Sequence[Key]) -> Iterator[tuple[int, str, Key]]:
        """Yield the queries for the first entries of some prefixes, each with how long they are."""
        led = (desk,) if self.led else ()
        for length, same in groupby(sorted(dict.fromkeys(prefixes), key=len), key=len):
            rest = list(same)
            while rest:
                text, count = self.heads(length, len(rest))
                asked, rest = rest[:count], rest[count:]
                yield length, text, tuple([x for prefix in asked for x in (*led, *prefix)])

    def _head(self, prefix: int, parameters: _Parameters, *, whole: bool) -> Select[Any]:
        where = [*parameters.equal([*self._desk, *self.order[:prefix]]), *self._present]
        behind = (*self.plan.keys, *self.plan.stored) if whole else ()
        fields = [column.label(f"f{n}") for n, column in enumerate((*self.order, *behind))]
        query = select(*fields).where(*where).order_by(*self.order[prefix:])
        first = query.limit(literal_column("1")).offset(literal_column("0")).subquery()
        return select(*first.c)

    # --- leasing ---

    @cached_property
    def due(self) -> str:
        """Rows at or before an instant that are first in their lane: instant, limit."""
        parameters, order, table = _Parameters(), self.order, self.plan.table
        where = [*parameters.equal(self._desk), *self._present, order[0] <= parameters.number()]
        if self.index.lane is not None:
            where.append(~self._something_before())
        query = self._whole().where(*where).order_by(*order).limit(parameters.number())
        query = query.offset(literal_column("0"))
        return self._plans.text(query.with_for_update(skip_locked=True, of=table))

    def _something_before(self) -> ColumnElement[bool]:
        """Whether the lane has an entry before this one."""
        index, table = self.index, self.plan.table
        other = table.alias("other")
        names = [index.lane_order or "", *(key.name for key in index.collection.key_columns)]
        same = [other.c[name] == table.c[name] for name in self._lane_names()]
        present = [other.c[name].is_not(None) for name in index.columns]
        before = tuple_(*(other.c[name] for name in names)) < tuple_(*(table.c[n] for n in names))
        return exists(select(literal_column("1")).select_from(other).where(*same, *present, before))

    def _lane_names(self) -> list[str]:
        return [*([DESK] if self.led else []), self.index.lane or ""]

    # --- entries of an index with a table of its own ---

    @cached_property
    def insert(self) -> str:
        """A new entry: desk, fields, key."""
        columns, table = [*self._desk, *self.order], self._written
        text = self._plans.text(insert(table).values(_values(_Parameters(), columns)))
        return self._plans.also(text, insert_rows(table, columns))

    @cached_property
    def delete(self) -> str:
        """An entry: desk, fields, key."""
        columns, table = [*self._desk, *self.order], self._written
        text = self._plans.text(delete(table).where(*_Parameters().equal(columns)))
        return self._plans.also(text, delete_rows(table, columns))

    @property
    def _written(self) -> Table:
        assert self._side is not None  # noqa: S101  (only these indexes are written by themselves)
        return self._side
