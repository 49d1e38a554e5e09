"""Time comes in as an argument; this is where the argument is made."""

from __future__ import annotations

from datetime import UTC, date, datetime

from headgate.kit.errors import Refused


def now() -> datetime:
    """The present moment, in UTC, to the microsecond."""
    return datetime.now(UTC)


def stamp(moment: datetime) -> str:
    """A moment as ISO 8601 in UTC; sorts as text in order of time."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_moment(text: str | date | datetime) -> datetime:
    """Reads a date or a moment; what has no zone is taken as UTC.

    Raises:
        Refused: the text is not ISO 8601.
    """
    if isinstance(text, datetime):
        return text if text.tzinfo else text.replace(tzinfo=UTC)
    if isinstance(text, date):
        return datetime(text.year, text.month, text.day, tzinfo=UTC)
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise Refused("not a date", found=repr(text), wanted="ISO 8601, such as 2026-11-21") from None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
