"""Forks a worker for each connection it is given: a thousand can die without a thousand starts.

    python -m tests.faults.worker_source URL SOCKET

A worker tells its process id, then answers each line of JSON, a command, with another. `{"die":
"after"}` in a command makes it kill itself between the commit and the answer.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import sys
from typing import Any

import omniroute as om
from tests.faults.forking import fork, warm_desks
from tests.faults.office import perform

__all__ = ["main"]


def _work(desks: om.Desks, connection: socket.socket) -> None:
    with connection.makefile("rwb") as lines:

        def answer(value: dict[str, Any]) -> None:
            lines.write(json.dumps(value).encode() + b"\n")
            lines.flush()

        answer({"pid": os.getpid()})
        for line in lines:
            command = json.loads(line)
            answered = perform(desks, command)
            if command.get("die") == "after":
                os.kill(os.getpid(), signal.SIGKILL)
            answer(answered)


def main(url: str, path: str) -> None:
    """Serve until our input ends."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that die
    desks = warm_desks(url)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        while listener in select.select([listener, sys.stdin], [], [])[0]:
            connection, _ = listener.accept()
            with connection:
                fork(lambda: _work(desks, connection))  # noqa: B023  (it runs at once)


if __name__ == "__main__":
    main(*sys.argv[1:])
