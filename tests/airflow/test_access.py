"""The operators and the sensor for who may see a dataset, and who may change it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests
from portal_harness.publications import (
    OLD_ROWS,
    assert_published,
    assert_unchanged,
    errors,
    make_dataset,
    upsert,
)
from portal_harness.tasks import green, red

if TYPE_CHECKING:
    from collections.abc import Callable

    from portal_harness.clock import TurnedClock

    Run = Callable[..., Any]

BOTH = pytest.mark.parametrize("deferrable", [False, True], ids=["blocking", "deferrable"])
ME, PAT, VIC, TEAM = "pub3-user", "per4-user", "view-user", "team-2345"


@pytest.fixture
def private(portal: Any) -> Any:
    """A published dataset that its owner alone sees."""
    return make_dataset(portal, permission="private")


@pytest.fixture
def permit(run_task: Run) -> Run:
    from airflow_socrata.operators.socrata import SocrataSetPermissionOperator

    return lambda dataset, **more: run_task(SocrataSetPermissionOperator, dataset=dataset.id, **more)


@pytest.fixture
def give(run_task: Run) -> Run:
    from airflow_socrata.operators.socrata import SocrataTransferOwnershipOperator

    return lambda dataset, **more: run_task(SocrataTransferOwnershipOperator, dataset=dataset.id, **more)


def shares(dataset: Any) -> dict[str, str]:
    """Who the dataset is shared with, and how."""
    users = dataset.view()["permissions"]["users"]
    return {user.get("id") or user["email"]: user["accessLevels"][0]["name"] for user in users}


def puts(dataset: Any) -> list[dict[str, Any]]:
    """The calls that may have changed something."""
    return [one for one in dataset.portal.admin.requests() if one["method"] not in {"GET"}]


# --- audience ---


def test_an_audience_is_set_once(private: Any, permit: Run) -> None:
    done = green(permit(private, audience="public", add_users={VIC: "viewer"}))
    assert (done["audience"], done["outcome"]) == ("public", "changed")
    assert done["users"] == {ME: "current_owner", VIC: "viewer"}
    assert private.view()["grants"][0]["flags"] == ["public"]
    sent = len(puts(private))
    again = green(permit(private, audience="public", add_users={VIC: "viewer"}))
    assert (again["outcome"], len(puts(private))) == ("unchanged", sent)
    assert green(permit(private, audience="private"))["outcome"] == "changed"
    assert "grants" not in private.view()


def test_users_never_touch_the_audience(dataset: Any, permit: Run) -> None:
    green(permit(dataset, add_users={VIC: "contributor", TEAM: "viewer", "new@x.org": "viewer"}))
    green(permit(dataset, add_users={VIC: "viewer"}, remove_users=["NEW@x.org", PAT]))
    assert shares(dataset) == {ME: "current_owner", VIC: "viewer", TEAM: "viewer"}
    green(permit(dataset, users={PAT: "owner"}))
    assert shares(dataset) == {ME: "current_owner", PAT: "owner"}
    green(permit(dataset, users={}))
    assert shares(dataset) == {ME: "current_owner"}
    assert dataset.portal.admin.state(dataset.id)["scope"] == "public"


def test_on_a_draft_it_takes_effect_with_publishing(portal: Any, permit: Run) -> None:
    draft = make_dataset(portal, published=False, permission="private")
    assert green(permit(draft, audience="public"))["outcome"] == "takes_effect_with_publishing"
    assert "grants" not in draft.view()
    assert draft.view()["pendingGrants"]
    sent = len(puts(draft))
    assert green(permit(draft, audience="public"))["outcome"] == "takes_effect_with_publishing"
    assert len(puts(draft)) == sent


@pytest.mark.parametrize("fault", ["lost_reply", "internal_error", "unavailable", "throttled"])
def test_a_call_that_fails_is_made_good(private: Any, permit: Run, fault: str) -> None:
    private.portal.admin.add_fault(fault, "PUT", "/permissions")
    done = green(permit(private, audience="public", add_users={VIC: "viewer"}))
    assert done["outcome"] == "changed"
    assert shares(private) == {ME: "current_owner", VIC: "viewer"}
    assert len(puts(private)) == (1 if fault == "lost_reply" else 2)


def test_what_somebody_else_shares_meanwhile_stays(private: Any, permit: Run, clock: TurnedClock) -> None:
    """The portal takes the users as a whole, so each try reads them anew."""
    url = f"{private.portal.url}/api/views/{private.id}/grants"
    someone = ("person-key", "person-secret")
    grant = {"type": "viewer", "userId": PAT}
    clock.at_pause(lambda: requests.post(url, json=grant, auth=someone, timeout=30))
    private.portal.admin.add_fault("internal_error", "PUT", "/permissions")
    green(permit(private, add_users={VIC: "viewer"}))
    assert shares(private) == {ME: "current_owner", VIC: "viewer", PAT: "viewer"}


# --- bad input ---


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"audience": "everybody"}, "audience 'everybody' is unknown: use public, site, private"),
        ({}, "nothing to change"),
        ({"audience": "site"}, "use public or private"),
        ({"audience": "public", "add_users": {"abcd-2345": "viewer"}}, "every user and team"),
        ({"add_users": {"Vic": "viewer"}}, "'Vic' names no user"),
        ({"add_users": {VIC: "emperor"}}, "no access level emperor; it has viewer, contributor, owner"),
        ({"add_users": {VIC: "current_owner"}}, "transfer the ownership"),
        ({"add_users": {ME: "viewer"}}, "transfer the ownership first"),
        ({"remove_users": [ME]}, "transfer the ownership first"),
        ({"add_users": {VIC: "viewer"}, "remove_users": [VIC]}, "to be added and to be removed"),
        ({"users": {}, "remove_users": [VIC]}, "give either users"),
    ],
)
def test_bad_input_changes_nothing(private: Any, permit: Run, arguments: Any, words: str) -> None:
    before = private.view()
    assert words in red(permit(private, retries=2, **arguments))
    assert private.view() == before


def test_without_the_right_to_share_nothing_is_sent(private: Any, permit: Run) -> None:
    private.portal.admin.set_rights(private.id, "publisher", ["read", "write"])
    assert "may not share" in red(permit(private, audience="public"))
    assert puts(private) == []


def test_a_working_copy_is_refused(private: Any, permit: Run) -> None:
    copy = private.portal.admin.open_working_copy_as("person", private.id)
    private = type(private)(private.portal, copy["id"])
    assert f"is a working copy: its dataset, {copy['publishedViewUid']}" in red(
        permit(private, audience="public")
    )


# --- approvals ---


def requests_of(dataset: Any) -> list[str]:
    """The states of the requests for an audience."""
    return [one["state"] for one in dataset.view()["approvals"]]


@BOTH
@pytest.mark.parametrize("request_is", ["made", "none"])
def test_a_steward_is_waited_for(
    private: Any, permit: Run, clock: TurnedClock, deferrable: bool, request_is: str
) -> None:
    private.portal.admin.settings(audience_approvals="manual", audience_request=request_is, audience_looks=2)
    clock.at_pause(lambda: private.portal.admin.approve(private.id), 3)
    done = green(permit(private, audience="public", deferrable=deferrable))
    assert (done["audience"], done["outcome"]) == ("public", "changed")
    assert requests_of(private) == ["approved"]
    assert private.portal.admin.state(private.id)["scope"] == "public"


@BOTH
def test_a_rejection_fails_at_once_and_is_not_asked_again(
    private: Any, permit: Run, clock: TurnedClock, deferrable: bool
) -> None:
    private.portal.admin.settings(audience_approvals="manual")
    clock.at_pause(lambda: private.portal.admin.reject(private.id), 2)
    arguments = {"audience": "public", "deferrable": deferrable}
    assert "was rejected by a steward" in red(permit(private, retries=3, **arguments))
    assert "pass ask_again=True" in red(permit(private, **arguments))
    assert requests_of(private) == ["rejected"]
    clock.at_pause(lambda: private.portal.admin.approve(private.id), 2)
    green(permit(private, ask_again=True, **arguments))
    assert requests_of(private) == ["approved"]


def test_a_steward_who_does_not_come_is_not_green(private: Any, permit: Run) -> None:
    private.portal.admin.settings(audience_approvals="manual")
    run = permit(private, audience="public", timeout=60.0, retries=2)
    assert run.state == "failed"
    assert all("the deadline passed" in error for error in errors(run, "task"))
    assert requests_of(private) == ["pending"]
    assert green(permit(private, audience="public", on_approval="submit"))["outcome"] == "awaits_approval"
    assert requests_of(private) == ["pending"]


@pytest.mark.parametrize("request_is", ["made", "none"])
def test_where_approval_is_not_wanted_nothing_is_sent(private: Any, permit: Run, request_is: str) -> None:
    private.portal.admin.settings(audience_approvals="manual", audience_request=request_is)
    error = red(permit(private, audience="public", add_users={VIC: "viewer"}, on_approval="fail"))
    assert "A steward has to approve the audience public" in error
    assert puts(private) == []
    green(permit(private, audience="public", on_approval="submit"))
    assert "A steward has to approve" in red(permit(private, audience="public", on_approval="fail"))


def test_automatic_approval_is_no_wait(private: Any, permit: Run) -> None:
    private.portal.admin.settings(audience_approvals="automatic")
    assert green(permit(private, audience="public", on_approval="fail"))["outcome"] == "changed"


def test_an_audience_that_is_taken_back_at_once_is_not_green(
    private: Any, permit: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    private.portal.admin.settings(audience_approvals="manual")
    seen = "airflow_socrata.publication.approving.audience_reached"
    monkeypatch.setattr(seen, lambda *given: (each for each in ()))
    run = permit(private, audience="public")
    assert run.state == "failed"
    assert "is not public any more; a request for it waits" in errors(run, "task")[-1]


def test_a_portal_that_tells_no_guidance(private: Any, permit: Run, clock: TurnedClock) -> None:
    private.portal.admin.settings(audience_approvals="manual")
    private.portal.admin.add_fault("error", "GET", "/approvals", status=404, times=1000)
    clock.at_pause(lambda: private.portal.admin.approve(private.id), 2)
    green(permit(private, audience="public"))
    assert requests_of(private) == ["approved"]


@BOTH
@pytest.mark.parametrize("decision", ["approve", "reject"])
def test_the_sensor_tells_the_decision(
    private: Any, permit: Run, run_task: Run, clock: TurnedClock, deferrable: bool, decision: str
) -> None:
    from airflow_socrata.sensors.access import SocrataApprovalSensor

    private.portal.admin.settings(audience_approvals="manual")
    green(permit(private, audience="public", on_approval="submit"))
    sent = len(puts(private))
    decide = getattr(private.portal.admin, decision)
    if deferrable:
        clock.at_pause(lambda: decide(private.id), 2)
    else:
        decide(private.id)
    run = run_task(SocrataApprovalSensor, dataset=private.id, deferrable=deferrable, timeout=600)
    if decision == "approve":
        assert green(run) == {"dataset": private.id, "audience": "public"}
    else:
        assert "was rejected by a steward" in red(run)
    assert len(puts(private)) == sent


# --- owner ---


def test_a_dataset_is_given_away_once(private: Any, give: Run, permit: Run) -> None:
    green(permit(private, add_users={VIC: "viewer", PAT: "viewer"}))
    done = green(give(private, new_owner="Person@example.gov", keep="owner"))
    assert (done["outcome"], done["audience"]) == ("changed", "private")
    assert shares(private) == {PAT: "current_owner", VIC: "viewer", ME: "owner"}
    assert green(give(private, new_owner=PAT))["outcome"] == "unchanged"
    assert green(give(private, new_owner=ME))["outcome"] == "changed"
    assert shares(private) == {ME: "current_owner", VIC: "viewer"}


def test_a_transfer_whose_reply_is_lost_is_found(private: Any, give: Run) -> None:
    private.portal.admin.add_fault("lost_reply", "PUT", "/permissions")
    assert green(give(private, new_owner=PAT))["outcome"] == "changed"
    assert len(puts(private)) == 1


def test_who_is_let_in_no_more_tells_by_the_public_view(dataset: Any, give: Run) -> None:
    """The rights go with the dataset: the reply proves the transfer, and a second try the owner shown."""
    green(give(dataset, new_owner=PAT))
    dataset.portal.admin.set_rights(dataset.id, "publisher", ["read"])
    assert green(give(dataset, new_owner=PAT))["outcome"] == "unchanged"
    assert "HTTP 403" in red(give(dataset, new_owner=VIC))


@pytest.mark.parametrize(
    ("owner", "words"),
    [("me", "names no user"), ("abcd-2345", "every user and team"), (TEAM, "user with an account")],
)
def test_an_owner_that_cannot_be(private: Any, give: Run, owner: str, words: str) -> None:
    assert words in red(give(private, new_owner=owner))
    assert shares(private) == {ME: "current_owner"}


# --- after a publish ---


def told_by_somebody(dataset: Any, method: str, path: str, body: Any) -> Callable[[], Any]:
    """What another publisher does to a view, when called."""
    someone = ("person-key", "person-secret")
    url = f"{dataset.portal.url}/api/views/{path}"
    return lambda: requests.request(method, url, json=body, auth=someone, timeout=30).raise_for_status()


def test_users_and_audience_outlive_a_publish(
    private: Any, permit: Run, publish_dag: Run, run_dag: Run
) -> None:
    green(permit(private, add_users={VIC: "viewer", TEAM: "contributor"}))
    before = private.view()["permissions"]
    assert_published(run_dag(publish_dag(private, upsert())), private, private.after_changes())
    assert private.view()["permissions"] == before


def test_users_that_are_others_after_a_publish_are_not_green(
    private: Any, permit: Run, publish_dag: Run, run_dag: Run
) -> None:
    green(permit(private, add_users={VIC: "viewer"}))
    dag = publish_dag(private, upsert())
    lost = told_by_somebody(private, "PUT", f"{private.id}/grants?method=delete", {"userId": VIC})
    dag.get_task("p.publish").on_success_callback = [lambda context: lost()]
    run = run_dag(dag)
    assert run.state == "failed"
    assert f"{VIC} was viewer and is not among them" in errors(run, "p.verify")[0]


def test_a_working_copy_that_somebody_made_public_is_not_published(
    private: Any, publish_dag: Run, run_dag: Run
) -> None:
    dag = publish_dag(private, upsert())

    def open_up(context: Any) -> None:
        (copy,) = private.copies()
        told_by_somebody(private, "PUT", f"{copy['id']}?method=setPermission", "public.read")()

    dag.get_task("p.load").on_success_callback = [open_up]
    run = run_dag(dag)
    assert "would make" in errors(run, "p.publish")[0]
    assert_unchanged(run, private, [row | {"lanes": str(row["lanes"])} for row in OLD_ROWS])
    assert private.portal.admin.state(private.id)["scope"] == "private"
