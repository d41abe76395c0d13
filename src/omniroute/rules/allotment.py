"""Which group a queue's next conversation is allotted to, in exact shares (M2).

Tijdeman's chairman assignment (Discrete Mathematics 32, 1980): of the groups that are far enough behind
their share, the one that would first run out of time. After any n conversations each of k groups has
at most 1 - 1/(2k - 2) more or fewer than n times its share. All in integers: shares are basis points.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["WHOLE", "next_group"]

WHOLE: Final = 10_000
"""What shares add up to."""


def next_group(shares: Mapping[str, int], counts: Mapping[str, int]) -> str:
    """Return the group of a queue's next conversation, from how many each was allotted so far.

    `shares` are basis points that add up to `WHOLE`, at least one above 0; among equals the group that
    is named first wins.
    """
    groups = [group for group, share in shares.items() if share]
    if len(groups) == 1:
        return groups[0]
    number = 1 + sum(counts.get(group, 0) for group in groups)
    parts = 2 * len(groups) - 2
    best, best_left, best_share = "", 0, 0
    for group in groups:
        share = shares[group]
        behind = parts * (number * share - counts.get(group, 0) * WHOLE)
        if behind < WHOLE:
            continue
        left = (parts - 1) * WHOLE - behind  # over the share: how long until it must have had one
        if not best or left * best_share < best_left * share:
            best, best_left, best_share = group, left, share
    return best
