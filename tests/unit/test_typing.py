"""What type checkers say of the public face: mypy holds these programs to it, and they run as well."""

from __future__ import annotations

import typing
from collections.abc import Generator, Iterable, Iterator
from datetime import datetime
from typing import assert_type

import pytest
from attrs import frozen

import omniroute as om
from omniroute.testing import a_config, an_inbound, play


@frozen(kw_only=True)
class SkySettings:
    """What an entry point in the sky needs."""

    address: str


class SkyAdapter:
    """An adapter as people write it: plain attributes, and settings of its own class."""

    kind = "sky"
    api = om.ADAPTER_API
    Settings = SkySettings

    def capabilities(self, settings: SkySettings) -> om.Capabilities:
        return om.Capabilities(text_limit=len(settings.address))

    def addresses(self, request: om.RawRequest) -> list[str]:
        return [request.query["to"]]

    def handshake(self, request: om.RawRequest, settings: SkySettings) -> om.RawResponse | None:
        return None

    def verify(self, request: om.RawRequest, settings: SkySettings, now: int) -> None:
        raise om.SignatureInvalid("never")

    def parse(self, request: om.RawRequest, settings: SkySettings) -> om.ParseResult:
        return om.ParseResult()

    def send(
        self, message: om.Outgoing, context: om.SendContext, settings: SkySettings
    ) -> Generator[om.OutRequest, om.OutResponse, om.SendResult]:
        yield om.OutRequest(method="POST", url=settings.address)
        return om.Accepted(context.sent_ids)

    def fetch(
        self, media: om.Attachment, settings: SkySettings
    ) -> Generator[om.OutRequest, om.OutResponse, bytes]:
        yield om.OutRequest(method="GET", url=settings.address)
        return b""


class SkyPlugin:
    """Brings it."""

    @om.hookimpl
    def omniroute_adapters(self) -> Iterable[om.ChannelAdapter]:
        return [SkyAdapter()]


def test_an_adapter_is_one_as_people_write_it() -> None:
    with om.Desks("memory://", plugins=[SkyPlugin()], discover=False) as desks:
        assert_type(desks.registry.require("sky"), om.ChannelAdapter)


def test_what_reading_gives_is_known_item_by_item() -> None:
    with play(a_config(agents=["ana"])) as p:
        p.desk.receive("main", an_inbound("Hello"))
        page = p.desk.conversations()
        assert_type(page, om.Page[om.ConversationView])
        assert_type(iter(page), Iterator[om.ConversationView])
        assert_type(page[0], om.ConversationView)
        assert_type([each.due for each in page], list[datetime | None])
        assert page[0] is page.items[0] is next(iter(page))
        with pytest.raises(IndexError):
            page[1]
        for change in p.desk.changes():
            if isinstance(change.event, om.Opened):
                assert_type(change.event.conversation, str)


def _public(face: object, name: str) -> Iterator[tuple[str, object]]:
    value = getattr(face, name)
    if isinstance(value, type):
        for each in dir(value):
            member = getattr(value, each)
            if not each.startswith("_") and callable(member):
                yield f"{name}.{each}", member
    if callable(value):
        yield name, value


def test_every_annotation_of_the_public_face_is_made_of_public_names() -> None:
    """As the reference says: frameworks that read annotations are given the names by hand."""
    names = {each: getattr(om, each) for each in om.__all__}
    for each in om.__all__:
        for name, face in _public(om, each):
            try:
                typing.get_type_hints(face, localns=names)
            except NameError as error:
                raise AssertionError(f"{name}: {error}") from error
            except TypeError:
                pass  # has no annotations
