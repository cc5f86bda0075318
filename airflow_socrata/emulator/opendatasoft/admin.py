"""What a test may do to the portal, under ``/_emulator``; outside of sign-in."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.opendatasoft import actions, engine
from airflow_socrata.emulator.opendatasoft.accounts import key_of
from airflow_socrata.emulator.opendatasoft.automation.pages import push_path
from airflow_socrata.emulator.opendatasoft.changing import seconds_time
from airflow_socrata.emulator.opendatasoft.extracting import is_realtime
from airflow_socrata.emulator.opendatasoft.model import Config, Dataset, State, StoredFile
from airflow_socrata.emulator.opendatasoft.states import PUBLIC, public

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_socrata.emulator.opendatasoft.portal import Portal

Order = dict[str, Any]


class BadOrder(ValueError):
    """An order to the emulator that makes no sense; says what does."""


def info(portal: Portal, order: Order) -> Any:
    """Tell the accounts, the switches, the portal's time and the CPU time used so far."""
    del order
    users = {
        user.name: {
            "password": user.password,
            "api_key": key_of(user.name),
            "permissions": sorted(user.permissions),
        }
        for user in portal.accounts.users.values()
    }
    return {
        "portal": "opendatasoft",
        "users": users,
        "switches": portal.switches.as_dict(),
        "cpu_seconds": time.process_time(),
        "time": portal.clock.now(),
    }


def reset(portal: Portal, order: Order) -> Any:
    """Become a fresh portal."""
    del order
    portal.reset()
    return {}


def create_dataset(portal: Portal, order: Order) -> Any:
    """Create a dataset with records from a file, published if not told otherwise."""
    dataset_id = order["dataset_id"]
    if portal.by_id(dataset_id) is not None:
        raise BadOrder(f"dataset {dataset_id} is there already")
    metadata = {
        str(template): {str(name): {"value": value} for name, value in values.items()}
        for template, values in (order.get("metadata") or {}).items()
    }
    metadata.setdefault("default", {}).setdefault("title", {"value": order.get("title") or dataset_id})
    config = Config(metadata=metadata)
    for spec in order.get("fields") or ():
        config.fields.append({"uid": portal.new_uid("pr"), **spec})
    for name in order.get("id_fields") or ():
        uid = portal.new_uid("pr")
        config.fields.append({"uid": uid, "type": "annotate", "field": name, "annotation": "id"})
    made = portal.new_dataset(order.get("user", "publisher"), dataset_id, config)
    made.is_restricted = bool(order.get("is_restricted", False))
    if order.get("realtime"):
        _realtime(portal, made, order)
    elif order.get("csv") is not None:
        _file(portal, made, order)
    made.versions[-1] = portal_version(made)
    if order.get("published", True):
        scripts, portal.scripts = portal.scripts, type(portal.scripts)()
        actions.publish(portal, made, made.created_by)
        engine.run_queue(portal, made)
        portal.scripts = scripts
    return state(portal, {"dataset": made.uid})


def portal_version(dataset: Dataset) -> Any:
    """Return the first entry of the history with the configuration as it came to be."""
    first = dataset.versions[-1]
    return type(first)(
        first.number, first.uid, first.at, first.user, first.sections, first.before, dataset.config.copy()
    )


def _file(portal: Portal, dataset: Dataset, order: Order) -> None:
    path = portal.new_path()
    data = str(order["csv"]).encode()
    path.write_bytes(data)
    name = str(order.get("filename") or f"{dataset.dataset_id}.csv")
    now = portal.clock.now()
    dataset.files[name] = StoredFile(name, name, "text/csv", path, now, len(data))
    dataset.config.resources.append({
        "uid": portal.new_uid("re"),
        "type": "csvfile",
        "title": str(order.get("resource_title") or name),
        "params": {
            "headers_first_row": True,
            "separator": str(order.get("separator") or ","),
            "encoding": "utf-8",
            "doublequote": True,
            "first_row_no": 1,
        },
        "datasource": {"type": "uploaded_file", "file": {"uid": name}},
        "updated_at": now,
    })


def _realtime(portal: Portal, dataset: Dataset, order: Order) -> None:
    sample = order["realtime"] if isinstance(order["realtime"], list) else []
    dataset.config.resources.append({
        "uid": portal.new_uid("re"),
        "type": "realtime",
        "title": "realtime",
        "params": {"bootstrap": sample, "recovery": bool(order.get("recovery", False))},
        "push": {"name": "realtime", "key": portal.new_hex(56), "enabled": True},
        "updated_at": portal.clock.now(),
    })


def find(portal: Portal, name: str) -> Dataset:
    """Return a dataset by its uid or dataset id.

    :raises BadOrder: there is none.
    """
    found = portal.datasets.get(name) or portal.by_id(name)
    if found is None:
        raise BadOrder(f"no dataset {name}")
    return found


def state(portal: Portal, order: Order) -> Any:
    """Tell the truth about a dataset."""
    engine.tick(portal)
    dataset = find(portal, order["dataset"])
    now = dataset.state
    return {
        "uid": dataset.uid,
        "dataset_id": dataset.dataset_id,
        "title": dataset.title,
        "internal": now.internal,
        "status": public(now.internal, portal.switches.realtime_status_name),
        "since": now.since,
        "message": now.message,
        "params": now.params,
        "published": dataset.is_published,
        "records": len(dataset.public.table.records) if dataset.public else None,
        "data_processed": dataset.public.data_processed if dataset.public else None,
        "run": dataset.run.kind if dataset.run else None,
        "run_by": dataset.run.user if dataset.run else None,
        "metadata": dataset.config.metadata,
        "resources": [
            {key: value for key, value in one.items() if key != "push"} for one in dataset.config.resources
        ],
        "fields": dataset.config.fields,
        "files": sorted(dataset.files),
        "versions": [{"uid": one.uid, "number": one.number, "user": one.user} for one in dataset.versions],
        "push": [
            {"path": push_path(dataset, one), **one["push"]}
            for one in dataset.config.resources
            if is_realtime(one)
        ],
    }


def datasets(portal: Portal, order: Order) -> Any:
    """List all datasets with their truth."""
    del order
    return [state(portal, {"dataset": uid}) for uid in list(portal.datasets)]


def add_feedback(portal: Portal, order: Order) -> Any:
    """Let a reader remark on a record; return the feedback."""
    uid = portal.new_uid("fe")
    made = {
        "uid": uid,
        "record_id": str(order["record_id"]),
        "user": {"username": str(order.get("user", "reader"))},
        "comment": str(order["comment"]),
        "values": {},
        "is_archived": False,
        "created_at": seconds_time(portal.clock.now()),
    }
    find(portal, order["dataset"]).feedbacks[uid] = made
    return made


def records(portal: Portal, order: Order) -> Any:
    """Tell all public records; none for a dataset that is not published."""
    engine.tick(portal)
    shown = find(portal, order["dataset"]).public
    if shown is None:
        return []
    if order.get("ids"):
        return [{"record_id": key, **values} for key, values in shown.table.records.items()]
    return list(shown.table.records.values())


def script(portal: Portal, order: Order) -> Any:
    """Say how the next publications of a dataset, or of any, end."""
    outcome = order["outcome"]
    if outcome not in engine.OUTCOMES:
        raise BadOrder(f"no outcome {outcome!r}; the outcomes are {', '.join(engine.OUTCOMES)}")
    defaults = engine.OUTCOMES[outcome][0]
    given = order.get("args") or {}
    if set(given) - set(defaults):
        raise BadOrder(
            f"outcome {outcome} takes {sorted(defaults)}, not {sorted(set(given) - set(defaults))}"
        )
    queue = find(portal, order["dataset"]).scripts if order.get("dataset") else portal.scripts
    queue.extend([defaults | given | {"outcome": outcome}] * int(order.get("times", 1)))
    return {}


def set_status(portal: Portal, order: Order) -> Any:
    """Put a dataset into one of the 15 states; it stays there until `run_queue`."""
    internal = order["internal"]
    if internal not in PUBLIC:
        raise BadOrder(f"no state {internal!r}; the states are {', '.join(PUBLIC)}")
    message = order.get("message")
    made = State(internal, portal.clock.now(), None, message, message, dict(order.get("params") or {}))
    actions.put_into(portal, find(portal, order["dataset"]), made)
    return state(portal, order)


def run_queue(portal: Portal, order: Order) -> Any:
    """Let runs go to their end at once, stuck or not, or until they are in a state."""
    dataset = find(portal, order["dataset"]) if order.get("dataset") else None
    return {"finished": engine.run_queue(portal, dataset, to=order.get("to"))}


def publish_as(portal: Portal, order: Order) -> Any:
    """Let somebody publish a dataset."""
    engine.tick(portal)
    actions.publish(portal, find(portal, order["dataset"]), order.get("user", "person"))
    return state(portal, order)


def add_fault(portal: Portal, order: Order) -> Any:
    """Add a fault rule."""
    args = dict(order.get("args") or {})
    names = ("method", "path", "times", "skip", "every")
    return portal.faults.add(
        order["kind"], **{name: order[name] for name in names if name in order}, **args
    ).as_dict()


def faults(portal: Portal, order: Order) -> Any:
    """List the fault rules."""
    del order
    return [fault.as_dict() for fault in portal.faults.rules()]


def clear_faults(portal: Portal, order: Order) -> Any:
    """Forget all fault rules."""
    del order
    portal.faults.clear()
    return {}


def requests(portal: Portal, order: Order) -> Any:
    """Return the log of requests."""
    return [entry for entry in list(portal.log) if entry["seq"] > order.get("after", 0)]


def advance(portal: Portal, order: Order) -> Any:
    """Turn the portal's clock forward."""
    now = portal.clock.advance(float(order["seconds"]))
    with portal.books:
        engine.tick(portal)
    return {"time": now}


def switches(portal: Portal, order: Order) -> Any:
    """Change switches."""
    portal.switches = portal.switches.changed(order)
    return portal.switches.as_dict()


def release(portal: Portal, order: Order) -> Any:
    """Let held requests go."""
    portal.holds.release(order["hold_id"])
    return {}


def wait_held(portal: Portal, order: Order) -> Any:
    """Wait until a request is held."""
    return {"held": portal.holds.wait_held(order["hold_id"], float(order.get("timeout", 30)))}


def set_permissions(portal: Portal, order: Order) -> Any:
    """Say what an account may do from now on."""
    portal.accounts.users[order["user"]].permissions = frozenset(order["permissions"])
    for key in portal.accounts.keys.values():
        if key.user.name == order["user"]:
            key.permissions = frozenset(order["permissions"])
    return {}


_OPEN: dict[str, Callable[[Portal, Order], Any]] = {
    # These wait, or take care of themselves.
    "reset": reset,
    "release": release,
    "wait_held": wait_held,
    "add_fault": add_fault,
    "faults": faults,
    "clear_faults": clear_faults,
    "requests": requests,
    "advance": advance,
}


def _guarded(order: Callable[[Portal, Order], Any]) -> Callable[[Portal, Order], Any]:
    def guarded(portal: Portal, given: Order) -> Any:
        with portal.books:
            return order(portal, given)

    return guarded


ORDERS: dict[str, Callable[[Portal, Order], Any]] = _OPEN | {
    order.__name__: _guarded(order)
    for order in (
        info,
        create_dataset,
        state,
        datasets,
        records,
        script,
        set_status,
        run_queue,
        publish_as,
        add_feedback,
        switches,
        set_permissions,
    )
}
