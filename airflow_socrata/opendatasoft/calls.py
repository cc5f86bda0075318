"""Calls below one dataset's address, the same in both APIs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_socrata.client.messages import JSON_TYPE, Call, CallKind
from airflow_socrata.client.parsing import nothing
from airflow_socrata.opendatasoft.bodies import check_uid, json_body, page_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_socrata.client.messages import Reply

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class DatasetCalls:
    """Builds calls.

    :param base: the path of the API.
    :param whole: parameters for as much of a list as there is.
    """

    base: str
    whole: tuple[tuple[str, str], ...] = ()

    def call(
        self,
        kind: CallKind,
        method: str,
        uid: str,
        where: str,
        parse: Callable[[Reply], T],
        what: str,
        **more: Any,
    ) -> Call[T]:
        """Build any call.

        :param where: the rest of the path, below the dataset's.
        :param what: what it does to the dataset, in words that end before ``dataset …``.
        """
        path = f"{self.base}/datasets/{check_uid(uid)}/{where}"
        return Call(kind, method, path, parse, f"{what} dataset {uid}", **more)

    def put(
        self, uid: str, where: str, body: Any, parse: Callable[[Reply], T], what: str, **more: Any
    ) -> Call[T]:
        """Build a change, which may be repeated."""
        kind = more.pop("kind", CallKind.METADATA)
        return self.call(
            kind, "PUT", uid, where, parse, what, headers=JSON_TYPE, body=json_body(body), **more
        )

    def post(self, uid: str, where: str, body: Any, parse: Callable[[Reply], T], what: str) -> Call[T]:
        """Build the creation of a part of a dataset, or an action on one.

        :param body: None: no body.
        """
        if body is None:
            return self.call(CallKind.PART, "POST", uid, where, parse, what)
        return self.call(
            CallKind.PART, "POST", uid, where, parse, what, headers=JSON_TYPE, body=json_body(body)
        )

    def delete(self, uid: str, where: str, what: str) -> Call[None]:
        """Build the deletion of a part of a dataset."""
        return self.call(CallKind.PART, "DELETE", uid, where, nothing, what)

    def read(self, uid: str, where: str, parse: Callable[[Reply], T], what: str, **more: Any) -> Call[T]:
        """Build a look."""
        return self.call(CallKind.READ, "GET", uid, where, parse, what, **more)

    def action(self, method: str, uid: str, where: str, what: str) -> Call[None]:
        """Build an order that starts work on the dataset."""
        return self.call(CallKind.PUBLISH, method, uid, where, nothing, what)

    def list(
        self, uid: str, where: str, read: Callable[[Mapping[str, Any]], T], what: str
    ) -> Call[tuple[T, ...]]:
        """Build the list of some parts of a dataset."""

        def parse(reply: Reply) -> tuple[T, ...]:
            return page_of(reply, "results", what, read).items

        return self.read(uid, where, parse, f"list the {what} of", params=self.whole)
