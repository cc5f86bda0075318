"""Files to parse, written for one test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_socrata.emulator.dsmapi.parsing import ParsedFile, ParseOptions, parse_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def parsed(tmp_path: Path) -> Callable[..., ParsedFile]:
    """Return what parses bytes as if they had been uploaded under a name."""

    def parse(
        data: bytes | str, filename: str = "x.csv", content_type: str | None = None, **options: object
    ) -> ParsedFile:
        # The upload's own file has no telling name.
        path = tmp_path / "upload"
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return parse_file(path, filename, content_type, ParseOptions.from_json(options))

    return parse
