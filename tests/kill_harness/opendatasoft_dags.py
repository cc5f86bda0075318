"""The DAG files of the tests that publish to an Opendatasoft portal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from kill_harness.dag_files import filled


@dataclass(frozen=True, slots=True)
class OpendatasoftDag:
    """One DAG that uploads a file and publishes the dataset.

    :param retries: of each task.
    :param name: tells it from the others.
    :param group: more arguments of the task group, as text.
    :param load: more arguments of the upload, as text.
    """

    vendor: ClassVar[str] = "opendatasoft"

    retries: int = 0
    name: str = ""
    group: str = ""
    load: str = ""

    @property
    def id(self) -> str:
        """The DAG's id."""
        return "_".join(filter(None, ("road_events_opendatasoft", self.name, str(self.retries))))

    @property
    def opens(self) -> str:
        """The task that notes what a rollback goes back to."""
        return "create_restore_point"

    def text(self) -> str:
        """The DAG's file."""
        values = {
            "<dag_id>": self.id,
            "<retries>": str(self.retries),
            "# <group>": self.group,
            "# <load>": self.load,
        }
        return filled("road_events_opendatasoft.py", values)
