"""Publishing through revisions: the portal's Dataset Management API."""
