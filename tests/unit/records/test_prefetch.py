"""The next batch is made while one is sent, and no thread outlives its use."""

from __future__ import annotations

import threading
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from airflow_socrata.records import prefetch

if TYPE_CHECKING:
    from collections.abc import Generator


def _threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "airflow-socrata-prefetch"]


def test_items_come_in_order_and_the_thread_ends() -> None:
    assert list(prefetch(iter_of(range(100)))) == list(range(100))
    assert not _threads()


def test_the_next_item_is_made_while_one_is_used_and_no_more_than_that() -> None:
    made: list[int] = []
    second = threading.Event()

    def produce() -> Generator[int, None, None]:
        for number in range(10):
            made.append(number)
            if number == 1:
                second.set()
            yield number

    with closing(prefetch(produce(), depth=1)) as items:
        assert next(items) == 0
        assert second.wait(10), "the second is made although nobody has asked for it"
        assert made == [0, 1]
    assert not _threads()


def test_an_error_comes_out_after_the_items_before_it() -> None:
    def produce() -> Generator[int, None, None]:
        yield 1
        raise ValueError("late")

    items = prefetch(produce())
    assert next(items) == 1
    with pytest.raises(ValueError, match="late"):
        next(items)
    assert not _threads()


def test_closing_early_closes_the_source_in_its_thread() -> None:
    closed_in: list[str] = []

    def produce() -> Generator[int, None, None]:
        try:
            number = 0
            while True:
                yield number
                number += 1
        finally:
            closed_in.append(threading.current_thread().name)

    with closing(prefetch(produce(), depth=2)) as items:
        assert next(items) == 0
    assert closed_in == ["airflow-socrata-prefetch"]
    assert not _threads()


def iter_of(numbers: range) -> Generator[int, None, None]:
    yield from numbers
