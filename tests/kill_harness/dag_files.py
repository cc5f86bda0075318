"""The DAG files of the tests: one text, filled in for each way of publishing."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_harness.cluster import Cluster

Way = Literal["upsert", "replace", "updating revision", "appending revision", "replacing revision"]

GROUP = "roads"
METHODS: dict[Way, str] = {"upsert": "copy", "replace": "copySchema"}
#: What applying the revision does; without a row identifier, an update appends.
ACTIONS: dict[Way, str] = {
    "updating revision": "update",
    "appending revision": "update",
    "replacing revision": "replace",
}
#: Every wait in the triggerer.
DEFERRABLE = "deferrable=True,"

_INSTALLED: dict[int, set[str]] = {}
_ONE_AT_A_TIME = threading.Lock()


class AnyDag(Protocol):
    """A DAG of the tests, for whichever portal.

    :param vendor: of the portal.
    """

    vendor: ClassVar[str]

    @property
    def id(self) -> str:
        """The DAG's id."""

    @property
    def opens(self) -> str:
        """The task that an operation begins with."""

    def text(self) -> str:
        """The DAG's file."""


def install(dag: AnyDag, cluster: Cluster) -> None:
    """Put a DAG into the Airflow, once."""
    with _ONE_AT_A_TIME:
        installed = _INSTALLED.setdefault(id(cluster), set())
        if dag.id not in installed:
            cluster.put_dag(dag.id, dag.text())
            installed.add(dag.id)


def filled(file: str, values: Mapping[str, str]) -> str:
    """Return the text of a DAG file beside this module with what is in angle brackets, or behind ``#``."""
    text = Path(__file__).with_name(file).read_text()
    for name, value in values.items():
        text = text.replace(name, value)
    return text


@dataclass(frozen=True, slots=True)
class Dag:
    """One DAG of the tests that publishes to a Socrata portal.

    :param way: upsert by row identifier into a copy, or replace without row identifiers; or a revision that
        updates by row identifier, appends, or replaces without row identifiers.
    :param retries: of each task.
    :param name: tells it from the others.
    :param options: more arguments of the DAG, as text.
    :param group: more arguments of the task group, as text.
    :param load: more arguments of the load, as text.
    """

    vendor: ClassVar[str] = "socrata"

    way: Way = "upsert"
    retries: int = 0
    name: str = ""
    options: str = ""
    group: str = ""
    load: str = ""

    @property
    def id(self) -> str:
        """The DAG's id."""
        way = self.way.replace(" ", "_")
        return "_".join(filter(None, ("road_events", self.name, way, str(self.retries))))

    @property
    def uses_revisions(self) -> bool:
        """Whether it publishes through a revision."""
        return self.way in ACTIONS

    @property
    def opens(self) -> str:
        """The task that opens the draft."""
        return "create_revision" if self.uses_revisions else "create_working_copy"

    def text(self) -> str:
        """The DAG's file."""
        file = "road_events_revision.py" if self.uses_revisions else "road_events.py"
        values = {
            "<dag_id>": self.id,
            "<retries>": str(self.retries),
            "<method>": METHODS.get(self.way, "revision"),
            "<action>": ACTIONS.get(self.way, ""),
            "# <options>": self.options,
            "# <group>": self.group,
            "# <load>": self.load,
        }
        return filled(file, values)
