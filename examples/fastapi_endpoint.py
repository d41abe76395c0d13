"""A FastAPI service: webhooks come in, and agents act in one transaction with the service's own rows."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

import httpx
from fastapi import FastAPI, Header, HTTPException, Request, Response
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

import omniroute as om
from omniroute.testing.standin import WebhookBuilder


class Base(DeclarativeBase):
    """The service's own tables, in the database that the desks are in."""


class Refund(Base):
    """One of them."""

    __tablename__ = "refunds"
    letter: Mapped[str] = mapped_column(primary_key=True)
    conversation: Mapped[str]


def make_app(database: str, **options: Any) -> FastAPI:
    """Return the service on an SQLite file. `options` are those of `om.Desks`."""
    desks = om.Desks(f"sqlite:///{database}", **options)
    engine = create_async_engine(f"sqlite+aiosqlite:///{database}")
    sessions = async_sessionmaker(engine)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        if "helpdesk" not in await desks.aio.ids():
            await desks.aio.create(Path(__file__).with_name("helpdesk.toml"))
        yield
        await desks.aio.close()
        await engine.dispose()

    app = FastAPI(lifespan=lifespan)

    @app.api_route("/webhooks", methods=["GET", "POST"])
    async def webhooks(request: Request) -> Response:
        raw = om.RawRequest(
            method=request.method,
            url=str(request.url),
            headers=dict(request.headers),
            query=dict(request.query_params),
            body=await request.body(),
        )
        answer = await asyncio.to_thread(om.handle_webhook, desks, raw)
        return Response(answer.body, answer.status, dict(answer.headers))

    @app.post("/conversations/{chat}/refund")
    async def refund(
        chat: str, agent: str, idempotency_key: Annotated[str | None, Header()] = None
    ) -> Any:
        desk = desks.aio["helpdesk"].acting_as(agent)
        try:
            # Committed before the answer goes out, which a dependency with `yield` would not be.
            async with sessions.begin() as session:
                letter = await desk.reply(
                    chat, "The money is on its way.", key=idempotency_key, within=session
                )
                # Asked again under its key, the letter is the same, and so is the refund.
                await session.merge(Refund(letter=letter.id, conversation=chat))
        except om.UsageError as error:
            raise HTTPException(409, error.summary) from error
        except om.StoreError as error:  # among them a race that was lost: ask again
            raise HTTPException(503, error.summary) from error
        return om.as_json(letter)

    return app


async def main(database: str) -> None:
    """Call the service as a provider and an agent's browser would."""
    app = make_app(database, reveal=lambda reference: om.Secret(reference.env))
    whatsapp = WebhookBuilder(phone_number_id="106540352242923", app_secret="META_APP_SECRET")
    webhook = whatsapp.text("491511234567", "My lid is broken")
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="https://helpdesk.example") as client,
    ):
        with om.Desks(f"sqlite:///{database}") as desks:
            desk = desks["helpdesk"]
            desk.set_available("ana")
            headers = dict(webhook.headers)
            answer = await client.post("/webhooks", content=webhook.body, headers=headers)
            print(answer.status_code, answer.text)
            (chat,) = desk.conversations()
        for agent in ("nobody", "ana"):
            answer = await client.post(f"/conversations/{chat.id}/refund", params={"agent": agent})
            print(answer.status_code, answer.json().get("text") or answer.json()["detail"])


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(main(f"{folder}/helpdesk.db"))
