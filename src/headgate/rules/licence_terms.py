"""What licences allow and ask for: terms by identifier of the SPDX licence list, and their algebra.

Our own reading of the licence texts, in six questions each; no legal advice. An identifier that is not here has
unknown terms, and what is unknown is never read as permission.

Source of the identifiers: SPDX licence list, https://spdx.org/licenses/. What works under several share-alike
licences may be put under: the licence texts, and the list of compatible licences of Creative Commons for BY-SA 4.0.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from headgate.kit.errors import Refused


class Says(StrEnum):
    """What a licence says to one question."""

    YES = "yes"
    NO = "no"
    CONDITIONAL = "conditional"  # under a condition that a person has to read
    UNKNOWN = "unknown"


YES, NO, CONDITIONAL, UNKNOWN = Says
# Of two answers the first in the order is the stricter: permissions are lost, duties are gained.
PERMISSIONS = ("commercial", "derivatives", "outputs_may_train")
DUTIES = ("share_alike", "attribution", "research_only")
QUESTIONS = (*PERMISSIONS, *DUTIES)
ORDER = {
    **dict.fromkeys(PERMISSIONS, (NO, UNKNOWN, CONDITIONAL, YES)),
    **dict.fromkeys(DUTIES, (YES, UNKNOWN, CONDITIONAL, NO)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Answers of one licence, or of a mixture."""

    commercial: Says = UNKNOWN
    derivatives: Says = UNKNOWN
    outputs_may_train: Says = UNKNOWN  # whether what a model says may train another one
    share_alike: Says = UNKNOWN
    attribution: Says = UNKNOWN
    research_only: Says = UNKNOWN
    under: frozenset[str] | None = None  # licences that the result may have; None: any

    @property
    def unknown(self) -> bool:
        """Whether any question has no answer."""
        return any(getattr(self, name) is UNKNOWN for name in QUESTIONS)

    def as_json(self) -> dict[str, str]:
        """As printed."""
        return {name.replace("_", "-"): str(getattr(self, name)) for name in QUESTIONS}

    def strictness(self) -> tuple[int, ...]:
        """Sorts the least strict first."""
        places = (len(ORDER[name]) - 1 - ORDER[name].index(getattr(self, name)) for name in QUESTIONS)
        return tuple(sorted(places, reverse=True))


NOTHING_KNOWN = Terms()
FREE = Terms(commercial=YES, derivatives=YES, outputs_may_train=YES, share_alike=NO, attribution=NO, research_only=NO)
NAMED = replace(FREE, attribution=YES)
LIMITED = replace(NAMED, commercial=NO)  # non-commercial
CONDITIONED = replace(NAMED, commercial=CONDITIONAL)
WEAK = replace(NAMED, share_alike=CONDITIONAL)  # asks the same of its own files, not of what stands beside them


def strictest(parts: Iterable[Terms]) -> Terms:
    """The terms of a whole whose parts all bind; of no parts, nothing is known.

    Share-alike parts bind the result to the licences that all of them allow, which may be none.
    """
    known = list(parts)
    if not known:
        return NOTHING_KNOWN
    answers: dict[str, Any] = {
        name: min((getattr(terms, name) for terms in known), key=ORDER[name].index) for name in QUESTIONS
    }
    bound = [terms.under for terms in known if terms.under is not None]
    return Terms(**answers, under=frozenset.intersection(*bound) if bound else None)


def terms_of(identifier: str) -> Terms:
    """The terms of an SPDX identifier in its canonical spelling; nothing is known of any other."""
    name = identifier.removesuffix("+")
    if name in TABLE:
        return TABLE[name]
    if creative := CREATIVE.fullmatch(name):
        return _creative_commons(*creative.groups())
    if copyleft := GNU.fullmatch(name):
        return _gnu(*copyleft.groups())
    return NOTHING_KNOWN


def read_terms(text: str, name: str) -> Terms:
    """Terms that a person read in a text of that name, such as "commercial=no attribution=yes"; a bare word is yes.

    What is not answered stays unknown. Where commercial use is allowed, research is not all that is.

    Raises:
        Refused: an unknown question or answer.
    """
    answers: dict[str, Says] = {}
    for word in text.replace(",", " ").split():
        name, is_set, value = word.partition("=")
        question = name.lower().replace("-", "_")
        if question not in QUESTIONS or (is_set and value.lower() not in set(Says)):
            wanted = ", ".join(name.replace("_", "-") for name in QUESTIONS) + "; each =yes, =no or =conditional"
            raise Refused("not a term of a licence", found=repr(word), wanted=wanted)
        answers[question] = Says(value.lower()) if is_set else YES
    if answers.get("commercial") is YES:
        answers.setdefault("research_only", NO)
    return Terms(**answers, under=frozenset({name}) if answers.get("share_alike") is YES else None)


CREATIVE = re.compile(r"CC-BY(-NC)?(?:-(SA|ND))?-(\d\.\d)(?:-[A-Z]{2,3})?")
GNU = re.compile(r"(A?GPL)-(\d\.\d)-(only|or-later)")
SHARING_FROM = "2.0"  # Creative Commons allows later versions of the same licence from here on
CREATIVE_VERSIONS = ("1.0", "2.0", "2.1", "2.5", "3.0", "4.0")
GNU_VERSIONS = {"GPL": ("1.0", "2.0", "3.0"), "AGPL": ("1.0", "3.0")}


def _creative_commons(commercial: str | None, kind: str | None, version: str) -> Terms:
    terms = LIMITED if commercial else NAMED
    if kind == "ND":
        return replace(terms, derivatives=NO)
    if kind != "SA":
        return terms
    stem = f"CC-BY{commercial or ''}-SA-"
    later = [one for one in CREATIVE_VERSIONS if one >= version] if version >= SHARING_FROM else [version]
    under = {stem + one for one in later}
    if not commercial and version == "4.0":
        under.add("GPL-3.0")
    return replace(terms, share_alike=YES, under=frozenset(under))


def _gnu(family: str, version: str, reach: str) -> Terms:
    versions = GNU_VERSIONS[family]
    allowed = [one for one in versions if one == version or (reach == "or-later" and one > version)]
    under = {f"{family}-{one}" for one in allowed}
    if "GPL-3.0" in under:
        under.add("AGPL-3.0")  # version 3 of either lets the two be one work
    return replace(NAMED, share_alike=YES, under=frozenset(under))


def _alike(*names: str) -> Terms:
    return replace(NAMED, share_alike=YES, under=frozenset(names))


def _table(groups: Iterable[tuple[Terms, str]]) -> Mapping[str, Terms]:
    return {name: terms for terms, names in groups for name in names.split()}


TABLE: Mapping[str, Terms] = _table(
    [
        (FREE, "0BSD CC-PDDC CC-PDM-1.0 CC0-1.0 DL-DE-ZERO-2.0 MIT-0 PDDL-1.0 Unlicense WTFPL"),
        (
            NAMED,
            "AFL-1.1 AFL-1.2 AFL-2.0 AFL-2.1 AFL-3.0 Apache-1.0 Apache-1.1 Apache-2.0 Artistic-2.0 BSD-1-Clause "
            "BSD-2-Clause BSD-2-Clause-Patent BSD-3-Clause BSD-3-Clause-Clear BSD-4-Clause BSL-1.0 BlueOak-1.0.0 "
            "CDLA-Permissive-1.0 CDLA-Permissive-2.0 DL-DE-BY-2.0 ECL-2.0 HPND ISC MIT MIT-Modern-Variant MS-PL "
            "MulanPSL-2.0 NCSA NLOD-1.0 NLOD-2.0 ODC-By-1.0 OGL-Canada-2.0 OGL-UK-1.0 OGL-UK-2.0 OGL-UK-3.0 PHP-3.01 "
            "PSF-2.0 PostgreSQL Python-2.0 UPL-1.0 Unicode-3.0 Unicode-DFS-2015 Unicode-DFS-2016 W3C X11 Zlib "
            "etalab-2.0",
        ),
        (
            WEAK,
            "Artistic-1.0 C-UDA-1.0 CDDL-1.0 CDDL-1.1 EPL-1.0 EPL-2.0 LGPL-2.0-only LGPL-2.0-or-later LGPL-2.1-only "
            "LGPL-2.1-or-later LGPL-3.0-only LGPL-3.0-or-later MPL-1.0 MPL-1.1 MPL-2.0 MS-RL OFL-1.0 OFL-1.1",
        ),
        (LIMITED, "NCGL-UK-2.0 PolyForm-Noncommercial-1.0.0"),
        (CONDITIONED, "BUSL-1.1 Elastic-2.0 JSON PolyForm-Small-Business-1.0.0"),
        (_alike("CC-SA-1.0"), "CC-SA-1.0"),
        (_alike("CDLA-Sharing-1.0"), "CDLA-Sharing-1.0"),
        (_alike("EUPL-1.1", "EUPL-1.2", "GPL-2.0", "OSL-3.0"), "EUPL-1.1"),
        (_alike("EUPL-1.2", "GPL-2.0", "GPL-3.0", "AGPL-3.0", "CC-BY-SA-3.0", "OSL-3.0"), "EUPL-1.2"),
        (_alike("GFDL-1.2"), "GFDL-1.2-only GFDL-1.2-invariants-only GFDL-1.2-no-invariants-only"),
        (_alike("GFDL-1.2", "GFDL-1.3"), "GFDL-1.2-or-later GFDL-1.2-no-invariants-or-later"),
        (
            _alike("GFDL-1.3"),
            "GFDL-1.3-only GFDL-1.3-or-later GFDL-1.3-invariants-only GFDL-1.3-invariants-or-later "
            "GFDL-1.3-no-invariants-only GFDL-1.3-no-invariants-or-later",
        ),
        (_alike("ODbL-1.0"), "ODbL-1.0"),
        (_alike("OSL-3.0"), "OSL-3.0"),
        (_alike("SSPL-1.0"), "SSPL-1.0"),
    ]
)
