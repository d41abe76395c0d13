"""Values that an older omniroute stored are read by a newer one, and rewritten when they change."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from sqlalchemy import text

from omniroute.codec import stored
from omniroute.errors import StoredValueError
from omniroute.model.contact import Contact
from omniroute.model.records import DeskRecord
from omniroute.schema import CONTACTS, DESKS
from omniroute.stores.sql import SqlStore
from omniroute.testing.store_conformance.values import ONE, alone

BY_REF = CONTACTS.index("contacts_by_ref")


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStore]:
    url = f"sqlite:///{tmp_path / 'desk.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("empty_database")
    store = SqlStore(url)
    alone(store).add(DESKS, ONE, [DeskRecord(ONE)])
    yield store
    store.close()


def row(store: SqlStore) -> tuple[dict[str, Any], int]:
    """What the contact's row holds: its body, and that body's version."""
    with store.engine.connect() as connection:
        found = connection.execute(text("SELECT body, body_version FROM omniroute_contacts"))
        body, version = found.one()
    return json.loads(body), version


def version(number: int) -> None:
    """Be an omniroute in which contacts have this version."""
    object.__setattr__(CONTACTS, "version", number)


@pytest.fixture(autouse=True)
def _today() -> Iterator[None]:
    yield
    object.__setattr__(CONTACTS, "version", 1)


def rename(given: dict[str, Any]) -> dict[str, Any]:
    """Version 1 called the name of a contact something else."""
    return {("name" if key == "called" else key): value for key, value in given.items()}


@pytest.fixture
def old(store: SqlStore) -> SqlStore:
    """A store with a contact as version 1 wrote it: with a field that today's form does not have."""
    alone(store).add(CONTACTS, ONE, [Contact("k1", (("sms", "+1"),), ref="r1", name="Maria")])
    body, _ = row(store)
    body["called"] = body.pop("name")
    with store.engine.begin() as connection:
        connection.execute(
            text("UPDATE omniroute_contacts SET body = :body"), {"body": json.dumps(body)}
        )
    return store


MARIA = Contact("k1", (("sms", "+1"),), ref="r1", name="Maria")


@pytest.mark.req("R16")
def test_an_older_value_is_read_and_rewritten_with_its_next_change(
    old: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    version(2)
    monkeypatch.setitem(stored.UPCASTS, ("contacts", 1), rename)
    assert alone(old).get(CONTACTS, ONE, ("k1",)) == MARIA
    assert alone(old).scan(BY_REF, ONE, ("r1",), limit=5) == [MARIA]
    assert row(old)[1] == 1, "reading writes nothing"
    old.transact(
        lambda tx: tx.put(CONTACTS, ONE, evolve(_found(tx.get(CONTACTS, ONE, ("k1",))), ref="r2"))
    )
    body, written = row(old)
    assert (body["name"], written) == ("Maria", 2)
    assert "called" not in body
    assert alone(old).scan(BY_REF, ONE, ("r2",), limit=5) == [evolve(MARIA, ref="r2")]


def test_an_older_value_is_rewritten_even_where_it_stays_the_same(
    old: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    version(2)
    monkeypatch.setitem(stored.UPCASTS, ("contacts", 1), rename)
    old.transact(lambda tx: tx.put(CONTACTS, ONE, _found(tx.get(CONTACTS, ONE, ("k1",)))))
    assert row(old)[1] == 2


def test_versions_are_upcast_one_after_another(
    old: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    version(3)
    monkeypatch.setitem(stored.UPCASTS, ("contacts", 1), rename)
    monkeypatch.setitem(
        stored.UPCASTS, ("contacts", 2), lambda given: {**given, "name": given["name"].upper()}
    )
    assert alone(old).get(CONTACTS, ONE, ("k1",)).name == "MARIA"


def test_a_version_that_nothing_reads_is_an_error(
    old: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    version(2)
    with pytest.raises(StoredValueError, match="nothing reads version 1 of 'contacts'"):
        alone(old).get(CONTACTS, ONE, ("k1",))


def test_a_newer_value_is_refused_and_left_alone(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    version(2)
    alone(store).add(CONTACTS, ONE, [MARIA])
    version(1)
    with pytest.raises(StoredValueError, match="stored by a newer omniroute"):
        alone(store).get(CONTACTS, ONE, ("k1",))
    with pytest.raises(StoredValueError, match="stored by a newer omniroute"):
        alone(store).scan(BY_REF, ONE, ("r1",), limit=5)
    assert row(store)[1] == 2


def _found(contact: Contact | None) -> Contact:
    assert contact is not None
    return contact
