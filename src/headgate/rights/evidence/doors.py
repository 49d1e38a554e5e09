"""What the extra `evidence` opens."""

from __future__ import annotations

from headgate.kit.doors import Door

SIGNATURES = Door(
    name="model-signing",
    reference="headgate.rights.evidence.engines.signatures",
    extra="evidence",
    packages=("model_signing", "sigstore", "cryptography", "OpenSSL"),
    purpose="sign and verify folders of adapters",
)

DOORS: dict[str, Door] = {SIGNATURES.name: SIGNATURES}
