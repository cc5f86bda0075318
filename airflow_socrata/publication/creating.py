"""Creating a dataset, once: found by its resource name, finished where an earlier try was killed.

An intent is recorded before the creation is sent, and the new dataset says in its private metadata who made
it. Whatever an earlier try has left, the next one looks for the resource name first: it is unique on a
portal, so that even a creation whose reply was lost leaves one dataset, not two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from airflow_socrata.client import (
    Interrupted,
    InvalidRequest,
    NotFound,
    PortalError,
    RequestRefused,
    View,
    datasets,
    views,
)
from airflow_socrata.client.access import Audience, audience_of, check_audience
from airflow_socrata.publication.choices import IN_FLIGHT
from airflow_socrata.publication.errors import (
    DatasetInTheWay,
    WaitTimeout,
)
from airflow_socrata.publication.first_version import publish_first, set_audience
from airflow_socrata.publication.operation import MARK_KEY, IntentStore, Operation
from airflow_socrata.publication.ownership import CLOCK_GRAIN
from airflow_socrata.publication.preflight import check_kind

if TYPE_CHECKING:
    from airflow_socrata.client.datasets import NewDataset
    from airflow_socrata.publication.choices import OnFirstApproval
    from airflow_socrata.publication.publisher import Publisher

#: Pages of the list of all views that are looked through where a portal cannot find a resource name.
MOST_PAGES = 100


@dataclass(frozen=True, slots=True)
class CreateIntent:
    """What an operation is about to create.

    :param dataset: the resource name, which is all that is known before.
    :param recorded_at: epoch seconds by the portal's clock.
    :param acting_user: id of the portal's user that the calls are made as.
    :param sent_at: epoch seconds by this side's clock when the creation was last sent.
    """

    operation: Operation
    dataset: str
    domain: str
    recorded_at: float
    acting_user: str
    sent_at: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain data; never a secret."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> CreateIntent:
        """Read back what :meth:`to_json` wrote."""
        return cls(**{**data, "operation": Operation.from_json(data["operation"])})


@dataclass(frozen=True, slots=True)
class Creating:
    """How to create a dataset.

    :param audience: who sees it in the end; None: nobody but those who may see a new one.
    :param publish: publish it, still empty, so that rows can be loaded into working copies.
    :param adopt: take a dataset of somebody else that has the resource name and the same columns.
    :param keep_different: take one whose columns differ as it is, instead of failing.
    :param on_approval: where a steward must approve the first version, or the audience: ``wait``,
        ``submit`` or ``fail``.
    :param timeout: seconds for the portal to publish it, and for a steward, each.
    :param can_be_told: the task has the arguments ``adopt`` and ``if_different``, which messages may name.
    """

    new: NewDataset
    audience: Audience | None = "private"
    publish: bool = True
    adopt: bool = False
    keep_different: bool = False
    on_approval: OnFirstApproval = "wait"
    timeout: float = 3600.0
    can_be_told: bool = True

    def __post_init__(self) -> None:
        if self.audience is not None:
            check_audience(self.audience)


@dataclass(frozen=True, slots=True)
class Created:
    """The dataset as it stands, and how it came to be.

    :param created: whether this operation, in this try or an earlier one, has made it.
    :param differences: how a dataset that is taken as it is differs from the wanted one.
    """

    view: View
    created: bool
    differences: tuple[str, ...] = ()


def find_dataset(publisher: Publisher, resource_name: str) -> View | None:
    """Return the dataset with a resource name: the published one, or a draft that never was.

    Where the portal cannot be asked for a resource name, its list of views is looked through.
    """
    try:
        found = publisher.send(datasets.find_by_resource_name(resource_name))
    except NotFound:
        return None
    except InvalidRequest:
        found = _listed(publisher, resource_name)
    if found is not None and found.is_working_copy:
        return publisher.send(views.read_view(str(found.published_view_uid)))
    return found


def _listed(publisher: Publisher, resource_name: str) -> View | None:
    seen: set[str] = set()
    for number in range(1, MOST_PAGES + 1):
        page = publisher.send(datasets.list_views(number))
        for view in page:
            if datasets.resource_name_of(view) == resource_name:
                return view
        fresh = {view.id for view in page} - seen
        if not fresh or len(page) < datasets.PAGE_SIZE:
            return None
        seen |= fresh
    return None


def create(
    publisher: Publisher, records: IntentStore[CreateIntent], operation: Operation, creating: Creating
) -> Created:
    """Create a dataset, or find the one that is there; publish it; set its audience.

    :raises DatasetInTheWay: the resource name is that of another dataset.
    :raises PublishFailed: the portal does not publish it.
    """
    return _Creation(publisher, records, operation, creating).run()


class _Creation:
    """One try of one creation."""

    def __init__(
        self,
        publisher: Publisher,
        records: IntentStore[CreateIntent],
        operation: Operation,
        creating: Creating,
    ) -> None:
        self.publisher, self.records, self.operation = publisher, records, operation
        self.creating, self.new = creating, creating.new
        self.intents = self._intents()

    def run(self) -> Created:
        name = self.new.resource_name
        found = find_dataset(self.publisher, name)
        made_here = False
        if found is None:
            found, made_here = self.publisher.session.repeat(self._look_or_create)
        # Nothing of ours is half done in a dataset that an earlier run has finished.
        unfinished = made_here or bool(self.intents)
        if not (made_here or self._is_ours(found) or self.creating.adopt):
            raise DatasetInTheWay(self._in_the_way(found))
        if not datasets.is_link(found):
            check_kind(found)
        view = self._with_row_identifier(found)
        differences = datasets.differences(self.new, view)
        if differences and not self.creating.keep_different:
            keep = self._unless(", or if_different='keep' to take it as it is")
            raise DatasetInTheWay(
                f"{name} is {view.id} ({view.name}), and {'; '.join(differences)}. Give what it has, or"
                f" another resource name{keep}."
            )
        view = self._finished(view, unfinished=unfinished)
        for intent in self.intents:
            self.records.forget(intent)
        return Created(view, made_here or self._made_by_us(found), differences)

    def _intents(self) -> list[CreateIntent]:
        """The recorded creations of this resource name that are not over, this operation's own included."""
        keys = {
            *self.records.unfinished(self.publisher.domain, self.new.resource_name),
            self.operation.key,
        }
        found = [intent for key in sorted(keys) if (intent := self.records.load(key)) is not None]
        return [intent for intent in found if intent.dataset == self.new.resource_name]

    def _look_or_create(self) -> tuple[View, bool]:
        """Return the dataset, and whether this call has created it."""
        self.intents = self._intents()
        sent = max((intent.sent_at or 0.0 for intent in self.intents), default=0.0)
        found = self._appears(sent + IN_FLIGHT - self.publisher.clock.time())
        if found is not None:
            return found, False
        self._record()
        try:
            return self.publisher.send(datasets.create_dataset(self.new, self._mark())), True
        except RequestRefused as error:
            taken = datasets.is_name_taken(error)
            found = find_dataset(self.publisher, self.new.resource_name)
            if found is None and taken:  # a portal may find published datasets alone
                found = _listed(self.publisher, self.new.resource_name)
            if found is not None:
                return found, False
            if taken:
                raise DatasetInTheWay(
                    f"{error.brief} - the dataset that has this resource name is hidden from the"
                    " connection's user; choose another resource name, or ask its owner to share it."
                ) from error
            if error.landing == "none":
                self._forget_own()
            raise
        except PortalError as error:
            if error.landing == "none" and not isinstance(error, Interrupted):
                self._nothing_sent()
            raise

    def _appears(self, seconds: float) -> View | None:
        """Look for a dataset whose creation an earlier try has sent, for as long as that may be in flight."""
        name = self.new.resource_name
        found = find_dataset(self.publisher, name)
        if found is not None or seconds <= 0:
            return found
        self.publisher.log(f"An earlier try has sent the creation of {name}; looking whether it comes.")
        try:
            for pause in self.publisher.patience(seconds).pauses(f"dataset {name}"):
                self.publisher.session.sleep(pause.seconds)
                found = find_dataset(self.publisher, name)
                if found is not None:
                    return found
        except WaitTimeout:
            pass
        return None

    def _record(self) -> None:
        own = self.records.load(self.operation.key)
        now = self.publisher.clock.time()
        if own is None or own.dataset != self.new.resource_name:
            own = CreateIntent(
                self.operation,
                self.new.resource_name,
                self.publisher.domain,
                self.publisher.portal_time(),
                self.publisher.send(views.current_user()).id,
            )
        self.records.save(replace(own, sent_at=now))
        self.intents = self._intents()

    def _nothing_sent(self) -> None:
        """The portal has proved that it made nothing: the next try need not look for it."""
        own = self.records.load(self.operation.key)
        if own is not None:
            self.records.save(replace(own, sent_at=None))

    def _forget_own(self) -> None:
        """Nothing was made: nothing is to be looked for."""
        own = self.records.load(self.operation.key)
        if own is not None:
            self.records.forget(own)

    def _mark(self) -> dict[str, Any]:
        return {MARK_KEY: {"dataset": self.new.resource_name, **asdict(self.operation)}}

    def _made_by_us(self, view: View) -> bool:
        """Whether this operation has made a dataset, in an earlier try."""
        mark = view.private_metadata.get(MARK_KEY)
        if isinstance(mark, Mapping) and mark.get("dataset") == self.new.resource_name:
            return Operation.from_json(mark).key == self.operation.key
        return any(_proves(i, view) for i in self.intents if i.operation.key == self.operation.key)

    def _is_ours(self, view: View) -> bool:
        """Whether a dataset was made, or published to, by this DAG; or is the acting user's.

        A draft of that user must be marked or proved: a person may have one in hand.
        """
        mark = view.private_metadata.get(MARK_KEY)
        marked = isinstance(mark, Mapping)
        if isinstance(mark, Mapping) and mark.get("dag_id") == self.operation.dag_id:
            return True
        if any(_proves(intent, view) for intent in self.intents):
            return True
        if not (view.is_published or marked):
            return False
        user = self.publisher.send(views.current_user())
        return view.owner_id is not None and view.owner_id == user.id

    def _in_the_way(self, view: View) -> str:
        stage = "a dataset" if view.is_published else "a draft"
        owner = f" of {view.owner_id}" if view.owner_id else ""
        return (
            f"{self.new.resource_name} is {view.id} ({view.name}), {stage}{owner} that was not made here, see"
            f" {self.publisher.link(view.id)}. Choose another resource"
            f" name{self._unless(', or pass adopt=True to take it')}."
        )

    def _unless(self, told: str) -> str:
        return told if self.creating.can_be_told else ""

    def _with_row_identifier(self, view: View) -> View:
        """Set the row identifier where a portal has not taken it with the creation."""
        wanted = self.new.row_identifier
        names = {column.field_name for column in view.columns}
        if wanted is None or view.row_identifier is not None or wanted not in names or view.is_published:
            return view
        return self.publisher.send(views.merged_update(view, {"metadata": {"rowIdentifier": wanted}}))

    def _finished(self, view: View, *, unfinished: bool) -> View:
        """Publish a draft, and set the audience of what this or a killed run has made."""
        audience = self.creating.audience
        if not view.is_published:
            if audience in {"private", "site"} and audience_of(view) == "public":
                view = set_audience(self.publisher, view.id, "private")
            if self.creating.publish:
                view = publish_first(
                    self.publisher, view.id, self.creating.timeout, on_approval=self.creating.on_approval
                )
        waits_for_steward = self.creating.publish and not view.is_published
        if unfinished and audience is not None and not waits_for_steward:
            view = set_audience(
                self.publisher,
                view.id,
                audience,
                self.creating.timeout,
                on_approval=self.creating.on_approval,
            )
        return view


def _proves(intent: CreateIntent, view: View) -> bool:
    """Whether an intent proves an unmarked dataset to be its own."""
    return (
        intent.sent_at is not None
        and intent.dataset == datasets.resource_name_of(view)
        and view.created_at is not None
        and view.created_at >= int(intent.recorded_at - CLOCK_GRAIN)
        and view.author_id == intent.acting_user
    )
