"""Files for an Opendatasoft portal: within the platform's limit."""

from __future__ import annotations

from airflow_socrata.client import multipart
from airflow_socrata.opendatasoft.errors import FileTooLarge

#: What the platform says it takes in one file; read generously, as it may mean either kind of megabyte.
PLATFORM_LIMIT_MEGABYTES = 240
PLATFORM_LIMIT_BYTES = PLATFORM_LIMIT_MEGABYTES * 2**20


class Multipart(multipart.Multipart):
    """A file on its way to an Opendatasoft portal.

    :raises FileTooLarge: on entering, before anything is sent.
    """

    def check_size(self) -> None:
        """Refuse a file above the platform's limit."""
        if self.size > PLATFORM_LIMIT_BYTES:
            raise FileTooLarge(
                f"{self.filename} has {self.size / 2**20:,.0f} MiB, and the platform takes"
                f" {PLATFORM_LIMIT_BYTES / 2**20:,.0f} MiB"
            )
