"""What the stories of the desk machine are made of: people, queues, settings, and how they are drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import evolve
from hypothesis import strategies as st

from omniroute.instants import MINUTE, SECOND
from omniroute.model.wire import InboundKind
from tests.property.book import Book, Entry

STAFF = ("ana", "bob", "cho", "dee")  # dee is not there until she is saved
TREES: Mapping[str, dict[str, Any]] = {
    "general": {"Deutsch": {"Bestellung": {}, "Technik": {}}, "English": {}},
    "vip": {},
}
ENTRIES = {
    "wa": Entry(channel="whatsapp", address="1", inbox="general", sla=15 * MINUTE),
    "plat": Entry(channel="whatsapp", address="2", inbox="vip", sla=40 * SECOND),
    "web": Entry(
        channel="chat", address="w", inbox="general", sla=15 * MINUTE, queue="general/English"
    ),
}
GROUPS = {"tier1": ("general/**",), "german": ("general/Deutsch/*",)}
PATTERNS: tuple[str, ...] = (
    "vip",
    "general/English",
    "general/Deutsch/Technik",
    "general/Deutsch/**",
    "general/**",
)
OTHER_TREES: dict[str, dict[str, Any]] = {
    "as ever": TREES["general"],
    "without Technik": {"Deutsch": {"Bestellung": {}}, "English": {}},
    "English has grown": {
        "Deutsch": TREES["general"]["Deutsch"],
        "English": {"Orders": {}, "Support": {}},
    },
}
LIMITS = ((1, 1, 1), (1, 1, 2), (1, 2, 3), (2, 2, 2))
WORDS = (None, "", "1", "2", "3", "01", "0", "English", " deutsch ", "technik", "Hello", "²", "１")
CONTENT = [kind for kind in InboundKind if kind.is_content]
REMARKS = [kind for kind in InboundKind if not kind.is_content and kind is not InboundKind.STATUS]

serving = st.sampled_from([("general/**", "vip"), ("general/**",), ("vip",), ()]) | st.lists(
    st.sampled_from(PATTERNS), max_size=2
).map(tuple)
agents = st.sampled_from((*STAFF[:3], *STAFF))
picks = st.integers(0, 7)
contacts = st.sampled_from(
    [("maria",), ("maria",), ("doris",), ("maria", "+1"), ("+1",), ("doris", "+1"), ("eve",)]
)
inbounds = st.fixed_dictionaries(
    {
        "entry": st.sampled_from(["wa", "wa", "plat", "web"]),
        "addresses": contacts,
        "thread": st.sampled_from(["", "", "", "t"]),
        "text": st.sampled_from(WORDS),
    }
)
after_ends = st.tuples(
    st.sampled_from(["queue", "last_agent", "queue", "reject"]),
    st.sampled_from([None, 10 * MINUTE]),
) | st.just(("new", None))
resumes = st.sampled_from([("queue", None), ("first_available", None), ("last_agent", 5 * MINUTE)])
assignments = st.sampled_from(["push", "claim"])


texts = st.fixed_dictionaries(
    {},
    optional={
        "greeting": st.just("Welcome!"),
        "after_hours_message": st.just("We open on {opens_at}."),
        "ended_text": st.just("The end."),
    },
)


@st.composite
def books(draw: st.DrawFn) -> Book:
    """A configuration: a preset, and exceptions to it at every level."""
    open_settings = {
        "assignment": assignments,
        "overtake": st.sampled_from(["forbid", "confirm"]),
        "after_end": after_ends,
        "resume_to": resumes,
    }
    layers = {
        place: draw(st.fixed_dictionaries({}, optional=open_settings))
        for place in ("", "general", "vip", "general/Deutsch/Technik", "general/English")
    }
    distribution = draw(st.sampled_from([None, "longest_idle", "least_loaded"]))
    layers[""] = {**layers[""], **({"distribution": distribution} if distribution else {})}
    return Book(
        preset=draw(st.sampled_from([None, "push", "claim", "sla_inbox"])),
        trees=TREES,
        entries=ENTRIES,
        groups=GROUPS,
        layers={place: layer for place, layer in layers.items() if layer or not place},
        limits=draw(st.sampled_from(LIMITS)),
        texts=draw(texts),
        closes=draw(st.booleans()),
    )


def changed_book(book: Book, general: dict[str, Any], factor: int) -> Book:
    """A book with another tree for "general" and other SLAs, without what then has no place."""
    changed = evolve(book, trees={**book.trees, "general": general})
    places = {"", *changed.trees, *(path for path in changed.leaves())}
    entries = {
        name: evolve(
            entry,
            sla=entry.sla * factor,
            queue=entry.queue if entry.queue in changed.leaves() else None,
        )
        for name, entry in book.entries.items()
    }
    layers = {place: layer for place, layer in book.layers.items() if place in places}
    return evolve(changed, entries=entries, layers=layers)
