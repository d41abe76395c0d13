"""Several statements in one way to PostgreSQL and back, by libpq's pipeline.

A way costs more than most statements do: client and server wake each other up for each. Owns what
psycopg's cursors would do for us: parameters and rows as text, what is prepared on a connection, and
its errors. In a way each statement has a snapshot of its own, taken once those before it are done,
and none runs after one that failed.
"""

from __future__ import annotations

import contextlib
import itertools
import re
import select
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from hashlib import md5
from typing import Any, Final, NoReturn

__all__ = ["Answer", "Statement", "Wire", "numbered", "wire_for"]

Statement = tuple[str, Sequence[Any]]

_COMMIT: Final[Statement] = ("COMMIT", ())
_GOOD: Final = frozenset({1, 2})  # libpq's ExecStatusType: command ok, tuples ok
_SYNC: Final = 10  # the end of a pipeline
_IDLE: Final = 0  # libpq's PGTransactionStatusType
_SQLSTATE: Final = ord("C")  # libpq's PG_DIAG_SQLSTATE
_FUNCTION: Final = ord("R")  # libpq's PG_DIAG_SOURCE_FUNCTION
_INTEGERS: Final = frozenset({20, 21, 23})  # int8, int2, int4
_WARNING: Final = "01000"
_RAISED: Final = "exec_stmt_raise"  # by a trigger of the host's, on what went along with COMMIT
_PATIENCE: Final = 5.0  # seconds, for a server to give up what nobody waits for any more
_MOST: Final = 1000
_GONE: Final = "26000"  # what was prepared is not there any more
_REPLANNED: Final = "RevalidateCachedQuery"  # what was prepared gives other columns by now


class _Known:
    """A statement on one connection: how often it ran, its name once prepared, how its rows read."""

    __slots__ = ("name", "readers", "text", "uses")

    def __init__(self, text: str) -> None:
        self.text = numbered(text).encode()
        self.name = b""
        self.uses = 0
        self.readers: list[tuple[int, Callable[[bytes], Any]]] | None = None


_Sent = tuple[_Known | None, bool]  # what was sent to the server, and whether it runs


class Answer:
    """What a statement gave, read when somebody looks: what was foreseen may not be needed."""

    __slots__ = ("_known", "_result")

    def __init__(self, known: _Known, result: Any) -> None:
        self._known = known
        self._result = result

    @property
    def met(self) -> int:
        """How many rows of the table it met, or gave."""
        found: int = self._result.ntuples or self._result.command_tuples or 0
        return found

    def rows(self) -> list[Sequence[Any]]:
        """Return the rows that it gave."""
        result, readers = self._result, self._known.readers
        count = result.ntuples
        if not count:
            return []
        if readers is None:
            readers = self._known.readers = [
                (column, int if result.ftype(column) in _INTEGERS else bytes.decode)
                for column in range(result.nfields)
            ]
        get = result.get_value
        return [
            tuple(
                [
                    None if (field := get(row, column)) is None else read(field)
                    for column, read in readers
                ]
            )
            for row in range(count)
        ]


def wire_for(connection: Any, driver: Any) -> Wire | None:
    """Return the wire of a connection of psycopg's, or None where only its own cursors serve."""
    plain = (
        isinstance(connection, driver.Connection)
        and connection.cursor_factory is driver.Cursor  # else the host chose one of its own
        and driver.Pipeline.is_supported()
        and connection.info.encoding == "utf-8"
    )
    return Wire(connection, driver) if plain else None


class Wire:
    """What stands for a cursor of psycopg's on a connection that is ours.

    A connection whose answer nobody waited for is closed.
    """

    def __init__(self, connection: Any, driver: Any) -> None:
        self._connection = connection
        self._driver = driver
        self._libpq = connection.pgconn
        self._socket = self._libpq.socket
        self._poll = select.poll() if hasattr(select, "poll") else None
        if self._poll is not None:
            self._poll.register(self._socket, select.POLLIN)
            self._poll_both = select.poll()
            self._poll_both.register(self._socket, select.POLLIN | select.POLLOUT)
        capable = getattr(driver, "capabilities", None)  # psycopg 3.2
        self._can_close = capable is not None and capable.has_send_close_prepared()
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._most = connection.prepared_max or _MOST
        self._names = 0
        self._lead: list[Statement] = []
        self._rows: list[Sequence[Any]] = []
        self._warning: str | None = None
        self._tag: bytes | None = None  # what the server says of the last statement that ran
        self.rowcount = -1
        self.refused: int | None = None
        """Which statement of the last way the server refused; None where it did not say so."""
        connection.add_notice_handler(self._hear)

    # --- as a cursor ---

    def execute(self, text: str, parameters: Sequence[Any] = ()) -> Wire:
        """Run a statement."""
        (answer,) = self.ask([(text, parameters)])
        self._rows, self.rowcount = answer.rows(), answer.met
        return self

    def executemany(self, text: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement once for each row, in one way."""
        self.rowcount = sum(each.met for each in self.ask([(text, row) for row in rows]))

    def fetchone(self) -> Sequence[Any] | None:
        """Return the first row, or None."""
        return self._rows[0] if self._rows else None

    def fetchall(self) -> list[Sequence[Any]]:
        """Return all rows."""
        return self._rows

    # --- transactions ---

    def begin(self, *settings: str) -> None:
        """Begin with the next way to the server, and give this transaction some settings."""
        self._lead = [(each, ()) for each in settings]
        if self._is_idle():
            self._lead.insert(0, (_begin(self._connection), ()))

    def commit(self, last: Sequence[Statement] = ()) -> str | None:
        """Commit, with the last statements ahead in the same way; return a warning that came with it."""
        self._warning = None
        if last or not self._is_idle():
            self.ask([*last, _COMMIT])
            if self._tag != _COMMIT[0].encode():
                raise self._driver.errors.InFailedSqlTransaction("the server rolled back instead")
        self._lead = []  # of a transaction that asked for nothing
        return self._warning

    def _is_idle(self) -> bool:
        idle: bool = self._libpq.transaction_status == _IDLE
        return idle

    def _hear(self, notice: Any) -> None:
        if notice.sqlstate == _WARNING and notice.source_function != _RAISED:
            self._warning = notice.message_primary or _WARNING

    # --- a way to the server ---

    def ask(self, statements: Sequence[Statement]) -> list[Answer]:
        """Run statements in one way; return the answer of each.

        Raises the driver's error for the first that failed; those after it did not run.
        """
        lead, self.refused = self._lead, None
        asked = [
            (self._look_up(text), self._as_text(row))
            for text, row in ([*lead, *statements] if lead else statements)
        ]
        self._lead = []  # not before: what cannot be sent must not take BEGIN along
        try:
            sent = self._send(asked)
            results = self._receive()
        except BaseException as error:
            self._abandon(error)
            raise
        answers: list[Answer] = []
        failed = None
        for (known, runs), result in zip(sent, results, strict=False):
            if result.status not in _GOOD:
                failed = failed or result
                if known is not None and not runs:
                    known.name = b""  # by which it was to be prepared
            elif runs and known is not None:
                answers.append(Answer(known, result))
                self._tag = result.command_status
        if failed is not None:
            self.refused = len(answers) - len(lead)
            self._fail(failed)
        return answers[len(lead) :]

    def _look_up(self, text: str) -> _Known:
        known = self._known.get(text)
        if known is None:
            known = self._known[text] = _Known(text)
        else:
            self._known.move_to_end(text)
        known.uses += 1
        return known

    def _as_text(self, row: Sequence[Any]) -> list[bytes | None]:
        """Return parameters as libpq takes them; the server knows their types."""
        fields: list[bytes | None] = []
        for field in row:
            if field is None:
                fields.append(None)
            elif isinstance(field, str):
                if "\0" in field:  # where libpq would see its end
                    raise self._driver.DataError("text cannot contain NUL (0x00) bytes")
                fields.append(field.encode())
            elif isinstance(field, int):
                fields.append(b"%d" % field)
            else:
                kind = type(field).__name__
                raise self._driver.ProgrammingError(f"cannot carry a value of type {kind!r}")
        return fields

    def _send(self, asked: Sequence[tuple[_Known, list[bytes | None]]]) -> list[_Sent]:
        """Let statements leave; return what will be answered."""
        libpq, threshold = self._libpq, self._connection.prepare_threshold
        sent: list[_Sent] = []
        libpq.enter_pipeline_mode()
        if len(self._known) > self._most:  # ahead of all, or it would not be done where one fails
            self._forget({known for known, _ in asked}, sent)
        for known, row in asked:
            if known.name:
                libpq.send_query_prepared(known.name, row)
            elif threshold is None or known.uses <= threshold:
                libpq.send_query_params(known.text, row)
            else:
                self._names += 1
                known.name = self._name(known)
                libpq.send_prepare(known.name, known.text)
                sent.append((known, False))
                libpq.send_query_prepared(known.name, row)
            sent.append((known, True))
        libpq.pipeline_sync()
        return sent

    def _name(self, known: _Known) -> bytes:
        """Return a name that no other client of a pooler has, least of all for another statement."""
        digest = md5(known.text, usedforsecurity=False).hexdigest()
        return f"omniroute_{self._libpq.backend_pid}_{self._names}_{digest[:16]}".encode()

    def _forget(self, asked: set[_Known], sent: list[_Sent]) -> None:
        """Let go what was not asked for the longest time."""
        for text, known in list(self._known.items())[: len(self._known) - self._most]:
            if known in asked:
                continue
            del self._known[text]
            if known.name:
                if self._can_close:
                    self._libpq.send_close_prepared(known.name)
                else:
                    self._libpq.send_query_params(b"DEALLOCATE " + known.name, None)
                sent.append((None, False))

    def _receive(self) -> list[Any]:
        """Wait until all is answered; return the results, fewer where the server went away."""
        libpq = self._libpq
        results: list[Any] = []
        try:
            while libpq.flush():
                self._wait(to_write=True)
                libpq.consume_input()
            while True:
                self._wait(to_write=False)
                libpq.consume_input()
                if self._take(results):
                    libpq.exit_pipeline_mode()
                    return results
        except self._driver.OperationalError:
            if all(result.status in _GOOD for result in results):
                raise
            libpq.finish()  # it said why before it went
            return results

    def _take(self, results: list[Any]) -> bool:
        """Take what has come; return whether that is all."""
        libpq, ended = self._libpq, False
        while not libpq.is_busy():
            result = libpq.get_result()
            if result is not None:
                if result.status == _SYNC:
                    return True
                results.append(result)
                ended = False
            elif ended:
                break
            else:
                ended = True  # of what one statement gave
        return False

    def _wait(self, *, to_write: bool) -> None:
        """Sleep until the server has sent something, or takes more."""
        if self._poll is not None:  # select knows no socket from the 1024th on
            (self._poll_both if to_write else self._poll).poll()
        else:
            select.select([self._socket], [self._socket] if to_write else [], [])

    def _abandon(self, error: BaseException) -> None:
        """Nobody waits for the answer: let the server give up, and the connection go."""
        try:
            if not isinstance(error, self._driver.Error):
                with contextlib.suppress(self._driver.Error):  # the interrupt is what is told
                    self._cancel()
        finally:
            self._libpq.finish()

    def _cancel(self) -> None:
        safely = getattr(self._connection, "cancel_safe", None)  # psycopg 3.2
        if safely is None:
            self._connection.cancel()
        else:
            safely(timeout=_PATIENCE)

    def _fail(self, result: Any) -> NoReturn:
        """Raise the driver's error for what the server refused."""
        state = (result.error_field(_SQLSTATE) or b"").decode()
        kind = self._driver.DatabaseError
        with contextlib.suppress(KeyError):
            kind = self._driver.errors.lookup(state)
        error = kind(result.error_message.decode(errors="replace").strip())
        error.sqlstate = state or None
        if state == _GONE or (result.error_field(_FUNCTION) or b"").decode() == _REPLANNED:
            # Poolers take what was prepared, and so does psycopg, for a host that rolls back.
            for known in self._known.values():
                known.name, known.uses, known.readers = b"", 0, None
            error.prepares_anew = True
        raise error


def _begin(connection: Any) -> str:
    """How a transaction begins, by what the host set for its connection."""
    text = "BEGIN"
    if connection.isolation_level is not None:
        text += f" ISOLATION LEVEL {connection.isolation_level.name.replace('_', ' ')}"
    if connection.read_only is not None:
        text += " READ ONLY" if connection.read_only else " READ WRITE"
    if connection.deferrable is not None:
        text += " DEFERRABLE" if connection.deferrable else " NOT DEFERRABLE"
    return text


@lru_cache(maxsize=2048)
def numbered(text: str) -> str:
    """Return a statement with its marks as the server has them: `$1`, `$2` and so on."""
    numbers = itertools.count(1)
    return re.sub("%%|%s", lambda each: "%" if each[0] == "%%" else f"${next(numbers)}", text)
