"""Sorted tuples in memory: cheap to insert and remove anywhere, found by prefix and bounds.

`Entries` owns the entries of one index. Leading fields that scans fix by equality choose a
partition, so that most work happens on a short list; a long one becomes a `Chunked`, which never
moves more than one chunk for an insert or a removal. Knows nothing of collections, keys or desks.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

__all__ = ["TOP", "Chunked", "Entries"]

Entry = tuple[Any, ...]

_CHUNK: Final = 512
_SHORT: Final = 2 * _CHUNK
_ANSWERS: Final = 16_384  # remembered of one index


class _Top:
    """Sorts after everything, so that `(*prefix, TOP)` is the end of what starts with `prefix`."""

    __slots__ = ()

    def __lt__(self, _: object) -> bool:
        return False

    def __gt__(self, _: object) -> bool:
        return True

    def __repr__(self) -> str:
        return "TOP"


TOP: Final = _Top()
"""A field above every other."""


_END: Final = (TOP,)


def _part(run: list[Entry], start: int, stop: int, limit: int, *, reverse: bool) -> list[Entry]:
    """At most `limit` entries of a slice, from its end on `reverse`."""
    if not reverse:
        return run[start : min(stop, start + limit)]
    found = run[max(start, stop - limit) : stop]
    found.reverse()
    return found


class Chunked:
    """A long sorted list in chunks: an insert or a removal moves one chunk's pointers at most."""

    __slots__ = ("_chunks", "_lasts", "_size")

    def __init__(self, ordered: list[Entry]) -> None:
        self._chunks = [ordered[i : i + _CHUNK] for i in range(0, len(ordered), _CHUNK)]
        self._lasts = [chunk[-1] for chunk in self._chunks]
        self._size = len(ordered)

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Entry]:
        for chunk in self._chunks:
            yield from chunk

    def first(self) -> Entry:
        """Return the first entry; there must be one."""
        return self._chunks[0][0]

    def add(self, entry: Entry) -> None:
        """Insert an entry where it belongs."""
        self._size += 1
        if not self._chunks:
            self._chunks, self._lasts = [[entry]], [entry]
            return
        place = bisect_left(self._lasts, entry)
        if place == len(self._lasts):
            place -= 1
            self._lasts[place] = entry
        chunk = self._chunks[place]
        insort(chunk, entry)
        if len(chunk) > _SHORT:
            self._chunks.insert(place + 1, chunk[_CHUNK:])
            del chunk[_CHUNK:]
            self._lasts.insert(place, chunk[-1])

    def remove(self, entry: Entry) -> Entry | None:
        """Remove an entry and return the one behind it; `KeyError` when it is not there."""
        place, at, chunks = 0, 0, self._chunks
        # Who waits leaves at the front, mostly.
        if not chunks or chunks[0][0] != entry:
            place = bisect_left(self._lasts, entry)
            chunk = chunks[place] if place < len(chunks) else []
            at = bisect_left(chunk, entry)
            if at == len(chunk) or chunk[at] != entry:
                raise KeyError(entry)
        chunk = chunks[place]
        del chunk[at]
        self._size -= 1
        if at == len(chunk):
            behind = chunks[place + 1][0] if place + 1 < len(chunks) else None
            if not chunk:
                del chunks[place], self._lasts[place]
                return behind
            self._lasts[place] = chunk[-1]
        else:
            behind = chunk[at]
        if len(chunk) < _CHUNK // 4:
            self._join(place)
        return behind

    def _join(self, place: int) -> None:
        """Take the next chunk's entries in, where both fit: thinning out leaves no crumbs."""
        if place + 1 < len(self._chunks):
            following = self._chunks[place + 1]
            if len(self._chunks[place]) + len(following) <= _SHORT:
                self._chunks[place] += following
                self._lasts[place] = following[-1]
                del self._chunks[place + 1], self._lasts[place + 1]

    def _find(self, bound: Entry) -> tuple[int, int]:
        """The chunk and the place in it of the first entry at or above `bound`."""
        place = len(self._chunks) if bound[:1] == _END else bisect_left(self._lasts, bound)
        return place, bisect_left(self._chunks[place], bound) if place < len(self._chunks) else 0

    def at_or_above(self, bound: Entry) -> Entry | None:
        """Return the first entry at or above `bound`, or None."""
        place, at = self._find(bound)
        return self._chunks[place][at] if place < len(self._chunks) else None

    def between(self, lower: Entry, upper: Entry, limit: int, *, reverse: bool) -> list[Entry]:
        """Return entries from `lower` up to but without `upper`, on `reverse` backwards."""
        (first, start), (edge, stop) = self._find(lower), self._find(upper)
        last = min(edge, len(self._chunks) - 1)
        found: list[Entry] = []
        for place in range(last, first - 1, -1) if reverse else range(first, last + 1):
            piece = self._chunks[place]
            begin = start if place == first else 0
            end = stop if place == edge else len(piece)
            found += _part(piece, begin, end, limit - len(found), reverse=reverse)
            if len(found) >= limit:
                break
        return found

    def count(self, lower: Entry, upper: Entry) -> int:
        """Return how many entries are from `lower` up to but without `upper`."""
        (first, start), (last, stop) = self._find(lower), self._find(upper)
        return sum(len(chunk) for chunk in self._chunks[first:last]) - start + stop


_Run = list[Entry] | Chunked


def _between(run: _Run, lower: Entry, upper: Entry, limit: int, *, reverse: bool) -> list[Entry]:
    if not isinstance(run, list):
        return run.between(lower, upper, limit, reverse=reverse)
    start = bisect_left(run, lower) if lower else 0
    stop = len(run) if upper[:1] == _END else bisect_left(run, upper)
    return _part(run, start, stop, limit, reverse=reverse)


def _count(run: _Run, lower: Entry, upper: Entry) -> int:
    if not isinstance(run, list):
        return run.count(lower, upper)
    return max(0, bisect_left(run, upper) - bisect_left(run, lower))


def _bounds(
    prefix: Entry, after: Entry | None, until: Entry | None, *, reverse: bool
) -> tuple[Entry, Entry]:
    """The first entry that is wanted and the first above it that is not, whatever the direction."""
    if reverse:
        lower = prefix + until if until else prefix
        return lower, prefix + after if after else (*prefix, TOP)
    lower = (*prefix, *after, TOP) if after else prefix
    return lower, (*prefix, *until, TOP) if until else (*prefix, TOP)


def _first_below(run: _Run, prefix: Entry) -> Entry | None:
    """The first entry that starts with a prefix, or None. Mostly it is the first of all."""
    length = len(prefix)
    first = run[0] if isinstance(run, list) else run.first()
    begins = first[:length]
    if begins == prefix:
        return first
    if begins > prefix:
        return None
    found = _at_or_above(run, prefix)
    return found if found is not None and found[:length] == prefix else None


def _at_or_above(run: _Run, bound: Entry) -> Entry | None:
    """The first entry at or above a bound, or None."""
    if not isinstance(run, list):
        return run.at_or_above(bound)
    at = bisect_left(run, bound)
    return run[at] if at < len(run) else None


class Entries:
    """The sorted entries of one index: tuples of one length, partitioned by leading fields."""

    __slots__ = ("_asked", "_depth", "_firsts", "_order", "_runs", "size")

    def __init__(self, depth: int, entries: Iterable[Entry] = ()) -> None:
        self._depth = depth
        self._runs: dict[Entry, _Run] = {}
        # Who is first below the prefixes that were asked for, kept right while entries come and go.
        self._firsts: dict[Entry, Entry | None] = {}
        self._asked: tuple[int, ...] = ()  # how long those prefixes are
        self._order: Chunked | None = None  # the partitions in order, once a scan has asked for it
        self.size = 0
        self._fill(entries)

    def _fill(self, entries: Iterable[Entry]) -> None:
        depth = self._depth
        runs: dict[Entry, list[Entry]] = {}
        for entry in entries:
            runs.setdefault(entry[:depth], []).append(entry[depth:])
        for partition, run in runs.items():
            run.sort()
            self.size += len(run)
            self._runs[partition] = run if len(run) <= _SHORT else Chunked(run)

    def add(self, entry: Entry) -> None:
        """Insert an entry; it must not be there yet."""
        self.size += 1
        partition, rest = entry[: self._depth], entry[self._depth :]
        run = self._runs.get(partition)
        if run is None:
            self._runs[partition] = [rest]
            if self._order is not None:
                self._order.add(partition)
        elif isinstance(run, list):
            insort(run, rest)
            if len(run) > _SHORT:
                self._runs[partition] = Chunked(run)
        else:
            run.add(rest)
        for length in self._asked:
            first = self._firsts.get(entry[:length], _END)
            if first is None or (first is not _END and entry < first):
                self._firsts[entry[:length]] = entry

    def remove(self, entry: Entry) -> None:
        """Remove an entry; `KeyError` when it is not there."""
        partition, rest = entry[: self._depth], entry[self._depth :]
        run = self._runs[partition]
        if isinstance(run, list):
            at = bisect_left(run, rest)
            if at == len(run) or run[at] != rest:
                raise KeyError(entry)
            del run[at]
            behind = run[at] if at < len(run) else None
        else:
            behind = run.remove(rest)
        self.size -= 1
        following = None if behind is None else partition + behind
        firsts = self._firsts
        for length in self._asked:
            prefix = entry[:length]
            if firsts.get(prefix) == entry:
                goes_on = following is not None and following[:length] == prefix
                firsts[prefix] = following if goes_on else None
        if not run:
            del self._runs[partition]
            if self._order is not None:
                self._order.remove(partition)

    def firsts(self, prefixes: Sequence[Entry]) -> list[Entry | None]:
        """Return for each prefix the first entry that starts with it, or None."""
        try:
            return list(map(self._firsts.__getitem__, prefixes))
        except KeyError:  # asked for the first time
            return [self.first(prefix) for prefix in prefixes]

    def first(self, prefix: Entry) -> Entry | None:
        """Return the first entry that starts with `prefix`, or None."""
        if len(prefix) < self._depth:
            across = self.scan(prefix, limit=1)
            return across[0] if across else None
        if (known := self._firsts.get(prefix, _END)) is not _END:
            return known
        partition, rest = prefix[: self._depth], prefix[self._depth :]
        run = self._runs.get(partition)
        first = None if run is None else _first_below(run, rest)
        found = None if first is None else partition + first
        if len(self._firsts) >= _ANSWERS:
            self._firsts.clear()
        if len(prefix) not in self._asked:
            self._asked += (len(prefix),)
        self._firsts[prefix] = found
        return found

    def scan(
        self,
        prefix: Entry,
        *,
        after: Entry | None = None,
        until: Entry | None = None,
        limit: int,
        reverse: bool = False,
    ) -> list[Entry]:
        """Return entries in order, as `ports.Transaction.entries` describes it."""
        if limit <= 0:
            return []
        depth = self._depth
        if limit == 1 and len(prefix) == depth and not (after or until or reverse):
            first = self.first(prefix)
            return [] if first is None else [first]
        lower, upper = _bounds(prefix, after, until, reverse=reverse)
        if len(prefix) < depth:
            return self._across(lower, upper, limit, reverse=reverse)
        partition = prefix[:depth]
        run = self._runs.get(partition)
        if run is None:
            return []
        rests = _between(run, lower[depth:], upper[depth:], limit, reverse=reverse)
        return [partition + rest for rest in rests] if depth else rests

    def count(self, prefix: Entry) -> int:
        """Return how many entries start with `prefix`."""
        depth = self._depth
        if not prefix:
            return self.size
        if len(prefix) < depth:
            upper = (*prefix, TOP)
            return sum(len(self._runs[part]) for part in self._partitions(prefix, upper))
        run = self._runs.get(prefix[:depth])
        if run is None:
            return 0
        rest = prefix[depth:]
        return _count(run, rest, (*rest, TOP)) if rest else len(run)

    def _across(self, lower: Entry, upper: Entry, limit: int, *, reverse: bool) -> list[Entry]:
        """Entries of several partitions; the bounds cut only the first and the last of them."""
        depth, found = self._depth, list[Entry]()
        for partition in self._partitions(lower[:depth], upper[:depth], reverse=reverse):
            rests = _between(
                self._runs[partition],
                lower[depth:] if lower[:depth] == partition else (),
                upper[depth:] if upper[:depth] == partition else (TOP,),
                limit - len(found),
                reverse=reverse,
            )
            found += [partition + rest for rest in rests]
            if len(found) >= limit:
                break
        return found

    def _partitions(self, lower: Entry, upper: Entry, *, reverse: bool = False) -> Iterator[Entry]:
        """Partitions from `lower` to `upper`; a whole partition as `upper` is still included."""
        if self._order is None:
            self._order = Chunked(sorted(self._runs))
        if len(upper) == self._depth:
            upper = (*upper, TOP)
        while batch := self._order.between(lower, upper, _CHUNK, reverse=reverse):
            yield from batch
            lower, upper = (lower, batch[-1]) if reverse else ((*batch[-1], TOP), upper)
