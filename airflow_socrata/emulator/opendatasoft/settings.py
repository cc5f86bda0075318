"""The switches: every behaviour that public evidence leaves open, with its mark.

Marks: D documented by the vendor, C seen in a client, R recorded from a live portal, I inferred, U unknown
(a choice had to be made), E the emulator's own.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from airflow_socrata.emulator.switching import changed, switch


@dataclass(frozen=True, slots=True)
class Switches:
    """How this portal behaves."""

    queued_seconds: float = switch(0.1, "E", "How long a run waits in the queue, in seconds of portal time.")
    processing_seconds: float = switch(0.2, "E", "How long processing takes, in seconds of portal time.")
    deleting_seconds: float = switch(0.1, "E", "How long deleting takes.")
    aborting_seconds: float = switch(0.1, "E", "How long an abort takes.")
    saving_seconds: float = switch(0.1, "E", "How long saving a version takes.")
    realtime_seconds: float = switch(0.0, "E", "How long pushed records are processed; 0: no state shows.")
    queued_looks: int = switch(0, "E", "A run stays queued for at least so many looks at its status.")
    processing_looks: int = switch(0, "E", "Processing lasts for at least so many looks at its status.")
    manual: bool = switch(False, "E", "Runs go on only when `run_queue()` is called.")
    hidden_looks: int = switch(
        0, "I", "After an action was accepted, so many looks at the status still show the one before."
    )
    read_configuration: str = switch(
        "processing",
        "I",
        "When a run reads the configuration and the files: as `processing` starts, or when it is `queued`.",
        ("processing", "queued"),
    )
    processing_shows: str = switch(
        "old",
        "I",
        "Public records while a published dataset is processed: the `old`, or the first `half` of the new.",
        ("old", "half"),
    )
    republish_deletes: bool = switch(
        False, "I", "Republishing passes through `deleting_all_dataset_data` before it processes."
    )
    save_version: bool = switch(
        False, "I", "Publishing first passes through `saving_dataset_version`, back to the queue."
    )
    save_version_action: bool = switch(
        False, "D", "PUT save_version of the Management API's draft of 2017 is there; withdrawn since."
    )
    realtime_status_name: str = switch(
        "processing",
        "I",
        "Public name of the three states of realtime resources: `processing`, or the `internal` one.",
        ("processing", "internal"),
    )
    abort_keeps: float = switch(
        0.5, "I", "Share of the new records that a published dataset has after an abort (the first ones)."
    )
    failed_publish_keeps_flag: bool = switch(
        True, "I", "A failed publish leaves `published` as it was; else a first one that failed sets it."
    )
    unpublish_unpublished: str = switch(
        "accept", "U", "Unpublish of an unpublished dataset: `accept` or `refuse`.", ("accept", "refuse")
    )
    publish_metadata_unpublished_status: int = switch(
        400, "I", "Status of publish_metadata on an unpublished dataset."
    )
    draft_publish_code: str = switch(
        "validation_error", "U", "Error code of a publish while `internal.draft` is true (400)."
    )
    writes_while_busy: str = switch(
        "accept",
        "I",
        "Configuration writes and uploads while a run is under way: `accept`, or `refuse` (400 with the"
        " status).",
        ("accept", "refuse"),
    )
    delete_is_queued: bool = switch(
        False,
        "I",
        "DELETE of a dataset passes through queued and `deleting_dataset`; else it is gone at once.",
    )
    delete_while_busy: str = switch(
        "allow", "U", "DELETE of a dataset with a run under way: `allow` or `refuse`.", ("allow", "refuse")
    )
    same_name_upload: str = switch(
        "overwrite",
        "I",
        "Upload of a file whose name is taken: `overwrite` (same uid), or `suffix` (a new uid).",
        ("overwrite", "suffix"),
    )
    upload_status: int = switch(201, "D", "Status of an upload in the Automation API: 201 or 200.")
    max_file_bytes: int = switch(240_000_000, "D", "Largest file.")
    oversize_status: int = switch(413, "I", "Status of a file that is too large: 413 or 400.")
    record_limit: int = switch(0, "D", "The licence's limit of records in a dataset; 0: none.")
    limit_type: str = switch("domain", "U", "`limit_type` in the params of limit_reached.")
    versions_kept: int = switch(20, "D", "How many entries of the history are kept.")
    versions_order: str = switch(
        "oldest_first",
        "C",
        "Order of the Automation API's versions: `oldest_first` or `newest_first`.",
        ("oldest_first", "newest_first"),
    )
    changes_order: str = switch(
        "newest_first",
        "C",
        "Order of the Management API's changes: `newest_first` or `oldest_first`.",
        ("newest_first", "oldest_first"),
    )
    list_form: str = switch(
        "live",
        "C",
        "Management API list of datasets: `live` {nhits, datasets}, or a bare `array`.",
        ("live", "array"),
    )
    put_dataset: str = switch(
        "merge",
        "U",
        "PUT of a part of a dataset (Automation): `merge` it, or `reset` the metadata that is left out.",
        ("merge", "reset"),
    )
    taken_id: str = switch(
        "alter",
        "D",
        "Non-strict create with a dataset id that is taken: `alter` it, or `duplicate` it (a client saw it).",
        ("alter", "duplicate"),
    )
    unset_field_status: int = switch(404, "D", "Status of reading a metadata field that was never set.")
    unknown_template: str = switch(
        "empty",
        "U",
        "Reading a metadata template without values: `empty` object or `absent` (404).",
        ("empty", "absent"),
    )
    unauthorized_status: int = switch(401, "I", "Status without a key, or with one that is not known.")
    forbidden_status: int = switch(403, "I", "Status of a key that lacks the permission.")
    status_needs_publish: bool = switch(
        True, "D", "Reading the status needs the right to publish (documented for the Management API only)."
    )
    automation_basic: bool = switch(True, "C", "HTTP Basic signs in to the Automation API too.")
    private_portal: bool = switch(False, "C", "Explore asks anonymous callers to sign in (401).")
    explore_lag_seconds: float = switch(
        0.0, "I", "Explore shows what a run brought so many seconds after its end."
    )
    push_limit_bytes: int = switch(5_000_000, "D", "Largest body of a push.")
    push_oversize_status: int = switch(413, "I", "Status of a push that is too large.")
    push_wrong_key_status: int = switch(403, "I", "Status of a push with a wrong key.")
    push_refused_status: int = switch(400, "I", "Status of a push to a disabled resource.")
    push_unpublished_status: int = switch(404, "I", "Status of a push to an unpublished dataset.")
    automation: bool = switch(True, "E", "The Automation API v1.0 answers; else 404.")
    management: bool = switch(True, "E", "The Management API v2 answers; else 404.")

    def changed(self, values: dict[str, Any]) -> Switches:
        """Return a copy with some switches changed.

        :raises ValueError: a name or a value is unknown; the message names the choices.
        """
        return changed(self, values)

    def as_dict(self) -> dict[str, Any]:
        """Return all switches as a plain dict."""
        return dataclasses.asdict(self)
