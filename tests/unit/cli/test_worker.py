"""`omniroute worker`: one round by hand, and a clean stop on a signal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import omniroute as om
from omniroute.cli import main
from omniroute.testing.scripted import ScriptedPlugin


def seeded(folder: Path) -> str:
    url = f"sqlite:///{folder / 'desk.db'}"
    config = om.load_config(
        {
            "desk": "acme",
            "inboxes": {"general": {"primary_for": ["chat"], "sla": "15m"}},
            "entry_points": {"web": {"channel": "chat", "address": "widget"}},
        }
    )
    with om.Desks(url, plugins=[ScriptedPlugin(("chat",))], discover=False) as desks:
        desks.create(config)
    return url


def test_once_does_what_is_due(tmp_path: Path, capsys) -> None:
    assert main(["worker", seeded(tmp_path), "--once"]) == 0
    assert "1 desks, 0 deadlines fired, 0 messages tried" in capsys.readouterr().out


def test_a_signal_stops_it_after_its_round(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "omniroute", "worker", seeded(tmp_path), "--every", "100ms"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as running:
        assert running.stdout is not None
        assert "working" in running.stdout.readline()
        running.send_signal(signal.SIGTERM)
        assert running.wait(60) == 0


AT_A_LINE = """
import signal, sys
from omniroute.cli import main

left = 0

def told(frame, event, _):
    global left
    code = frame.f_code
    pauses = code.co_name == "wait" or code.co_filename.endswith(("threading.py", "queue.py"))
    if event == "line" and pauses and callable(signal.getsignal(signal.SIGTERM)):
        left -= 1
        if left == 0:
            signal.raise_signal(signal.SIGTERM)
    return told if pauses else None

for left in range(1, 17):
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    sys.settrace(told)
    assert main(sys.argv[1:]) == 0
    sys.settrace(None)
"""


def test_a_signal_stops_it_at_whatever_line_of_its_pause_it_comes(tmp_path: Path) -> None:
    """Whatever the pause holds just then, what the signal does must not wait for it."""
    command = [sys.executable, "-c", AT_A_LINE, "worker", seeded(tmp_path), "--every", "1ms"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("working") == 16


@pytest.mark.parametrize("made", [False, True], ids=["no file", "no tables"])
def test_a_misspelt_url_is_told_and_nothing_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], made: bool
) -> None:
    file = tmp_path / "desks.db"
    if made:
        file.touch()
    before = sorted(tmp_path.iterdir())
    assert main(["worker", f"sqlite:///{file}", "--once"]) == 1
    told = capsys.readouterr().err
    assert str(file) in told
    assert "omniroute apply FILE --store URL" in told
    assert sorted(tmp_path.iterdir()) == before
    assert not made or file.stat().st_size == 0
