"""The table of formats: name -> how it is read and written. What is not in it does not exist."""

from __future__ import annotations

from headgate.rows.formats import alpaca, canonical, openai, sharegpt, swift, tabular, trl
from headgate.rows.formats.shape import CannotHold, Format, Wrong

FORMATS: dict[str, Format] = {
    one.name: one
    for one in (
        canonical.FORMAT,
        openai.SFT,
        openai.DPO,
        *trl.FORMATS,
        alpaca.FORMAT,
        sharegpt.FORMAT,
        swift.FORMAT,
        *tabular.FORMATS,
    )
}

__all__ = ["FORMATS", "CannotHold", "Format", "Wrong"]
