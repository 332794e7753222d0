"""How a dropped file is taken: hashed in one pass, and only what is new of it written down.

A file that grows for a week is taken thousands of times. Each candidate for an earlier version has a size, and when the
hash of that many bytes is the candidate's, its bytes are the first of the new version: the rest is all there is to
write. Some formats count their records in the header and rewrite it while they grow. Then both versions are read side
by side, and the bytes that differ are written, as long as they are few.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, BinaryIO, Final

from warehouse.errors import DamageError, SourceBusy
from warehouse.pieces import Pieces, PiecesWriter, reach_back
from warehouse.ranges import Range, complement, count_bytes, find_equal, intersect, join_ranges, within

if TYPE_CHECKING:
    from hashlib import _Hash
    from pathlib import Path

    from warehouse.archive import Archive
    from warehouse.foreign import Foreign

HEAD_BYTES: Final = 4096
# A file takes whole blocks of the disk: below this, pieces save next to nothing.
SMALL: Final = 16 << 10
# A rewritten file is kept whole when more of it is new than this part, and than this many bytes.
REWRITTEN_PART: Final = 4
REWRITTEN_BYTES: Final = 1 << 20
# A grown file is kept whole once more than this part of it is new: whole files are the faster ones to read.
GROWN_PART: Final = 2


@dataclass(frozen=True)
class Known:
    """A content that is known already, by hash and size."""

    sha256: str
    size: int


@dataclass(frozen=True)
class Capture:
    """A source that was taken into the archive.

    Args:
        sha256: hash of its bytes.
        size: how many there are.
        head_sha256: hash of the first ``HEAD_BYTES`` of them.
        base: the earlier content that it was found to be a version of.
        grown: whether all bytes of that are its own first bytes.
        same: the ranges whose bytes are those of the base.
    """

    sha256: str
    size: int
    head_sha256: str = ""
    base: str | None = None
    grown: bool = False
    same: tuple[Range, ...] = ()

    def is_unchanged(self, begin: int, end: int) -> bool:
        """Say whether these bytes are those of the base."""
        return begin >= end or any(first <= begin and end <= last for first, last in within(self.same, begin, end))


@dataclass
class Survey:
    """What one pass over a source found: its hash, and the known contents that it begins with, by size."""

    sha256: str
    size: int
    head_sha256: str
    prefixes: dict[int, tuple[str, _Hash]] = field(default_factory=dict)


def capture_file(archive: Archive, file: Foreign, bases: Sequence[Known]) -> Capture:
    """Take an open file into the archive; see :meth:`warehouse.archive.Archive.capture`."""
    if bases:
        return _capture_version(archive, file, bases)
    with archive.temporary() as temporary:
        survey = _copy_whole(file, temporary)
        file.check_unchanged(survey.size)
        if not _is_kept(archive, file, survey):
            archive.publish_whole(temporary, survey.sha256)
    return Capture(survey.sha256, survey.size, survey.head_sha256)


def heal(archive: Archive, file: Foreign, damaged: Iterable[Known]) -> list[str]:
    """Write damaged contents anew from a file that begins with their bytes. Returns which ones."""
    survey = _survey(file, damaged)
    file.check_unchanged(survey.size)
    healed = []
    # The shortest first: the longer ones are told by them.
    for size, (sha256, _) in sorted(survey.prefixes.items()):
        if not archive.has_sound_file(sha256):
            _restore(archive, file, Known(sha256, size))
            healed.append(sha256)
    return healed


def _capture_version(archive: Archive, file: Foreign, bases: Sequence[Known]) -> Capture:
    with ExitStack() as stack:
        # What was rewritten once is rewritten again: then one pass does for both.
        comparison = _open_beside(stack, archive, bases[0], file) if _was_rewritten(archive, bases[0]) else None
        survey = _survey(file, bases, comparison)
        prefix = _find_prefix(archive, survey)
        if prefix is None and comparison is None:
            comparison = _open_beside(stack, archive, bases[0], file)
            survey = _survey(file, bases, comparison) if comparison is not None else survey
        file.check_unchanged(survey.size)
        captured = _tell(survey, prefix, comparison, bases[0])
        if not _is_kept(archive, file, survey):
            _keep(archive, file, survey, prefix, comparison)
    return captured


def _tell(survey: Survey, prefix: Known | None, comparison: _Comparison | None, previous: Known) -> Capture:
    captured = Capture(survey.sha256, survey.size, survey.head_sha256)
    if prefix is not None:
        return replace(captured, base=prefix.sha256, grown=True, same=((0, prefix.size),))
    same = tuple(comparison.equal) if comparison is not None else ()
    return replace(captured, base=previous.sha256, same=same) if same else captured


def _is_kept(archive: Archive, file: Foreign, survey: Survey) -> bool:
    """Say whether the archive has a content already, after mending what it has of it if that is damaged."""
    if not archive.has(survey.sha256) or archive.is_sound(survey.sha256):
        return archive.has(survey.sha256)
    heal(archive, file, archive.lineage(Known(survey.sha256, survey.size)))
    return archive.is_sound(survey.sha256)


def _keep(
    archive: Archive, file: Foreign, survey: Survey, prefix: Known | None, comparison: _Comparison | None
) -> None:
    """Write a content down, in pieces where that is worth while."""
    # Pieces that could not be mended have a damaged base, which no other pieces should be built upon either.
    in_pieces = survey.size >= SMALL and not archive.has(survey.sha256)
    with archive.temporary() as temporary:
        if in_pieces and prefix is not None:
            pieces = _plan_growth(archive, survey, prefix)
            if pieces is not None:
                _write_pieces(file, pieces, temporary, survey)
                archive.publish_pieces(temporary, survey.sha256)
                return
        elif in_pieces and comparison is not None and comparison.finish(survey):
            archive.publish_pieces(comparison.path, survey.sha256)
            return
        _check_same(file, _copy_whole(file, temporary).sha256, survey.sha256)
        archive.publish_whole(temporary, survey.sha256)


def _survey(file: Foreign, known: Iterable[Known], comparison: _Comparison | None = None) -> Survey:
    """Hash a file, ask at the size of each known content whether that was it, and compare it on the way."""
    wanted: dict[int, set[str]] = {}
    for each in known:
        wanted.setdefault(each.size, set()).add(each.sha256)
    # Longest first, so that the next one is taken off the end.
    edges = sorted((size for size in wanted if size <= file.size), reverse=True)
    survey = Survey("", 0, "")
    digest, head = hashlib.sha256(), b""
    for chunk in file.chunks():
        head += chunk[: HEAD_BYTES - len(head)]
        if comparison is not None:
            comparison.feed(survey.size, chunk)
        for part in _cut(chunk, survey.size, edges):
            digest.update(part)
            survey.size += len(part)
            if digest.hexdigest() in wanted.get(survey.size, ()):
                survey.prefixes[survey.size] = digest.hexdigest(), digest.copy()
    survey.sha256, survey.head_sha256 = digest.hexdigest(), hashlib.sha256(head).hexdigest()
    return survey


def _cut(chunk: bytes, begin: int, edges: list[int]) -> Iterator[memoryview]:
    """Yield a chunk that begins at ``begin`` in parts that end at the edges, which are taken off the list."""
    view, place = memoryview(chunk), 0
    while edges and edges[-1] <= begin + len(chunk):
        edge = edges.pop() - begin
        yield view[place:edge]
        place = edge
    yield view[place:]


def _find_prefix(archive: Archive, survey: Survey) -> Known | None:
    """Return the largest earlier content that the source begins with, of those that the archive has."""
    # The source itself may be among the candidates, when it was taken before.
    for size, (sha256, _) in sorted(survey.prefixes.items(), reverse=True):
        if sha256 != survey.sha256 and archive.has(sha256):
            return Known(sha256, size)
    return None


def _plan_growth(archive: Archive, survey: Survey, prefix: Known) -> Pieces | None:
    """Say what a grown content is told by; None where it is better kept whole."""
    try:
        rough = _reach_back(archive, prefix)
    except DamageError:
        # What was kept of the earlier one is no ground to build on.
        return None
    pieces = replace(rough, sha256=survey.sha256, size=survey.size)
    return pieces if count_bytes(pieces.literals) <= survey.size // GROWN_PART else None


def _reach_back(archive: Archive, base: Known) -> Pieces:
    chain = archive.walk(base.sha256)
    return reach_back(next(chain, None), (base.sha256, base.size), chain)


def _restore(archive: Archive, file: Foreign, known: Known) -> None:
    """Write a content as it was kept before, or whole where that cannot be told any more."""
    try:
        pieces = archive.describe(known.sha256)
    except DamageError:
        pieces = None
    with archive.temporary() as temporary:
        if pieces is None:
            _check_same(file, _copy_whole(file, temporary, known.size).sha256, known.sha256)
            archive.publish_whole(temporary, known.sha256)
        else:
            _write_pieces(file, pieces, temporary)
            archive.publish_pieces(temporary, known.sha256)


def _copy_whole(file: Foreign, temporary: Path, end: int | None = None) -> Survey:
    digest, head, size = hashlib.sha256(), b"", 0
    with temporary.open("wb") as writer:
        for chunk in file.chunks(0, end):
            head += chunk[: HEAD_BYTES - len(head)]
            digest.update(chunk)
            writer.write(chunk)
            size += len(chunk)
    return Survey(digest.hexdigest(), size, hashlib.sha256(head).hexdigest())


def _write_pieces(file: Foreign, pieces: Pieces, temporary: Path, survey: Survey | None = None) -> None:
    """Write what is new of a file, hashing on from the last known content before that."""
    begin, digest = 0, hashlib.sha256()
    # What is shared from the first byte on was hashed in the survey and need not be read again.
    shared = pieces.same[0][1] if pieces.same and not pieces.same[0][0] else 0
    if survey is not None and shared in survey.prefixes:
        begin, digest = shared, survey.prefixes[shared][1].copy()
    with PiecesWriter(temporary) as writer:
        for chunk in file.chunks(begin, pieces.size):
            digest.update(chunk)
            end = begin + len(chunk)
            for first, last in intersect(within(pieces.literals, begin, end), [(begin, end)]):
                writer.write(chunk[first - begin : last - begin])
            begin = end
        writer.finish(pieces)
    _check_same(file, digest.hexdigest(), pieces.sha256)


def _check_same(file: Foreign, found: str, wanted: str) -> None:
    """Make sure that what was written is what was hashed: a share may tell late that a file has changed."""
    if found != wanted:
        raise SourceBusy(f"{file.shown} changed while it was copied; it is taken again when it is quiet")


def _was_rewritten(archive: Archive, previous: Known) -> bool:
    """Say whether a version shares more with its base than that base's being its beginning."""
    try:
        pieces = archive.describe(previous.sha256)
    except DamageError:
        return False
    return pieces is not None and pieces.same != ((0, pieces.base_size),)


def _open_beside(stack: ExitStack, archive: Archive, previous: Known, file: Foreign) -> _Comparison | None:
    """Open the version before for a comparison; None where the archive has nothing sound of it."""
    try:
        rough = _reach_back(archive, previous)
        old = stack.enter_context(archive.open(previous.sha256))
    except DamageError:
        return None
    path = stack.enter_context(archive.temporary())
    comparison = _Comparison(old, rough, path, max(REWRITTEN_BYTES, file.size // REWRITTEN_PART))
    stack.callback(comparison.close)
    return comparison


class _Comparison:
    """What a source shares with the version before, found while both are read side by side.

    Args:
        old: the version before, open.
        rough: what a content that shares all of it would be told by.
        path: takes what is not shared.
        limit: how many bytes of that at most.
    """

    def __init__(self, old: BinaryIO, rough: Pieces, path: Path, limit: int) -> None:
        self.path = path
        self._old = old
        self._rough = rough
        self._limit = limit
        self._writer = PiecesWriter(path)
        self._equal: list[Range] = []
        self._kept: list[Range] = []
        self._failed = False

    @property
    def equal(self) -> Collection[Range]:
        """The ranges in which both versions agree."""
        return [] if self._failed else join_ranges(self._equal)

    def feed(self, begin: int, chunk: bytes) -> None:
        """Compare a chunk of the source, and write down what of it is new."""
        end = begin + len(chunk)
        equal = [(begin + first, begin + last) for first, last in find_equal(chunk, self._read_old(len(chunk)))]
        kept = intersect(equal, within(self._rough.same, begin, end))
        self._equal += equal
        self._kept += kept
        for first, last in complement(kept, begin, end):
            # Beyond the limit they will not be used, but what agrees is still of interest.
            if self._writer.literals <= self._limit:
                self._writer.write(chunk[first - begin : last - begin])

    def finish(self, survey: Survey) -> bool:
        """Complete the pieces file; False where too much is new, or the version before is damaged."""
        if self._failed or self._writer.literals > self._limit:
            return False
        same = tuple(join_ranges(self._kept))
        self._writer.finish(replace(self._rough, sha256=survey.sha256, size=survey.size, same=same))
        self._writer.close()
        return True

    def close(self) -> None:
        """Close the file that was written."""
        self._writer.close()

    def _read_old(self, size: int) -> bytes:
        try:
            return self._old.read(size)
        except (DamageError, OSError):
            # The disk or the file is broken: nothing can be told by this version.
            self._failed = True
            return b""
