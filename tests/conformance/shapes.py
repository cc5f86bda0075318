"""Keys and types of what live portals answered, from recorded replies (May 2025, new back end)."""

from __future__ import annotations

from typing import Any

INT, TEXT, BOOL, LIST, DICT = "int", "str", "bool", "list", "dict"

# GET /api/views/{4x4}.json of a public dataset, read without credentials.
VIEW = {
    "id": TEXT,
    "name": TEXT,
    "assetType": TEXT,
    "averageRating": INT,
    "createdAt": INT,
    "diciBackend": BOOL,
    "displayType": TEXT,
    "downloadCount": INT,
    "hideFromCatalog": BOOL,
    "hideFromDataJson": BOOL,
    "locale": TEXT,
    "locked": BOOL,
    "newBackend": BOOL,
    "numberOfComments": INT,
    "oid": INT,
    "provenance": TEXT,
    "publicationAppendEnabled": BOOL,
    "publicationDate": INT,
    "publicationGroup": INT,
    "publicationStage": TEXT,
    "rowClass": TEXT,
    "rowIdentifierColumnId": INT,
    "rowsUpdatedAt": INT,
    "rowsUpdatedBy": TEXT,
    "tableId": INT,
    "totalTimesRated": INT,
    "viewCount": INT,
    "viewLastModified": INT,
    "viewType": TEXT,
    "approvals": LIST,
    "clientContext": DICT,
    "columns": LIST,
    "grants": LIST,
    "metadata": DICT,
    "owner": DICT,
    "query": DICT,
    "rights": LIST,
    "tableAuthor": DICT,
    "tags": LIST,
    "flags": LIST,
}
# Set by whoever describes the dataset; there only if set.
VIEW_OPTIONAL = {"description": TEXT, "category": TEXT, "attribution": TEXT}
COLUMN = {
    "id": INT,
    "name": TEXT,
    "dataTypeName": TEXT,
    "description": TEXT,
    "fieldName": TEXT,
    "position": INT,
    "renderTypeName": TEXT,
    "tableColumnId": INT,
    "cachedContents": DICT,
    "format": DICT,
}
STATISTICS = {
    "non_null": TEXT,
    "largest": TEXT,
    "null": TEXT,
    "top": LIST,
    "smallest": TEXT,
    "count": TEXT,
    "cardinality": TEXT,
}
METADATA = {"rdfSubject": TEXT, "rdfClass": TEXT, "rowIdentifier": INT, "availableDisplayTypes": LIST}
OWNER = {"id": TEXT, "displayName": TEXT, "screenName": TEXT, "type": TEXT, "flags": LIST}
ERROR_404 = {"code": TEXT, "error": BOOL, "message": TEXT, "data": DICT}
# POST /api/views of 2015 (old back end), and what sodapy's users read of it.
CREATED = {
    "id": TEXT,
    "name": TEXT,
    "averageRating": INT,
    "createdAt": INT,
    "downloadCount": INT,
    "newBackend": BOOL,
    "numberOfComments": INT,
    "oid": INT,
    "publicationAppendEnabled": BOOL,
    "publicationGroup": INT,
    "publicationStage": TEXT,
    "rowIdentifierColumnId": INT,
    "tableId": INT,
    "totalTimesRated": INT,
    "viewCount": INT,
    "viewLastModified": INT,
    "viewType": TEXT,
    "columns": LIST,
    "metadata": DICT,
    "owner": DICT,
    "rights": LIST,
    "tableAuthor": DICT,
    "flags": LIST,
}
ROW_HEADERS = {
    "Access-Control-Allow-Origin",
    "Content-Type",
    "Date",
    "ETag",
    "Last-Modified",
    "X-SODA2-Data-Out-Of-Date",
    "X-SODA2-Fields",
    "X-SODA2-Secondary-Last-Modified",
    "X-SODA2-Truth-Last-Modified",
    "X-SODA2-Types",
    "X-Socrata-Region",
    "X-Socrata-RequestId",
}


def types_of(value: dict[str, Any]) -> dict[str, str]:
    return {key: type(each).__name__ for key, each in value.items()}


def missing(expected: dict[str, str], value: dict[str, Any]) -> dict[str, Any]:
    """Return what a reply lacks, or has in another type."""
    found = types_of(value)
    return {key: (kind, found.get(key)) for key, kind in expected.items() if found.get(key) != kind}
