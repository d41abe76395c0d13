"""How a transaction's statements go to the database: one by one, or several in one way.

Owns when the transaction begins, what its failures mean, which reads go along with another's way,
and the writes of a flush, which PostgreSQL takes as one statement. Knows nothing of values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NoReturn

from omniroute.errors import StoreError
from omniroute.stores.sql.batches import as_columns
from omniroute.stores.sql.drivers import Driver, Fault, error_for
from omniroute.stores.sql.statements import Plans
from omniroute.stores.sql.wire import Answer, Statement, Wire

__all__ = ["Exchange", "Row"]

Row = Sequence[Any]

_Asked = tuple[str, Row]  # a query and its parameters
_FEW: Final = 3  # more rows than these are cheaper as one parameter


class Exchange:
    """A transaction's side of the way to the database."""

    __slots__ = (
        "_answered",
        "_begin_as",
        "_begun",
        "_cursor",
        "_driver",
        "_errors",
        "_expected",
        "_gathered",
        "_gathers",
        "_held",
        "_holds",
        "_listed",
        "_plans",
        "_updates",
        "_wire",
        "error",
        "fault",
        "will_write",
    )

    def __init__(
        self,
        cursor: Any,
        begin: Callable[[bool], None],
        plans: Plans,
        driver: Driver,
        *,
        will_write: bool,
    ) -> None:
        self._cursor = cursor
        self._wire = cursor if isinstance(cursor, Wire) else None
        self._begin_as = begin
        self._plans = plans
        self._driver = driver
        self._errors = driver.errors
        self._begun = False
        self._expected: dict[_Asked, bool] = {}  # what goes along with the next way
        self._answered: dict[_Asked, Answer] = {}  # and what came of it
        self._listed: dict[_Asked, Answer] = {}  # the same of queries, until something is written
        self._gathered: list[Statement] = []
        self._gathers = False
        self._updates = 0
        self._holds = False
        self._held: list[Statement] = []
        self.will_write = will_write
        self.error: StoreError | None = None
        self.fault: Fault | None = None

    # --- the beginning ---

    def _read(self) -> None:
        if not self._begun:
            self._begin(write=self.will_write)

    def _write(self) -> None:
        """Begin as a writer; a transaction that began by reading starts over as one."""
        if not self._begun:
            self.will_write = True
            self._begin(write=True)
        elif not self.will_write and not self._driver.row_locks:
            self.will_write = True
            self.fault = Fault.READ_ONLY
            self.error = StoreError("the transaction began by reading, and starts over to write")
            raise self.error

    def _begin(self, *, write: bool) -> None:
        try:
            self._begin_as(write)
        except self._errors as error:
            self._fail(error)
        self._begun = True

    # --- failing ---

    def _fail(self, error: BaseException) -> NoReturn:
        """Raise what a driver's error means, and remember it: the transaction is spoilt."""
        self.fault = self._driver.judge(error)
        self.error = error_for(self.fault, error)
        raise self.error from error

    def _lost(self) -> NoReturn:
        self.fault = Fault.LOST
        self.error = StoreError("a row changed under the transaction")
        raise self.error

    # --- reading ---

    def _run(self, text: str, parameters: Row) -> Any:
        if self.error is not None:
            raise self.error  # it is spoilt, and may have no transaction to be in
        try:
            self._cursor.execute(text, parameters)
        except self._errors as error:
            self._fail(error)
        return self._cursor

    @property
    def foresees(self) -> bool:
        """Whether it is of use to say ahead what will be read."""
        return self._wire is not None

    def _expect(self, text: str, parameters: Sequence[Any], *, lists: bool) -> None:
        """Let a query go along with the next way; one that `lists` is as old as the last write."""
        for field in parameters:
            if type(field) is str and not field.isprintable():
                return  # what cannot be asked for fails where it is asked for
        asked = (text, tuple(parameters))
        if asked not in self._listed:
            self._expected[asked] = lists

    def _fetch(self, text: str, parameters: Row) -> list[Row]:
        """Return the rows of a query, which may have come along with another's."""
        if self._wire is None:
            rows: list[Row] = self._run(text, parameters).fetchall()
            return rows
        asked = (text, tuple(parameters))
        found = None
        if self._answered or self._listed:
            found = self._answered.pop(asked, None) or self._listed.pop(asked, None)
        if found is None:
            self._expected.pop(asked, None)
            (found,) = self._ask([asked])
        return found.rows()

    def _fetch_one(self, text: str, parameters: Row) -> Row | None:
        if self._wire is None:
            row: Row | None = self._run(text, parameters).fetchone()
            return row
        rows = self._fetch(text, parameters)
        return rows[0] if rows else None

    def _fetch_locked(self, text: str, desk: str) -> Row | None:
        """Return a desk's row, once it is ours to change.

        Whoever waits for a row that changes is woken with each change, all of them, to wait for the
        next version. So they line up before it, for a row that never changes: there one is woken.
        """
        self._answered.clear()  # read before: may have changed
        self._listed.clear()
        if self._wire is None:
            return self._fetch_one(text, (desk,))
        _, locked = self._ask([(self._plans.turn, (desk,)), (text, (desk,))])
        rows = locked.rows()
        return rows[0] if rows else None

    def _ask(self, asked: list[_Asked]) -> list[Answer]:
        """Return the answers to some queries; what is expected goes along after them."""
        assert self._wire is not None  # noqa: S101  (only there are several asked at once)
        if self.error is not None:
            raise self.error
        along, self._expected = self._expected, {}
        try:
            answers = self._wire.ask([*asked, *along])
        except self._errors as error:
            self._fail(error)
        for (query, lists), answer in zip(along.items(), answers[len(asked) :], strict=True):
            (self._listed if lists else self._answered)[query] = answer
        return answers[: len(asked)]

    # --- writing ---

    def _run_each(self, text: str, rows: list[Any], *, all_there: bool = False) -> None:
        """Run a statement for each of some rows; with `all_there` each must meet one in the table."""
        if self._gathers and rows:
            self._gather(text, rows, all_there=all_there)
        elif len(rows) == 1:
            if self._run(text, rows[0]).rowcount != 1 and all_there:
                self._lost()
        elif rows:
            try:
                met = self._driver.run_many(self._cursor, text, rows)
            except self._errors as error:
                self._fail(error)
            if all_there and met != len(rows):
                self._lost()

    def _gather(self, text: str, rows: list[Any], *, all_there: bool) -> None:
        """Let a statement wait for the others of this flush."""
        if all_there:
            self._updates += len(rows)
        if len(rows) > _FEW:
            text, rows = self._plans.of_many[text], [as_columns(rows)]
        self._gathered += [(text, row) for row in rows]

    def _send(self) -> None:
        """Run what was gathered as one statement: each is a way to the server."""
        gathered, self._gathered = self._gathered, []
        updates, self._updates = self._updates, 0
        if not gathered:
            return
        if len(gathered) == 1 and not updates:
            statement = gathered[0]
        else:
            texts = tuple([text for text, _ in gathered])
            text = self._plans.together(texts, counted=updates > 0)
            fields = [field for _, row in gathered for field in row]
            statement = (text, [*fields, updates] if updates else fields)
        if self._holds:
            self._held.append(statement)
        else:
            self._run(*statement)
