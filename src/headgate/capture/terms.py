"""Claims at capture: terms of the source and of teachers, consent of its people. One made once is not made again."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from headgate.capture.claims_file import read_statements
from headgate.capture.settings import Settings
from headgate.kit.clock import parse_moment, stamp
from headgate.kit.errors import Refused
from headgate.kit.hashing import digest_file
from headgate.ledger.claims import is_withheld
from headgate.ledger.ledger import Ledger
from headgate.rules.licence_expressions import NOASSERTION, NONE, understood
from headgate.rules.licence_mixtures import DOUBT, TEXT, written_in

SETTINGS = "settings of capture"  # who says what the flow file says
CLAIMED = ("licence", "owner", "consent", "provider-policy")
POLICIES = ("yes", "no", "conditional")  # any other word about a teacher is its licence


@dataclass
class Asserted:
    """How many claims were made and how many were known."""

    new: Counter[str] = field(default_factory=Counter)  # by what is claimed
    known: int = 0
    withheld: dict[str, None] = field(default_factory=dict)  # people of whom the file says that consent is gone


def assert_terms(ledger: Ledger, settings: Settings, folder: Path, now: datetime) -> Asserted:
    """Asserts what the settings say of the source and what the file of claims says of people.

    Raises:
        Refused: the file of claims cannot be read, a line of it is bad, or a licence would change in passing.
    """
    statements = read_statements(folder / settings.claims) if settings.claims else []
    evidence = digest_file(folder / settings.claims) if settings.claims else None
    said = _Saying(ledger, now)
    with ledger.transaction():
        about = f"source:{settings.source}"
        read_at = settings.licence_source or SETTINGS
        if settings.licence:
            said.claim(about, "licence", settings.licence, source=read_at, until=settings.licence_until)
        if settings.owner:
            said.claim(about, "owner", settings.owner, source=SETTINGS)
        if settings.consent:
            said.claim(about, "consent", settings.consent, source=SETTINGS, until=settings.consent_until)
        for teacher, word in settings.teachers.items():
            what = "provider-policy" if word.lower() in POLICIES else "licence"
            said.claim(f"teacher:{teacher}", what, word, source=SETTINGS)
        for one in statements:
            of = f"subject:{one.subject}" if one.subject else f"source:{one.of}"
            more = {"since": one.valid_from, "until": one.valid_to, "evidence": evidence}
            for what, value in (("consent", one.consent), ("licence", one.licence)):
                if value:
                    said.claim(of, what, value, source=one.source or Path(settings.claims).name, **more)
            if one.subject and is_withheld(one.consent):
                said.asserted.withheld[one.subject] = None
    return said.asserted


class _Saying:
    """Makes claims that nobody made yet.

    A file is read again on every run; if each reading were a new observation, an old line of the
    file would speak louder than a withdrawal recorded elsewhere in the meantime.
    """

    def __init__(self, ledger: Ledger, now: datetime) -> None:
        self.ledger, self.now = ledger, now
        self.asserted = Asserted()
        claims = [claim for what in CLAIMED for claim in ledger.claims.all(what)]
        self.made = {(c.about, c.what, str(c.value), c.source, c.valid_from, c.valid_to) for c in claims}

    def claim(self, about: str, what: str, value: str, *, source: str, **more: Any) -> None:
        since, until = (parse_moment(more[name]) if more.get(name) else None for name in ("since", "until"))
        identity = (about, what, value, source, stamp(since) if since else None, stamp(until) if until else None)
        withdrawn = what == "consent" and self._overruled(about, value, since)
        if identity in self.made or withdrawn or (what == "licence" and self._doubted(about, value)):
            self.asserted.known += 1
            return
        if what == "licence" and about.startswith("source:") and since is None:
            self._must_be_no_change(about, value, until)
        self.made.add(identity)
        self.ledger.claims.assert_(
            about,
            what,
            value,
            source=source,
            observed_at=self.now,
            valid_from=since,
            valid_to=until,
            evidence=more.get("evidence"),
        )
        self.asserted.new[what] += 1

    def _doubted(self, about: str, value: str) -> bool:
        """Whether this licence is claimed with a text that nobody answered for: its name alone lifts no doubt."""
        spoken = self.ledger.claims.at(about, "licence", self.now)
        if spoken is None or not isinstance(spoken.value, dict) or DOUBT not in spoken.value.get(TEXT, {}):
            return False
        return understood(written_in(spoken.value)).canonical == understood(value).canonical

    def _must_be_no_change(self, about: str, value: str, until: datetime | None) -> None:
        """Refuses to change what a licence is in passing: a change has a date, or is looked at and may open a case.

        Raises:
            Refused: another licence is claimed, and holds.
        """
        spoken = self.ledger.claims.at(about, "licence", self.now)
        if spoken is None or (until is not None and until <= self.now):
            return
        before = understood(written_in(spoken.value))
        if before.canonical not in (NONE, NOASSERTION) and before.canonical != understood(value).canonical:
            name = about.partition(":")[2]
            raise Refused(
                f"the licence of {name} changes: {spoken.source} said {before.written} on {spoken.observed_at[:10]}",
                found=value, wanted=before.written,
                next_step=f'headgate rights licence --source {name} --is "{value}" --text FILE --by NAME, which opens '
                "a case about what was made from it; then capture again",
            )  # fmt: skip

    def _overruled(self, about: str, value: str, since: datetime | None) -> bool:
        """Whether somebody withdrew later than this consent began: a copy of an old list does not bring it back."""
        if is_withheld(value):
            return False
        spoken = self.ledger.claims.at(about, "consent", self.now)
        if spoken is None or not is_withheld(spoken.value):
            return False
        return since is None or stamp(since) <= (spoken.valid_from or spoken.observed_at)
