"""A portal that takes chunked uploads and holds clients to the rules: sizes, places, limits, the end."""

from __future__ import annotations

import io
import re
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from unit.client import publishing_samples as samples
from unit.client.portal_servers import Answer, ScriptedPortal
from unit.client.publishing_samples import SOURCE, SOURCE_LINKS, bare, reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from unit.client.portal_servers import Certificate, Seen

_CHUNK = re.compile(rf"{SOURCE}/chunk/(\d+)/(\d+)(/commit)?")


@dataclass
class Taken:
    """What arrived."""

    chunks: dict[int, tuple[int, bytes]] = field(default_factory=dict)
    committed: list[tuple[int, int]] = field(default_factory=list)

    @property
    def data(self) -> bytes:
        """All bytes, in order."""
        return b"".join(self.chunks[seq][1] for seq in sorted(self.chunks))


class UploadPortal(ScriptedPortal):
    """Takes the chunks of one source.

    ``fault`` sees each request first; an answer that it returns is given in place of the portal's own, which
    carries the request out before if ``carried_out`` says so.
    """

    def __init__(
        self, certificate: Certificate | None = None, *, chunk_size: int = 1000, parallelism: int = 4
    ) -> None:
        self.taken = Taken()
        self.limits = {"preferred_chunk_size": chunk_size, "preferred_upload_parallelism": parallelism}
        self.fault: Callable[[Seen], Answer | None] = lambda seen: None
        self.carried_out = False
        self.after_commit: dict[str, Any] = {"filesize": 1}
        self._lock = threading.Lock()
        super().__init__(certificate)

    def choose(self, seen: Seen) -> Answer:
        answer = self.fault(seen)
        if answer is not None and not self.carried_out:
            return answer
        with self._lock:
            own = self._serve(seen)
        return own if answer is None else answer

    def _serve(self, seen: Seen) -> Answer:
        if seen.path == f"{SOURCE}/initiate":
            return bare(self.limits)
        found = _CHUNK.fullmatch(seen.path)
        if found is None:
            parsing = self.after_commit if self.taken.committed else {}
            return reply(samples.source(**parsing), SOURCE_LINKS)
        number, offset = int(found.group(1)), int(found.group(2))
        return self._commit(number, offset) if found.group(3) else self._chunk(number, offset, seen.body)

    def _chunk(self, seq: int, offset: int, data: bytes) -> Answer:
        if not data or len(data) > self.limits["preferred_chunk_size"]:
            return bare({"message": f"a chunk of {len(data)} bytes", "key": "bad_chunk"}, 400)
        self.taken.chunks[seq] = offset, data
        taken = {"seq_num": seq, "byte_offset": offset, "end_byte_offset": offset + len(data)}
        return reply(taken)

    def _commit(self, last_seq: int, total: int) -> Answer:
        chunks = [self.taken.chunks.get(seq) for seq in range(last_seq + 1)]
        expected = 0
        for number, chunk in enumerate(chunks):
            if chunk is None or chunk[0] != expected:
                return bare({"message": f"chunk {number} is missing", "key": "bad_chunk"}, 400)
            expected += len(chunk[1])
        sizes = {len(chunk[1]) for chunk in chunks[:-1] if chunk is not None}
        if expected != total or len(sizes) > 1 or self.taken.committed:
            return bare({"message": f"{expected} bytes of {total}", "key": "bad_commit"}, 400)
        self.taken.committed.append((last_seq, total))
        return reply(samples.source(filesize=total), SOURCE_LINKS)


class OnlyRead:
    """A stream that gives less than it is asked for."""

    def __init__(self, data: bytes, most: int) -> None:
        self.inner = io.BytesIO(data)
        self.most = most

    def read(self, size: int) -> bytes:
        return self.inner.read(min(size, self.most))


def chunk_calls(portal: UploadPortal) -> list[Seen]:
    return [seen for seen in portal.requests if "/chunk/" in seen.path and "commit" not in seen.path]
