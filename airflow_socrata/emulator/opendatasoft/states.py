"""The 15 states that a dataset can be in, what the public sees of them, and what each action asks for."""

from __future__ import annotations

# internal state -> public name. Where the vendor does not tell, a switch decides (see `public`).
PUBLIC: dict[str, str] = {
    "idle": "idle",
    "queued": "queued",
    "processing_dataset": "processing",
    "processing_resource_records": "processing",
    "processing_all_dataset_data": "processing",
    "processing_realtime": "processing",
    "deleting_dataset": "deleting",
    "deleting_resource_records": "deleting",
    "deleting_all_dataset_data": "deleting",
    "saving_dataset_version": "saving_version",
    "error": "error",
    "aborting_processing": "aborting_processing",
    "limit_reached": "limit_reached",
    "recovering_realtime_records": "processing",
    "scratching_realtime_recover_data": "processing",
}
UNTOLD = frozenset({
    "processing_realtime",
    "recovering_realtime_records",
    "scratching_realtime_recover_data",
})
# In the order in which the portal lists them.
AT_REST = ("idle", "error", "limit_reached")
ABORTABLE = ("processing_all_dataset_data", "processing_dataset", "processing_resource_records")


def public(internal: str, realtime_name: str) -> str:
    """Return the name that the APIs show.

    :param realtime_name: ``processing`` or ``internal``: what the states of realtime resources show as.
    """
    if internal in UNTOLD and realtime_name == "internal":
        return internal
    return PUBLIC[internal]
