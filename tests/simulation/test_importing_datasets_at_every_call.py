"""New datasets that the portal imports: killed before or after every call, lost, and not as they should be.

Whatever the moment: the next try ends as one clean run would have, with one dataset that holds every row of
the file once; the public never sees it with other rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from portal_harness.dying import OPERATION, Death, Killed, MortalIntents, immortal
from portal_harness.imports import ASK, FILE_ROWS, ImportWorld

from airflow_socrata.client import views
from airflow_socrata.client.datasets import NewDataset
from airflow_socrata.client.errors import ConfigurationError
from airflow_socrata.client.translations import parse_translation
from airflow_socrata.publication import importing_datasets
from airflow_socrata.publication.creating import CreateIntent, Creating
from airflow_socrata.publication.errors import PublicationError, RowsRefused
from airflow_socrata.records import RecordsError

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_socrata.client.column_definitions import ColumnDefinition
    from airflow_socrata.emulator import Emulator


class DatasetWorld(ImportWorld):
    """A portal with another dataset, and one to be imported."""

    def __init__(self, portal: Emulator, file: Path, **switches: Any) -> None:
        super().__init__(portal, file, "replace", **switches)
        self.records: dict[str, CreateIntent] = {}

    def make(self, death: Death | None = None, **more: Any) -> Any:
        death = death or immortal()
        details = {"row_identifier": "id"} | more

        def creating(columns: tuple[ColumnDefinition, ...], identifier: str | None) -> Creating:
            new = NewDataset("new_rows", "New", columns, identifier)
            return Creating(new, "public", publish=False, timeout=60.0, can_be_told=False)

        wanted = importing_datasets.ImportingDataset(
            creating,
            self.importing(**details.get("importing", {})),
            details.get("columns"),
            details.get("types"),
            details["row_identifier"],
        )
        records = MortalIntents(self.records, death)
        return importing_datasets.import_dataset(
            self.publisher(death), records, OPERATION, "new_rows", wanted
        )

    def made(self) -> list[dict[str, Any]]:
        return [view for view in self.portal.admin.datasets() if view["id"] != self.dataset]

    def check_one(self, where: object = "") -> None:
        (view,) = self.made()
        assert view["stage"] == "published", where
        state = self.portal.admin.state(view["id"])
        assert state["scope"] == "public", where
        rows = [(row["id"], row.get("v")) for row in self.portal.admin.rows(view["id"])]
        assert sorted(rows) == FILE_ROWS, where
        assert self.records == {}, where


def dies(death: Death, world: DatasetWorld) -> bool:
    """Whether the process died; it outlives a moment "after" a call that the portal refused."""
    try:
        world.make(death)
    except Killed:
        return True
    assert death.after
    return False


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_dataset_is_made_once_whenever_its_maker_dies(portal: Emulator, file: Path, after: bool) -> None:
    switches = {"backend": "old", "import_looks": 1}
    world, death = DatasetWorld(portal, file, **switches), immortal()
    assert world.make(death).load.rows_after == 3
    assert world.make().load is None, "the next try finds it"
    died = 0
    for at in range(death.count):
        world, dying = DatasetWorld(portal, file, **switches), Death(at, after)
        died += dies(dying, world)
        seen = [view for view in world.made() if view["stage"] == "published"]
        assert all(view["rows"] == 3 for view in seen), (at, dying.moments[-1])
        world.make()
        world.check_one((at, dying.moments[-1]))
    assert died >= 15


LOST = {
    "create": ("lost_reply", "POST", r"/api/views\.json$", {}),
    "scan": ("lost_reply", "POST", ASK, {}),
    "import": ("lost_reply", "POST", ASK, {"skip": 1}),
    "import_502": ("bad_gateway", "POST", ASK, {"skip": 1, "after_commit": True}),
    "publish": ("lost_reply", "POST", r"/publication", {}),
}


@pytest.mark.parametrize("case", list(LOST))
def test_what_is_lost_leaves_one_dataset(portal: Emulator, file: Path, case: str) -> None:
    kind, method, path, more = LOST[case]
    world = DatasetWorld(portal, file)
    portal.admin.add_fault(kind, method, path, **more)
    world.make()
    world.check_one(case)


def test_a_file_that_is_not_taken_whole_leaves_nothing(portal: Emulator, tmp_path: Path) -> None:
    path = tmp_path / "new.csv"
    path.write_text("id,v\nr7,many\n")
    world = DatasetWorld(portal, path)
    with pytest.raises(RowsRefused, match='"many" is no number'):
        world.make(types={"v": "number"})
    assert (world.made(), world.records) == ([], {})


CANNOT_BE: dict[str, tuple[dict[str, Any], str]] = {
    "type_of_nothing": ({"types": {"W": "text"}}, "names 'W', and new.csv has no such column"),
    "no_such_type": ({"types": {"V": "nummer"}}, r"no type 'nummer'; did you mean 'number'\?"),
    "columns": ({"columns": [{"field_name": "id", "data_type": "text"}]}, "'V'"),
    "identifier": ({"row_identifier": "key"}, "the row identifier 'key' is no column"),
    "translation": (
        {"importing": {"translation": parse_translation("[col1]")}},
        "with a translation give the columns",
    ),
}


@pytest.mark.parametrize("case", list(CANNOT_BE))
def test_a_dataset_that_cannot_be_is_not_made(portal: Emulator, file: Path, case: str) -> None:
    more, problem = CANNOT_BE[case]
    world = DatasetWorld(portal, file)
    with pytest.raises((ConfigurationError, RecordsError), match=problem):
        world.make(**more)
    assert (world.made(), world.records) == ([], {})


def test_the_dataset_of_somebody_else_is_left_alone(portal: Emulator, file: Path) -> None:
    world = DatasetWorld(portal, file)
    portal.admin.create_dataset(
        columns=["a"], name="Theirs", owner="person", fields={"resourceName": "new_rows"}
    )
    with pytest.raises(PublicationError, match=r"was not made here.*Choose another resource name\.$"):
        world.make()
    assert [view["rows"] for view in world.made()] == [0]


def test_a_draft_that_another_run_has_just_published_is_not_deleted(
    portal: Emulator, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, found = DatasetWorld(portal, file), importing_datasets.create

    def killed(*_: Any, **__: Any) -> Any:
        raise Killed

    def published_behind_it(*given: Any) -> Any:
        created = found(*given)
        world.publisher().send(views.publish(created.view.id))
        return created

    monkeypatch.setattr(importing_datasets, "_fill", killed)
    with pytest.raises(Killed):
        world.make()
    monkeypatch.setattr(importing_datasets, "create", published_behind_it)
    with pytest.raises(PublicationError, match="somebody has published it in the meantime"):
        world.make()
    assert [view["stage"] for view in world.made()] == ["published"]
