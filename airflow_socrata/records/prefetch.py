"""Preparing the next batch in a thread while one is being sent."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

__all__ = ["prefetch"]

T = TypeVar("T")

#: How long closing waits for a source that is stuck; its thread then ends by itself, at its next item.
_CLOSING_SECONDS = 1.0
#: How late a wait notices that it should end.
_SLICE_SECONDS = 0.25


def prefetch(
    items: Generator[T, None, None], depth: int = 1, *, stop: Callable[[], bool] = lambda: False
) -> Generator[T, None, None]:
    """Iterate in a thread, so that up to ``depth`` items are ready before they are asked for.

    Close it (``contextlib.closing``), or run it to its end, and the thread is gone and ``items`` is closed.
    For files; a callable of the user's may hold what only its own thread may use, such as a connection to
    SQLite.

    :param items: a generator, such as ``batches`` gives; it runs in the thread, and is closed there
    :param depth: items made ahead, each of which is held in memory
    :param stop: when it turns true, a wait for an item ends, even if the source is stuck
    :raises InterruptedError: ``stop`` turned true while an item was waited for
    :raises Exception: what ``items`` raises, where it raises it
    """
    ahead = _Ahead(items, depth, stop)
    thread = threading.Thread(target=ahead.run, name="airflow-socrata-prefetch", daemon=True)
    thread.start()
    try:
        yield from ahead
    finally:
        ahead.stop()
        thread.join(_CLOSING_SECONDS)


class _Ahead(Generic[T]):
    def __init__(self, items: Generator[T, None, None], depth: int, stop: Callable[[], bool]) -> None:
        self._items = items
        self._ready: deque[T] = deque()
        self._room = threading.Semaphore(depth)
        self._filled = threading.Semaphore(0)
        self._stopped = False
        self._stop_asked = stop
        self._error: BaseException | None = None

    def run(self) -> None:
        try:
            while self._room.acquire() and not self._stopped:
                self._ready.append(next(self._items))
                self._filled.release()
        except StopIteration:
            pass
        except BaseException as error:  # handed to the thread that asks
            self._error = error
        finally:
            self._items.close()
            self._filled.release()

    def __iter__(self) -> Iterator[T]:
        while True:
            while not self._filled.acquire(timeout=_SLICE_SECONDS):
                if self._stop_asked():
                    raise InterruptedError("stopped while waiting for the source")
            if not self._ready:
                break
            item = self._ready.popleft()
            self._room.release()
            yield item
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        self._stopped = True
        self._room.release()
