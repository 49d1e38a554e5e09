"""Metrics of probes that a training takes on the way: what they are called in the ledger."""

from __future__ import annotations

KIND = "probe"
LOSS = "loss"  # mean on rows that are not trained on, nats per token
DRIFT = "drift"  # of the first tokens of answers from the base, nats per token
