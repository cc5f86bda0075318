"""A view as ``/api/views`` shows it: keys and types of the recorded ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.edge.accounts import TEAMS, user_by_id
from airflow_socrata.emulator.edge.licenses import LICENSES
from airflow_socrata.emulator.store.model import UNPUBLISHED

if TYPE_CHECKING:
    from airflow_socrata.emulator.edge.accounts import User
    from airflow_socrata.emulator.edge.portal import Portal
    from airflow_socrata.emulator.store.model import Column, View

# What PUT and POST of a view may set, beside metadata and privateMetadata.
EDITABLE = (
    "name",
    "description",
    "attribution",
    "attributionLink",
    "category",
    "tags",
    "licenseId",
    "license",
    "resourceName",
    "displayType",
    "rowClass",
    "provenance",
    "hideFromCatalog",
    "hideFromDataJson",
    "query",
    "displayFormat",
    "locale",
)


#: What a view shows unless somebody has set it; most of it nobody can set here.
_UNLESS_SET = {
    "averageRating": 0,
    "diciBackend": False,
    "displayType": "table",
    "downloadCount": 0,
    "hideFromCatalog": False,
    "hideFromDataJson": False,
    "locale": "en_US",
    "locked": False,
    "numberOfComments": 0,
    "provenance": "official",
    "publicationAppendEnabled": False,
    "rowClass": "",
    "totalTimesRated": 0,
    "viewCount": 0,
}


def view_json(portal: Portal, view: View, user: User | None) -> dict[str, Any]:
    """Return a view as this caller sees it."""
    rights = portal.rights_of(view, user)
    dataset = view.dataset
    shown: dict[str, Any] = {
        **_UNLESS_SET,
        "id": view.id,
        "assetType": view.asset_type,
        "createdAt": view.created_at,
        "newBackend": dataset.new_backend,
        "oid": view.oid,
        "publicationGroup": dataset.group,
        "publicationStage": view.stage,
        "rowsUpdatedAt": view.rows_updated_at,
        "rowsUpdatedBy": view.rows_updated_by,
        "tableId": view.copy.table_id,
        "viewLastModified": view.modified_at,
        "viewType": _view_type(view),
        "query": {},
    }
    shown |= {key: value for key, value in view.fields.items() if key in EDITABLE and value is not None}
    shown |= {key: value for key, value in view.fields.items() if key.startswith("blob")}
    license = LICENSES.get(str(view.fields.get("licenseId")))
    if license is not None:
        shown["license"] = license.shown()
    if view.publication_date is not None:
        shown["publicationDate"] = view.publication_date
    if view.is_working_copy and dataset.published is not None:
        shown["publishedViewUid"] = dataset.published.id
    if view.modifying_view_uid is not None:
        shown["modifyingViewUid"] = view.modifying_view_uid
    identifier = view.copy.identifier
    if identifier is not None:
        shown["rowIdentifierColumnId"] = identifier.id
    shown["approvals"] = [
        {key: value for key, value in each.items() if key not in {"recordId", "looksLeft"}}
        for each in view.approvals
    ]
    shown["clientContext"] = {"clientContextVariables": [], "inheritedVariables": {}}
    shown["columns"] = [column_json(column) for column in view.copy.columns]
    shown |= _audience(view)
    shown["metadata"] = _metadata(portal, view)
    if "grant" in rights:
        shown["permissions"] = permissions_json(portal, view)
    if "update_view" in rights:
        shown["privateMetadata"] = view.private_metadata
    shown["owner"] = user_by_id(view.owner).short()
    shown["tableAuthor"] = user_by_id(view.author).short()
    shown["rights"] = list(rights)
    shown["tags"] = view.fields.get("tags") or []
    shown["flags"] = ["default", "ownerMayBeContacted", "restorable", "restorePossibleForType"]
    return shown


def _view_type(view: View) -> str:
    if "blobId" in view.fields:
        return "blobby"
    return "href" if view.fields.get("displayType") == "href" else "tabular"


def _metadata(portal: Portal, view: View) -> dict[str, Any]:
    metadata: dict[str, Any] = {"rdfSubject": "0", "rdfClass": ""} | view.metadata
    identifier = view.copy.identifier
    if identifier is not None:
        as_name = portal.switches.row_identifier_form == "field_name" and view.dataset.new_backend
        metadata["rowIdentifier"] = identifier.field_name if as_name else identifier.id
    elif not view.dataset.new_backend:
        metadata["rowIdentifier"] = "0"
    metadata.setdefault("availableDisplayTypes", ["table", "fatrow", "page"])
    return metadata


def _audience(view: View) -> dict[str, Any]:
    grants = [{"inherited": False, "type": "viewer", "flags": ["public"]}]
    shown: dict[str, Any] = {}
    if view.stage == UNPUBLISHED:
        # Nobody sees an unpublished view by its audience: that waits for publishing.
        if (view.pending_scope or view.scope) == "public":
            shown["pendingGrants"] = grants
    elif view.scope == "public":
        shown["grants"] = grants
    return shown


def offered_levels(portal: Portal) -> tuple[tuple[str, str], ...]:
    """Return the access levels of this portal: name and version."""
    if portal.switches.site_scope:
        return (("viewer", "published"), ("owner", "all"))
    return (("viewer", "all"), ("contributor", "all"), ("owner", "all"))


def permissions_json(portal: Portal, view: View) -> dict[str, Any]:
    """Return who may see a view."""
    pending = portal.switches.draft_permissions_scope == "pending" and view.stage == UNPUBLISHED
    return {
        "scope": (view.pending_scope or view.scope) if pending else view.scope,
        "accessLevels": [{"name": name, "version": version} for name, version in offered_levels(portal)],
        "users": [
            _access_json(who, level)
            for who, level in ((view.owner, ("current_owner", "all")), *view.shares.items())
        ],
    }


def _access_json(who: str, level: tuple[str, str]) -> dict[str, Any]:
    shown: dict[str, Any] = {"email": who, "type": "interactive"}
    if who in TEAMS:
        shown = {"id": who, "displayName": TEAMS[who], "type": "team"}
    elif "@" not in who:
        user = user_by_id(who)
        shown = {"id": who, "displayName": user.display_name, "email": user.email, "type": "interactive"}
    return {**shown, "accessLevels": [{"name": level[0], "version": level[1]}]}


def column_json(column: Column) -> dict[str, Any]:
    """Return a column as views show it."""
    shown: dict[str, Any] = {
        "id": column.id,
        "name": column.name,
        "dataTypeName": column.kind,
        "description": column.description,
        "fieldName": column.field_name,
        "position": column.position,
        "renderTypeName": column.kind,
        "tableColumnId": column.table_column_id,
    }
    if column.width is not None:
        shown["width"] = column.width
    if column.statistics is not None:
        shown["cachedContents"] = column.statistics
    shown["format"] = column.format
    if column.computation is not None:
        shown["computationStrategy"] = column.computation
    if column.flags:
        shown["flags"] = column.flags
    return shown
