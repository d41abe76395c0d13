"""The examples of desks inside a host: each runs as it is, and the service answers as it should."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import omniroute as om
from omniroute.testing.standin import WebhookBuilder
from tests.conftest import ROOT

EXAMPLES = ROOT / "examples"
SAYS = {
    "sqlalchemy_session.py": (
        "after rollback: 0 refunds, active, 0 to send",
        "after commit: 1 refunds, ended, 1 to send",
    ),
    "django_atomic.py": (
        "1 message sent",
        "ConversationClosed: the second refund is taken back",
        "1 refund, and Maria got ['The money is on its way.']",
    ),
    "fastapi_endpoint.py": (
        '200 {"accepted": 1, "duplicates": 0, "rejected": []}',
        "409 no agent 'nobody'",
        "200 The money is on its way.",
    ),
}


@pytest.mark.parametrize("name", SAYS)
def test_a_script_runs_from_anywhere_and_says_what_it_should(name: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, EXAMPLES / name],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert tuple(done.stdout.splitlines()) == SAYS[name]
    assert not list(tmp_path.iterdir())


def test_scripts_stay_short_enough_to_be_read_at_once() -> None:
    lengths = {
        name: len((EXAMPLES / name).read_text(encoding="utf-8").splitlines()) for name in SAYS
    }
    assert max(lengths.values()) <= 110, lengths


# --- the service on FastAPI -----------------------------------------------------------------------

WHATSAPP = WebhookBuilder(phone_number_id="106540352242923", app_secret="META_APP_SECRET")


def reveal(reference: om.SecretRef) -> om.Secret:
    return om.Secret(reference.env)


@contextlib.asynccontextmanager
async def service(database: Path) -> AsyncIterator[httpx.AsyncClient]:
    spec = importlib.util.spec_from_file_location(
        "fastapi_endpoint", EXAMPLES / "fastapi_endpoint.py"
    )
    assert spec is not None
    assert spec.loader is not None
    example = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = example  # where FastAPI looks annotations up
    spec.loader.exec_module(example)
    app = example.make_app(str(database), reveal=reveal)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="https://helpdesk.example"
        ) as client,
    ):
        yield client


async def posted(client: httpx.AsyncClient, webhook: om.RawRequest) -> httpx.Response:
    return await client.post("/webhooks", content=webhook.body, headers=dict(webhook.headers))


def refunds(database: Path) -> int:
    with contextlib.closing(sqlite3.connect(database)) as connection:
        count: int = connection.execute("SELECT count(*) FROM refunds").fetchone()[0]
        return count


def test_a_service_takes_webhooks_and_refunds_once(tmp_path: Path) -> None:
    database = tmp_path / "helpdesk.db"

    async def story() -> list[Any]:
        async with service(database) as client:
            with om.Desks(f"sqlite:///{database}", reveal=reveal) as desks:
                desk = desks["helpdesk"]
                desk.set_available("ana")
                webhook = WHATSAPP.text("491511234567", "My lid is broken")
                codes = [(await posted(client, webhook)).status_code for _ in range(2)]
                (chat,) = desk.conversations()
                url, ana = f"/conversations/{chat.id}/refund", {"agent": "ana"}
                letters = []
                for key in ("k1", "k1", "k2"):
                    headers = {"idempotency-key": key}
                    answer = await client.post(url, params=ana, headers=headers)
                    letters.append(answer.json()["id"])
                refused = await client.post(url, params={"agent": "nobody"})
                texts = [each.text for each in desk.messages(chat.id)]
                return [codes, letters, refused.status_code, texts]

    codes, letters, refused, texts = asyncio.run(story())
    assert (codes, refused) == ([200, 200], 409)
    assert letters[0] == letters[1] != letters[2]
    assert texts == ["My lid is broken", *["The money is on its way."] * 2]
    assert refunds(database) == 2


def test_a_service_answers_what_it_cannot_use(tmp_path: Path) -> None:
    async def story() -> list[Any]:
        async with service(tmp_path / "helpdesk.db") as client:
            wrong = WebhookBuilder(phone_number_id="106540352242923", app_secret="wrong")
            unsigned = await posted(client, wrong.text("491511234567", "Hello"))
            query = {"hub.mode": "subscribe", "hub.challenge": "42"}
            token = {"hub.verify_token": "META_VERIFY_TOKEN"}
            greeting = await client.get("/webhooks", params={**query, **token})
            unknown = await client.post("/conversations/c_9/refund", params={"agent": "ana"})
            return [unsigned.status_code, greeting.text, unknown.status_code]

    assert asyncio.run(story()) == [401, "42", 409]
    assert refunds(tmp_path / "helpdesk.db") == 0


def test_a_service_can_be_started_again_on_what_it_stored(tmp_path: Path) -> None:
    webhook = WHATSAPP.text("491511234567", "Hello")

    async def story() -> int:
        async with service(tmp_path / "helpdesk.db") as client:
            answer = await posted(client, webhook)
            duplicates: int = answer.json()["duplicates"]
            return duplicates

    assert [asyncio.run(story()) for _ in range(2)] == [0, 1]
