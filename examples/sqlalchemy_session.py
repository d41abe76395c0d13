"""A desk inside a SQLAlchemy session: the host's refund and what it means at the desk, both or neither."""

from __future__ import annotations

import tempfile
from pathlib import Path

from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

import omniroute as om
from omniroute.testing import play


class Base(DeclarativeBase):
    """The host's own tables, in the database that the desk is in."""


class Refund(Base):
    """One of them."""

    __tablename__ = "refunds"
    id: Mapped[int] = mapped_column(primary_key=True)
    conversation: Mapped[str]


def refund(session: Session, desk: om.Desk, chat: str) -> None:
    """Refund an order. Whoever calls this commits."""
    session.add(Refund(conversation=chat))
    desk.reply(chat, "The money is on its way.", by="ana", within=session)
    desk.end(chat, by="ana", disposition="refunded", within=session)


with tempfile.TemporaryDirectory() as folder:
    url = f"sqlite:///{folder}/shop.db"
    engine = create_engine(url)
    Base.metadata.create_all(engine)
    # A play stands for the provider and the clock; in a service this is `om.Desks(url)`.
    with play(Path(__file__).with_name("helpdesk.toml"), store=url) as p:
        p.agent("ana").on()
        chat = p.contact("Maria", on="whatsapp-orders").writes("My lid is broken").id
        for ending in ("rollback", "commit"):
            with Session(engine) as session:
                refund(session, p.desk, chat)
                getattr(session, ending)()  # the host's transaction ends, and ours with it
                print(f"after {ending}: {session.query(Refund).count()} refunds,", end=" ")
            print(f"{p.desk.conversation(chat).state}, {p.desk.waiting_to_send()} to send")
    engine.dispose()
