"""The licences that portals offer: the ids that views keep, and the names that the Metadata API speaks of."""

from __future__ import annotations

import difflib
import re
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_CC = "Creative Commons"
_BY = f"{_CC} Attribution"
_NC, _ND, _SA = "Noncommercial", "No Derivative Works", "Share Alike"

#: Id to name, as the vendor's own pages list them. A portal may offer fewer, or others of its own.
LICENSES: Mapping[str, str] = MappingProxyType({
    "PUBLIC_DOMAIN": "Public Domain",
    "USGOV_WORKS": "Public Domain U.S. Government",
    "CC0_10": f"{_CC} 1.0 Universal (Public Domain Dedication)",
    "CC_30_BY": f"{_BY} 3.0 Unported",
    "CC_30_BY_SA": f"{_BY} | {_SA} 3.0 Unported",
    "CC_30_BY_ND": f"{_BY} | {_ND} 3.0 Unported",
    "CC_30_BY_NC": f"{_BY} | {_NC} 3.0 Unported",
    "CC_30_BY_NC_SA": f"{_BY} | {_NC} | {_SA} 3.0 Unported",
    "CC_30_BY_NC_ND": f"{_BY} | {_NC} | {_ND} 3.0 Unported",
    "CC_30_BY_AUS": f"{_BY} 3.0 Australia",
    "CC_30_BY_IGO": f"{_BY} 3.0 IGO",
    "CC_30_BY_NC_ND_IGO": f"{_BY} | {_NC} | {_ND} 3.0 IGO",
    "CC_30_BY_NZ": f"{_BY} 3.0 New Zealand",
    "CC_30_BY_NC_NZ": f"{_BY} | {_NC} 3.0 New Zealand",
    "CC_30_BY_NC_SA_NZ": f"{_BY} | {_NC} | {_SA} 3.0 New Zealand",
    "CC_40_BY": f"{_BY} 4.0 International",
    "CC_40_BY_SA": f"{_BY} | {_SA} 4.0 International",
    "CC_40_BY_ND": f"{_BY} | NoDerivatives 4.0 International License",
    "PDDL": "Open Data Commons Public Domain Dedication and License",
    "ODBL": "Open Data Commons Open Database License",
    "ODC_BY": "Open Data Commons Attribution License",
    "IODL": "Italian Open Data License 2.0",
    "NIST_SRD": "Standard Reference Data Copyright U.S. Secretary of Commerce",
    "OGL_CANADA": "Canada Open Government Licence",
    "OGL_NOVA_SCOTIA": "Nova Scotia Open Government Licence",
    "UK_OGLV3.0": "UK Open Government Licence v3",
    "SEE_TERMS_OF_USE": "See Terms of Use",
})
_IDS: Mapping[str, str] = MappingProxyType(
    {name.casefold(): license_id for license_id, name in LICENSES.items()}
    | {license_id.casefold(): license_id for license_id in LICENSES}
)


def license_id(word: str) -> str:
    """Return the id of a licence that is named by id or name; a word that is not known stays as it is."""
    return _IDS.get(word.strip().casefold(), word)


def license_name(word: str) -> str:
    """Return the name of a licence that is named by id or name; a word that is not known stays as it is."""
    return LICENSES.get(license_id(word), word)


def nearest_licenses(word: str, most: int = 3) -> tuple[str, ...]:
    """Return the ids of known licences that are written most like ``word``, the nearest first."""
    wanted = _spelled(word)
    scores = {
        known: max(
            difflib.SequenceMatcher(None, wanted, _spelled(each)).ratio() for each in (known, LICENSES[known])
        )
        for known in LICENSES
    }
    near = sorted((known for known in LICENSES if scores[known] >= _ALIKE), key=lambda known: -scores[known])
    return tuple(near[:most])


_ALIKE = 0.6


def _spelled(word: str) -> str:
    """The words of a name in one order, so that ``CC BY 4.0`` is like ``CC_40_BY``."""
    return " ".join(sorted(re.findall(r"[a-z0-9]+", word.casefold().replace(".", ""))))
