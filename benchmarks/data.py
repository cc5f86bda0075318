"""Seeded rows in the manner of a city's 311 service requests: 20 columns, about 340 bytes a row.

Some cells are quoted: resolutions hold commas, a few hold quoted words, line ends, or letters beyond ASCII.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = {
    "unique_key": "text",
    "created_date": "calendar_date",
    "closed_date": "calendar_date",
    "agency": "text",
    "agency_name": "text",
    "complaint_type": "text",
    "descriptor": "text",
    "location_type": "text",
    "incident_zip": "text",
    "incident_address": "text",
    "cross_street_1": "text",
    "cross_street_2": "text",
    "city": "text",
    "status": "text",
    "resolution_description": "text",
    "community_board": "text",
    "x_coordinate": "number",
    "y_coordinate": "number",
    "open_data_channel": "text",
    "location": "point",
}
ROW_IDENTIFIER = "unique_key"

_AGENCIES = [
    ("NYPD", "New York City Police Department"),
    ("HPD", "Department of Housing Preservation and Development"),
    ("DSNY", "Department of Sanitation"),
    ("DOT", "Department of Transportation"),
    ("DEP", "Department of Environmental Protection"),
]
_COMPLAINTS = [
    ("Noise - Residential", "Loud Music/Party", "Residential Building/House"),
    ("Illegal Parking", "Blocked Hydrant", "Street/Sidewalk"),
    ("HEAT/HOT WATER", "ENTIRE BUILDING", "RESIDENTIAL BUILDING"),
    ("Street Condition", "Pothole", "Street"),
    ("Water System", "Hydrant Running Full (WA4)", ""),
    ("Missed Collection", "Recycling", "Sidewalk"),
]
_STREETS = [
    "BROADWAY",
    "ATLANTIC AVENUE",
    "GRAND CONCOURSE",
    "EAST 86 STREET",
    "PE\u00d1A PLACE",
    "OCEAN PARKWAY",
]
_CITIES = ["NEW YORK", "BROOKLYN", "BRONX", "JAMAICA", "STATEN ISLAND"]
_CHANNELS = ["PHONE", "ONLINE", "MOBILE", "UNKNOWN"]
_RESOLUTIONS = [
    "The Police Department responded and took action to fix the condition.",
    '"The Police Department responded and, on arrival, observed no evidence of the violation."',
    '"The Department inspected the condition, found it corrected, and closed the complaint."',
    "The condition was not found when the inspector visited; the complaint is closed.",
    '"The tenant said ""the boiler is repaired"", and the complaint was closed."',
    "",
    "The Department of Sanitation cleaned the location on the day the complaint was made.",
]
_MULTILINE = '"Inspected twice.\nFirst visit: no access, card left.\nSecond visit: condition corrected."'


def write_csv(path: Path, rows: int, *, seed: int = 311) -> None:
    """Write a file of so many rows; the same seed gives the same bytes."""
    random_source = random.Random(seed)
    first = datetime(2024, 1, 1)
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(",".join(COLUMNS) + "\n")
        block: list[str] = []
        for number in range(rows):
            block.append(_row(random_source, number, first))
            if len(block) == 5_000:
                file.write("".join(block))
                block.clear()
        file.write("".join(block))


def _row(random_source: random.Random, number: int, first: datetime) -> str:
    draw = random_source.random
    created = first + timedelta(seconds=number * 41)
    closed = created + timedelta(seconds=int(draw() * 900_000))
    agency, agency_name = _AGENCIES[int(draw() * len(_AGENCIES))]
    complaint, descriptor, place = _COMPLAINTS[int(draw() * len(_COMPLAINTS))]
    street, cross, other = (_STREETS[int(draw() * len(_STREETS))] for _ in range(3))
    resolution = _MULTILINE if number % 97 == 0 else _RESOLUTIONS[int(draw() * len(_RESOLUTIONS))]
    open_still = draw() < 0.1
    x, y = 913_000 + int(draw() * 150_000), 121_000 + int(draw() * 150_000)
    lon, lat = round(-74.25 + draw() * 0.55, 9), round(40.5 + draw() * 0.4, 9)
    cells = (
        str(60_000_000 + number),
        created.isoformat(timespec="milliseconds"),
        "" if open_still else closed.isoformat(timespec="milliseconds"),
        agency,
        agency_name,
        complaint,
        descriptor,
        place,
        str(10_001 + int(draw() * 1_400)),
        f"{int(draw() * 3_000) + 1} {street}",
        cross,
        other,
        _CITIES[int(draw() * len(_CITIES))],
        "Open" if open_still else "Closed",
        resolution,
        f"{int(draw() * 18) + 1:02d} {_CITIES[int(draw() * len(_CITIES))]}",
        str(x),
        str(y),
        _CHANNELS[int(draw() * len(_CHANNELS))],
        f"POINT ({lon} {lat})",
    )
    return ",".join(cells) + "\n"
