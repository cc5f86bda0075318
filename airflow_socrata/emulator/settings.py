"""The emulator's switches: every behaviour that public evidence leaves open, with its mark.

Marks: D documented by the vendor, C seen in a client or in a vendor's test, S read in open server source,
R recorded from a live portal, I inferred, U unknown (a choice had to be made), E the emulator's own.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from airflow_socrata.emulator.switching import changed
from airflow_socrata.emulator.switching import switch as _switch


@dataclass(frozen=True, slots=True)
class Switches:
    """How this portal behaves. ``auto`` follows the dataset's back end."""

    backend: str = _switch("new", "C", "Back end of datasets created without `nbe=`.", ("new", "old"))
    copy_methods: str = _switch(
        "both",
        "U",
        "Which `method` POST publication takes: `both`, only `copySchema`, or `none`; others get 400.",
        ("both", "copySchema", "none"),
    )
    existing_copy: str = _switch(
        "return",
        "I",
        "POST copy while a working copy is open: `return` it with 200, or `conflict` (409).",
        ("return", "conflict"),
    )
    rows_to_published: str = _switch(
        "auto",
        "S/I",
        "Row writes to the published id while a working copy is open: `refuse` (409), `copy` (they land in"
        " the working copy), `published`. `auto` is `refuse` on the new back end, `published` on the old.",
        ("auto", "refuse", "copy", "published"),
    )
    working_copy_after_publish: str = _switch(
        "auto",
        "I",
        "What the working copy's 4x4 is after publish: `gone` (404) or `snapshot` (the old rows). `auto` is"
        " `gone` on the new back end and `snapshot` on the old.",
        ("auto", "gone", "snapshot"),
    )
    publish_takes_metadata: bool = _switch(
        True, "I", "On publish, the copy's name, description, metadata and so on become the published view's."
    )
    private_metadata_survives_publish: bool = _switch(
        True, "I", "On publish, the copy's `privateMetadata` becomes the published view's; else that is kept."
    )
    copy_inherits_private_metadata: bool = _switch(
        True, "I", "A new working copy carries the published view's `privateMetadata`."
    )
    unknown_fields: str = _switch(
        "auto",
        "R/C",
        "A field that the dataset lacks: `refuse` (400) or `ignore`. `auto` is `refuse` on the new back end,"
        " `ignore` on the old.",
        ("auto", "refuse", "ignore"),
    )
    summary_form: str = _switch(
        "auto",
        "R",
        "Summary of a row write: `four` or `six` keys, or `reports` (the inner per-row list). `auto` is"
        " `four` on the new back end and `six` on the old. `$$version=2.0` always asks for the fourth form.",
        ("auto", "four", "six", "reports"),
    )
    row_identifier_form: str = _switch(
        "column_id",
        "R",
        "`metadata.rowIdentifier` of a view: the column's `column_id` (as recorded in 2025) or `field_name`."
        " `rowIdentifierColumnId` is there in both.",
        ("column_id", "field_name"),
    )
    missing_row_identifier: str = _switch(
        "count",
        "I",
        "A row whose row identifier is null: `count` it in Errors at 200, or `refuse` the request (400).",
        ("count", "refuse"),
    )
    row_lock_status: int = _switch(
        409,
        "S",
        "Status of a row write that cannot get the write lock: 409, or 500 as the inner service says.",
    )
    write_lock_seconds: float = _switch(
        10.0, "S", "How long a writer waits for the dataset's write lock, in seconds."
    )
    csv_header: str = _switch(
        "both",
        "D",
        "Names that a CSV header may use: `both` field names and display names, or `field_names` alone.",
        ("both", "field_names"),
    )
    write_options: bool = _switch(
        True, "U", "Whether `errorsAreFatal`, `truncate` and friends pass the public edge (else ignored)."
    )
    replica_lag_seconds: float = _switch(
        0.0, "S", "Reads are stale for so many seconds (portal clock) after a write or publish."
    )
    replica_lag_polls: int = _switch(
        0, "E", "Reads are stale until the dataset has been read or polled so many times after a write."
    )
    replica_manual: bool = _switch(False, "E", "Reads are stale after a write until `replicate()` is called.")
    ticket_after_end: str = _switch(
        "spent",
        "I",
        "A ticket whose end was told once: `spent` (404), or `kept` (it goes on telling the end).",
        ("spent", "kept"),
    )
    approvals: bool = _switch(False, "D", "Publishing a working copy waits for an approval.")
    approval_reply: str = _switch(
        "view",
        "I",
        "Reply to a publish that waits for approval: the unpublished `view` with a pending approval (200), or"
        " `accepted` (202).",
        ("view", "accepted"),
    )
    discard_while_publishing: str = _switch(
        "refuse",
        "I",
        "DELETE of a working copy whose publish is queued: `refuse` (409) or `allow`.",
        ("refuse", "allow"),
    )
    pending_status: int = _switch(
        400, "U", "Status of a copy or publish refused because geocoding is pending."
    )
    site_scope: bool = _switch(False, "C", "Whether the permission `site` is enabled on this domain.")
    private_read_status: int = _switch(
        403, "I", "What a signed-in caller without rights gets for a private view: 403 or 404."
    )
    wrong_secret_code: str = _switch(
        "authentication_required", "U", "`code` in the body of a 401 (the body itself is unrecorded)."
    )
    rate_limit: int = _switch(
        0,
        "D/U",
        "Requests that one app token (or all callers without one) may send in a window; then 429. 0: any"
        " number. The vendor throttles by app token; how much, and in what window, is not known.",
    )
    rate_window_seconds: float = _switch(60.0, "U", "The window of `rate_limit`, in seconds (portal clock).")
    rate_limit_reply: str = _switch(
        "none",
        "R",
        "`Retry-After` of that 429: `none` (as recorded), `seconds`, or a `date`.",
        ("none", "seconds", "date"),
    )
    apply_looks: int = _switch(
        1,
        "E",
        "A revision's task set says initializing, passes so many looks, then ends with the next; 0: it has"
        " ended in the reply to apply. The rows become public with the end.",
    )
    apply_seconds: float = _switch(
        0.0, "E", "A task set also ends by itself after so many seconds (portal clock); 0: with looks alone."
    )
    parse_looks: int = _switch(0, "E", "A source still parses for so many looks after its bytes came.")
    transform_looks: int = _switch(0, "E", "An output schema is still at work for so many looks.")
    total_rows_null_looks: int = _switch(
        0, "E", "An input schema is there, without `total_rows`, for so many looks before its source ends."
    )
    apply_log_counts: bool = _switch(
        True, "C", "The log line `upsert_complete` carries the six counts; else no details."
    )
    apply_with_open_copy: str = _switch(
        "refuse",
        "I",
        "Apply while a working copy of the dataset is open: `refuse` (409) or `proceed`.",
        ("refuse", "proceed"),
    )
    closed_revision_status: int = _switch(409, "I", "Status of a change to a closed revision.")
    discard_closed_revision: str = _switch(
        "allow",
        "C",
        "DELETE of a closed revision: `allow` (nothing happens) or `refuse`.",
        ("allow", "refuse"),
    )
    bad_chunk_status: int = _switch(
        400, "I", "Status of a chunk that is too large or a commit that does not fit the chunks."
    )
    restore_not_enrolled_status: int = _switch(
        422, "U", "Status of restoring a revision that is not archived."
    )
    revision_private_metadata: bool = _switch(
        True, "I", "A new revision takes `privateMetadata` in its create body (else it is dropped)."
    )
    config_revision_takes_metadata: bool = _switch(
        True, "I", "A revision made by a config takes the metadata sent beside it (else it is ignored)."
    )
    view_source_finished: bool = _switch(
        False, "U", "A view source that was not loaded shows a `finished_at`."
    )
    preferred_chunk_size: int = _switch(
        4_194_304, "R", "Largest chunk of an upload, in bytes; larger ones are refused."
    )
    preferred_upload_parallelism: int = _switch(4, "R", "How many chunks may be under way at a time.")
    allow_local_urls: bool = _switch(
        False, "C", "Sources by address may name this machine; other machines are never asked."
    )
    group_form: str = _switch(
        "array", "I", "Reply of getLensPublicationGroup: `array` or the `single` view.", ("array", "single")
    )
    cached_contents_rows: int = _switch(
        5000, "E", "Column statistics (`cachedContents`) are made at publish up to so many rows."
    )
    duplicate_field_name: str = _switch(
        "refuse",
        "U",
        "A new column whose field name is taken: `refuse` (400), or `number` it (`street_1`).",
        ("refuse", "number"),
    )
    column_type_change: str = _switch(
        "refuse",
        "S/I",
        "PUT of a column with another type: `refuse` (400), or `ignore` the type.",
        ("refuse", "ignore"),
    )
    row_identifier_takes: str = _switch(
        "both",
        "I",
        "How PUT of a view names the row identifier's column: by field name or id (`both`), or `auto`: by"
        " field name on the new back end, by id on the old.",
        ("both", "auto"),
    )
    by_resource_name: str = _switch(
        "drafts",
        "C",
        "What getByResourceName finds: `published` views, `drafts` too, or `none` (the method is unknown).",
        ("drafts", "published", "none"),
    )
    resource_name_taken_status: int = _switch(
        400, "U", "Status of a creation with a resource name that another dataset has."
    )
    dataset_names: str = _switch(
        "repeat", "C", "Whether plain names may `repeat`, or must be `unique` (400).", ("repeat", "unique")
    )

    plain_http: str = _switch(
        "allow",
        "D/E",
        "Credentials over plain HTTP: `allow`, since it is on loopback, or `deny` as a portal does: 403, and"
        " an access token is revoked.",
        ("allow", "deny"),
    )
    access_token_seconds: float = _switch(
        0.0, "U", "An access token is good for so many seconds (portal clock); 0: until it is revoked."
    )
    bad_token: str = _switch(
        "refuse",
        "U",
        "An access token that is no good: `refuse` (401), or `anonymous` (as if nobody had signed in).",
        ("refuse", "anonymous"),
    )
    token_of_another_app: str = _switch(
        "refuse",
        "U",
        "An access token beside the app token of another application: `refuse` it as no good, or `allow`.",
        ("refuse", "allow"),
    )
    token_request: str = _switch(
        "both",
        "D/I",
        "Where the exchange of a code takes its parameters: `query` (as documented), `body`, or `both`.",
        ("both", "query", "body"),
    )
    code_seconds: float = _switch(
        600.0, "U", "A code can be exchanged for so many seconds (portal clock), once."
    )
    api_key_limit: int = _switch(20, "U", "How many API keys an account may have.")
    api_key_name_length: int = _switch(255, "U", "Longest name of an API key, in signs.")
    metadata_verdict_form: str = _switch(
        "beside",
        "U",
        "Reply of the Metadata API to `validateOnly`: errors and warnings `beside` the metadata's keys, or"
        " the metadata `wrapped` in a key of that name.",
        ("beside", "wrapped"),
    )
    metadata_issue_form: str = _switch(
        "objects",
        "U",
        "Errors and warnings of the Metadata API: `objects` with field and message, or `strings`.",
        ("objects", "strings"),
    )
    metadata_license_form: str = _switch(
        "name", "D", "A licence in the Metadata API is shown by its `name` or its `id`.", ("name", "id")
    )
    metadata_unknown_category: str = _switch(
        "warning",
        "I",
        "A category that the domain lacks, in the Metadata API: a `warning` (stops a strict change) or an"
        " `error`.",
        ("warning", "error"),
    )
    metadata_unknown_field: str = _switch(
        "error",
        "I",
        "A key that the Metadata API does not know: an `error`, or `ignore` it.",
        ("error", "ignore"),
    )
    email_shares: bool = _switch(
        True, "D", "A view can be shared with an e-mail address that has no account (else 404)."
    )
    draft_permissions_scope: str = _switch(
        "pending",
        "U",
        "`scope` in the permissions of an unpublished view: the `pending` one, or the `current` one.",
        ("pending", "current"),
    )
    audience_approvals: str = _switch(
        "none",
        "D",
        "What happens when a published view shall be seen by more people: it is (`none`), or a request is"
        " approved at once (`automatic`) or waits for an approver (`manual`).",
        ("none", "automatic", "manual"),
    )
    audience_request: str = _switch(
        "made",
        "I",
        "A permission call that would need an approval: the request is `made`, or `none` is made and nothing"
        " happens (it must be submitted as the guidance says). Both answer 200.",
        ("made", "none"),
    )
    audience_looks: int = _switch(
        0, "E", "An approved request for an audience is carried out after so many looks at the guidance."
    )
    archive_looks: int = _switch(
        0, "E", "The file of an archived version is still being made for so many looks at its state."
    )
    one_row_system_fields: bool = _switch(
        False, "S", "GET of one row by its address shows `:id`, `:version` and the other system fields."
    )
    truth_version_headers: bool = _switch(
        True, "S/U", "Row writes answer with `X-SODA2-Truth-Version` and `X-SODA2-Truth-Shape-Version`."
    )
    soda3_anonymous: bool = _switch(
        False,
        "D/R",
        "SODA 3 answers callers with neither account nor app token (docs: no; a domain of 2026: yes).",
    )
    catalog_lag_seconds: float = _switch(
        0.0, "I", "A dataset appears in the catalog so many seconds (portal clock) after its publication."
    )

    import_looks: int = _switch(
        0, "E", "An import is answered with a ticket and takes so many looks; 0: it is done in the reply."
    )
    scan_looks: int = _switch(0, "E", "A scan is answered with a ticket and takes so many looks; 0: at once.")
    scan_types: str = _switch(
        "2013",
        "R/D",
        "Types that a scan counts: `2013` (recorded) or `2011` (as the vendor's page shows them).",
        ("2013", "2011"),
    )
    import_bad_cells: str = _switch(
        "drop",
        "C/I",
        "A row with a cell that its column does not take: `drop` it with a warning, keep it with a `null`, or"
        " `fail` the import (400).",
        ("drop", "null", "fail"),
    )
    import_published_status: int = _switch(
        400, "U", "Status of an append or replace that names a published dataset."
    )
    file_id_again: bool = _switch(True, "U", "A file id may be imported more than once.")

    def changed(self, values: dict[str, Any]) -> Switches:
        """Return a copy with some switches changed.

        :param values: switch names and their new values.
        :raises ValueError: a name or a value is unknown; the message names the choices.
        """
        return changed(self, values)

    def as_dict(self) -> dict[str, Any]:
        """Return all switches as a plain dict."""
        return dataclasses.asdict(self)
