"""Workers as their driver sees them: started in no time, given commands, killed at any moment."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from omniroute.closing import Closes

__all__ = ["ROOT", "Worker", "WorkerSource", "program"]

ROOT = Path(__file__).resolve().parent.parent.parent
_PATIENCE = 60.0


@contextlib.contextmanager
def program(name: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """Run one of these programs, and let none of its processes outlive the block."""
    command = [sys.executable, "-m", f"tests.faults.{name}", *map(str, arguments)]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as running:
        try:
            yield running
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)


class Worker:
    """One worker process, and the line to it."""

    def __init__(self, path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        try:
            self._socket.connect(path)
        except OSError:
            self._socket.close()
            raise
        self._read = b""
        hello = self.answer(_PATIENCE)
        assert hello is not None
        self.pid: int = hello["pid"]

    def give(self, command: dict[str, Any]) -> None:
        """Give a command; a worker that has died takes nothing."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._socket.sendall(json.dumps(command).encode() + b"\n")

    def answer(self, patience: float) -> dict[str, Any] | None:
        """Return the next answer, or None when there is none in time, or never."""
        deadline = time.monotonic() + patience
        while b"\n" not in self._read:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._socket], [], [], left)[0]:
                return None
            try:
                more = self._socket.recv(65536)
            except ConnectionResetError:
                more = b""
            if not more:
                return None
            self._read += more
        line, _, self._read = self._read.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def kill(self) -> None:
        """End the process now, wherever it is; what it had answered can still be read."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def close(self) -> None:
        """Hang up."""
        self._socket.close()


class WorkerSource(Closes):
    """The process that workers are forked from."""

    def __init__(self, url: str) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="omniroute-warm-")
        self._path = str(Path(self._folder.name) / "socket")
        self._running = contextlib.ExitStack()
        self._process = self._running.enter_context(program("worker_source", url, self._path))

    def new(self) -> Worker:
        """Return a new worker."""
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                worker = Worker(self._path)
            except (FileNotFoundError, ConnectionRefusedError):
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise
                time.sleep(0.01)
            else:
                self._running.callback(worker.close)
                return worker

    def close(self) -> None:
        """End the parent; its workers end when their lines are hung up."""
        self._running.close()
        self._folder.cleanup()
