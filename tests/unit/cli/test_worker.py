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
        assert running.wait(20) == 0


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
