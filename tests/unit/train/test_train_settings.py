"""The section [train]: what is refused, and what is recorded."""

from __future__ import annotations

import pytest

from headgate.kit.errors import Refused
from headgate.train.settings import Adapter, Kto, Settings, origins, resolved


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"batch": 0}, "batch below 1"),
        ({"steps": -1}, "below 0"),
        ({"batch": 10, "micro_batch": 3}, "no multiple of micro-batch"),
        ({"steps": 0, "epochs": 0.0}, "neither steps nor epochs"),
        ({"learning_rate": 0.0}, "learning-rate"),
        ({"adapter": Adapter(rank=0)}, "adapter rank"),
        ({"adapter": Adapter(dropout=1.0)}, "dropout"),
        ({"seeds": [1, 1]}, "seeds"),
        ({"seeds": [-1]}, "a seed is not between"),
        ({"seeds": [2**32]}, "a seed is not between"),
        ({"weight_decay": -1.0}, "weight-decay or clip is below 0"),
        ({"clip": -1.0}, "weight-decay or clip is below 0"),
        ({"threads": -1}, "threads is not between"),
        ({"threads": 100_000}, "threads is not between"),
        ({"targets": "(((("}, "neither a list of names nor a regular expression"),
        ({"targets": []}, "neither a list of names nor a regular expression"),
        ({"distil_tokens": 0}, "distil-tokens below 1"),
        ({"kto": Kto(bad_weight=-1.0)}, "bad-weight of kto is below 0"),
        ({"choose": "lowest-loss"}, "needs choose-on"),
        ({"choose": "lowest-loss", "choose_on": "train"}, "the split that is trained on"),
    ],
)
def test_settings_that_cannot_work_are_refused(given: dict[str, object], said: str) -> None:
    """The message names the setting."""
    with pytest.raises(Refused, match=said):
        Settings(base="b", **given)  # type: ignore[arg-type]


def test_every_problem_is_named_at_once() -> None:
    """A user mends a section in one go."""
    with pytest.raises(Refused, match="batch below 1; learning-rate"):
        Settings(base="b", batch=0, learning_rate=-1.0)


def test_defaults_are_recorded_with_their_origin() -> None:
    """No number that can change an adapter is missing from the record."""
    settings = Settings(base="b", steps=7, adapter=Adapter(rank=4))
    plain, told = resolved(settings), origins(settings)
    assert plain["adapter"] == {"kind": "lora", "rank": 4, "alpha": 32.0, "dropout": 0.0}
    assert (plain["learning-rate"], plain["steps"], plain["weight-decay"]) == (2e-3, 7, 0.0)
    assert [told[key] for key in ("base", "steps", "adapter", "batch")] == ["given", "given", "given", "default"]
