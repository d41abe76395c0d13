"""What can be wrong with queues beyond their tree: words, names, traits, settings that meet, keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Final

from omniroute.errors import Problem
from omniroute.model.desk_config import DeskConfig, InboxConfig, QueueNode
from omniroute.model.policy import PolicySettings, ProtectedNames
from omniroute.rules import queue_tree
from omniroute.rules.channel_checks import language_problem
from omniroute.rules.contradictions import contradictions, takes_part
from omniroute.rules.judged import Judged, positions, when
from omniroute.rules.menu import menu_number
from omniroute.rules.names import MAX_KEY, join, quoted, text_problem, unknown
from omniroute.rules.policy_checks import written_layers
from omniroute.rules.presets import PRESETS
from omniroute.rules.words import ReservedWords, normalized

__all__ = ["direct_access_problems", "navigation_words", "queue_problems", "reserved_words"]

_Layers = tuple[tuple[str, PolicySettings], ...]
_KEYWORD_LENGTH = 64
_NO_MENU: Final = "has no effect on a queue that agents serve; set it for a branch, inbox or desk"


def _preset(config: DeskConfig) -> PolicySettings:
    return PRESETS.get(config.preset or "", PolicySettings())


def navigation_words(config: DeskConfig) -> tuple[str, ...]:
    """Return every BACK and EXIT word that is set anywhere: none may be a name (U8, U10)."""
    layers = (_preset(config), *(policy for _, policy in written_layers(config)))
    return tuple(
        dict.fromkeys(
            word for each in layers for word in (*(each.back_words or ()), *(each.exit_words or ()))
        )
    )


def reserved_words(config: DeskConfig) -> ReservedWords:
    """Return the words that a configuration's queues may not be called (U8, U9)."""
    where = config.policy.protected_names or _preset(config).protected_names
    return ReservedWords.of(navigation_words(config), where or ProtectedNames.ANY_WORD)


def queue_problems(desk: Judged) -> Iterator[Problem]:
    """Yield what is wrong with words, queues' names and traits, and what meets at a place."""
    yield from _words(desk.config)
    reserved = reserved_words(desk.config)
    for name, inbox in desk.config.inboxes.items():
        for path, node in positions(inbox.queues, join("inboxes", name, "queues")):
            yield from when(path, reserved.problem(node.name))
        for leaf in queue_tree.leaves(name, inbox.queues):
            if len(leaf) > MAX_KEY:
                text = f"the path {quoted(leaf)} has {len(leaf)} characters; expected at most {MAX_KEY}"
                yield Problem(join("inboxes", name, "queues"), text)
        yield from _traits(desk, name, inbox, reserved)
        if desk.read("queues"):
            yield from _menu_texts(name, inbox)
    yield from _contradictions(desk)
    yield from _finals(desk)


# --- words ----------------------------------------------------------------------------------------


def _words(config: DeskConfig) -> Iterator[Problem]:
    """BACK and EXIT words are words, not protected, none in both lists, none a menu's number (U55, U56)."""
    protected = ReservedWords.of()
    widest = max((_widest(inbox.queues) for inbox in config.inboxes.values()), default=0)
    lists = [
        (join(path, key, index), key, word)
        for path, policy in written_layers(config)
        for key in ("back_words", "exit_words")
        for index, word in enumerate(getattr(policy, key) or ())
    ]
    first: dict[str, tuple[str, str]] = {}
    for path, key, word in lists:
        if not word.strip() or text_problem(word):
            yield Problem(path, text_problem(word) or "a word is not empty")
            continue
        if named := protected.in_keyword(word):
            yield Problem(path, f"{quoted(word)} is a protected word ({named})")
        if (number := menu_number(word)) is not None and number <= widest:
            text = f"{quoted(word)} is a number of the menu, which has {widest} lines at most"
            yield Problem(path, text)
        other, at = first.setdefault(normalized(word), (key, path))
        if other != key:
            yield Problem(path, f"{quoted(word)} is a word of {other} already ({at})")


def _widest(nodes: Sequence[QueueNode]) -> int:
    """How many queues stand beside each other where most of them do."""
    return max((len(nodes), *(_widest(node.children) for node in nodes)), default=0)


# --- traits ---------------------------------------------------------------------------------------


def _traits(
    desk: Judged, name: str, inbox: InboxConfig, reserved: ReservedWords
) -> Iterator[Problem]:
    keywords: dict[tuple[str | None, str], str] = {}
    for place, traits in inbox.traits.items():
        path = join("inboxes", name, "at", place)
        if desk.read("queues") and place not in inbox.at:
            yield from when(path, place_problem(name, inbox, place))
        if traits.language is not None:
            yield from when(join(path, "language"), _language(place, traits.language))
        language = _language_of(inbox, place)
        for index, keyword in enumerate(traits.keywords):
            here = join(path, "keywords", index)
            if text := _keyword(keyword, reserved):
                yield Problem(here, text)
                continue
            first = keywords.setdefault((language, normalized(keyword)), place)
            if first != place:
                yield Problem(here, f"{quoted(keyword)} is a keyword of {quoted(first)} already")
        node = queue_tree.find(inbox.queues, place)
        if traits.keywords and node is not None and node.children:
            text = f"{quoted(place)} is a branch; keywords lead to queues that agents serve"
            yield Problem(join(path, "keywords"), text)


def _menu_texts(name: str, inbox: InboxConfig) -> Iterator[Problem]:
    """A queue that agents serve shows no menu, so that the first line of one says nothing there."""
    policies = {place: policy for place, policy in inbox.at.items() if policy.menu_text is not None}
    for place in policies:
        node = queue_tree.find(inbox.queues, place)
        if node is not None and not node.children:
            yield Problem(join("inboxes", name, "at", place, "menu_text"), _NO_MENU)
    if inbox.policy.menu_text is not None and not inbox.queues:
        yield Problem(join("inboxes", name, "policy", "menu_text"), _NO_MENU)


def place_problem(name: str, inbox: InboxConfig, place: str) -> str | None:
    """Return what is wrong with the path of a queue inside its inbox, or None."""
    if queue_tree.find(inbox.queues, place):
        return None
    known = [path for path, _node in queue_tree.walk("", inbox.queues)]
    return unknown(f"inbox {quoted(name)} has no queue {quoted(place)}", known, place)


def _language(place: str, language: str) -> str | None:
    if queue_tree.SEPARATOR in place:
        return "languages stand at the top of the tree; set it for the top queue"
    return language_problem(language)


def _language_of(inbox: InboxConfig, place: str) -> str | None:
    top = inbox.traits.get(place.partition(queue_tree.SEPARATOR)[0])
    return top.language if top else None


def _keyword(keyword: str, reserved: ReservedWords) -> str | None:
    if not normalized(keyword) or len(keyword) > _KEYWORD_LENGTH:
        return f"a keyword has from 1 to {_KEYWORD_LENGTH} characters"
    if len(keyword.replace(",", " ").split()) > 1:
        return f"{quoted(keyword)} is more than one keyword; commas and spaces separate them"
    if word := reserved.in_keyword(keyword):
        return f"{quoted(keyword)} is {reserved.kind(word)}"
    return None


# --- settings that meet ---------------------------------------------------------------------------


def _contradictions(desk: Judged) -> Iterator[Problem]:
    """Check settings where they meet: wherever a layer sets one, under all that lie around it."""
    config = desk.config
    outer: _Layers = (("preset", _preset(config)), ("policy", config.policy))
    found = list(contradictions(outer)) if takes_part(config.policy) else []
    for channel in (None, *config.channels):
        layers = outer
        if channel is not None:
            policy = config.channels[channel].policy
            if not takes_part(policy):
                continue
            layers = (*outer, (join("channels", channel, "policy"), policy))
            found += contradictions(layers)
        for name, inbox in config.inboxes.items():
            if channel is None or channel in _channels_into(desk, name):
                found += chain.from_iterable(
                    contradictions((*layers, *inner)) for inner in _places(name, inbox)
                )
    yield from dict.fromkeys(found)


def _channels_into(desk: Judged, inbox: str) -> Iterable[str]:
    entry_points = desk.config.entry_points.values()
    led = {each.channel for each in entry_points if desk.inbox_of(each) == inbox}
    return led.union(desk.config.inboxes[inbox].primary_for)


def _places(name: str, inbox: InboxConfig) -> Iterator[_Layers]:
    """The layers from the inbox down to each place that takes part, and the inbox's own."""
    own = (join("inboxes", name, "policy"), inbox.policy)
    if takes_part(inbox.policy):
        yield (own,)
    for place, policy in inbox.at.items():
        if takes_part(policy):
            steps = place.split(queue_tree.SEPARATOR)
            above = [queue_tree.SEPARATOR.join(steps[: n + 1]) for n in range(len(steps))]
            layers = ((each, inbox.at[each]) for each in above if each in inbox.at)
            yield (own, *((join("inboxes", name, "at", each), at) for each, at in layers))


def _finals(desk: Judged) -> Iterator[Problem]:
    """The queue that stays open after the last transfer is one that agents serve (M13)."""
    for path, policy in written_layers(desk.config):
        if policy.transfer is not None and policy.transfer.final is not None:
            problem = desk.leaf_problem(policy.transfer.final)
            yield from when(join(path, "transfer", "final"), problem)


# --- direct access --------------------------------------------------------------------------------


def direct_access_problems(desk: Judged) -> Iterator[Problem]:
    """Yield what is wrong with direct access points (U62)."""
    seen: dict[tuple[tuple[str, str], ...], str] = {}
    for name, each in desk.config.direct_access.items():
        path = join("direct_access", name)
        if not each.keys:
            yield Problem(join(path, "keys"), "expected at least one key")
        yield from when(join(path, "queue"), desk.leaf_problem(each.queue))
        keys = tuple(sorted(each.keys.items()))
        first = seen.setdefault(keys, name)
        if keys and first != name:
            yield Problem(join(path, "keys"), f"are those of {quoted(first)}, which comes first")
