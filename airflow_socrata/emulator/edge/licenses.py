"""The licences that a portal offers: id, name and where their text is."""

from __future__ import annotations

from dataclasses import dataclass

_CC = "https://creativecommons.org"
_ODC = "https://opendatacommons.org/licenses"


@dataclass(frozen=True, slots=True)
class License:
    """One licence."""

    id: str
    name: str
    terms: str = ""

    def shown(self) -> dict[str, str]:
        """Return it as views show it."""
        return {"name": self.name} | ({"termsLink": self.terms} if self.terms else {})


def _cc(id: str, kind: str, path: str) -> License:
    return License(id, f"Creative Commons {kind}", f"{_CC}/{path}/legalcode")


def _by(id: str, path: str, *words: str, version: str) -> License:
    kind = " | ".join(("Attribution", *words))
    return _cc(id, f"{kind} {version}", f"licenses/{path}")


_NC, _ND, _SA = "Noncommercial", "No Derivative Works", "Share Alike"
LICENSES = {
    each.id: each
    for each in (
        License("PUBLIC_DOMAIN", "Public Domain"),
        License("SEE_TERMS_OF_USE", "See Terms of Use"),
        License("USGOV_WORKS", "Public Domain U.S. Government", "https://www.usa.gov/government-works"),
        _cc("CC0_10", "1.0 Universal (Public Domain Dedication)", "publicdomain/zero/1.0"),
        _by("CC_30_BY", "by/3.0", version="3.0 Unported"),
        _by("CC_30_BY_SA", "by-sa/3.0", _SA, version="3.0 Unported"),
        _by("CC_30_BY_ND", "by-nd/3.0", _ND, version="3.0 Unported"),
        _by("CC_30_BY_NC", "by-nc/3.0", _NC, version="3.0 Unported"),
        _by("CC_30_BY_NC_SA", "by-nc-sa/3.0", _NC, _SA, version="3.0 Unported"),
        _by("CC_30_BY_NC_ND", "by-nc-nd/3.0", _NC, _ND, version="3.0 Unported"),
        _by("CC_30_BY_AUS", "by/3.0/au", version="3.0 Australia"),
        _by("CC_30_BY_IGO", "by/3.0/igo", version="3.0 IGO"),
        _by("CC_30_BY_NC_ND_IGO", "by-nc-nd/3.0/igo", _NC, _ND, version="3.0 IGO"),
        _by("CC_30_BY_NZ", "by/3.0/nz", version="3.0 New Zealand"),
        _by("CC_30_BY_NC_NZ", "by-nc/3.0/nz", _NC, version="3.0 New Zealand"),
        _by("CC_30_BY_NC_SA_NZ", "by-nc-sa/3.0/nz", _NC, _SA, version="3.0 New Zealand"),
        _by("CC_40_BY", "by/4.0", version="4.0 International"),
        _by("CC_40_BY_SA", "by-sa/4.0", _SA, version="4.0 International"),
        _by("CC_40_BY_ND", "by-nd/4.0", "NoDerivatives", version="4.0 International License"),
        License("PDDL", "Open Data Commons Public Domain Dedication and License", f"{_ODC}/pddl/1.0/"),
        License("ODBL", "Open Data Commons Open Database License", f"{_ODC}/odbl/1.0/"),
        License("ODC_BY", "Open Data Commons Attribution License", f"{_ODC}/by/1.0/"),
        License("IODL", "Italian Open Data License 2.0", "https://www.dati.gov.it/iodl/2.0/"),
        License("NIST_SRD", "Standard Reference Data Copyright U.S. Secretary of Commerce"),
        License("OGL_CANADA", "Canada Open Government Licence"),
        License("OGL_NOVA_SCOTIA", "Nova Scotia Open Government Licence"),
        License("UK_OGLV3.0", "UK Open Government Licence v3"),
    )
}


def license_of(word: str) -> License | None:
    """Return the licence with this name or id, as they are written."""
    found = LICENSES.get(word)
    return found or next((each for each in LICENSES.values() if each.name == word), None)
