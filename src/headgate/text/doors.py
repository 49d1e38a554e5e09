"""What the extra `secrets` opens."""

from __future__ import annotations

from headgate.kit.doors import Door

SECRETS = Door(
    name="detect-secrets",
    reference="headgate.text.engines.secrets",
    extra="secrets",
    packages=("detect_secrets", "yaml", "requests"),
    purpose="find keys and passwords of services in texts",
)

DOORS: dict[str, Door] = {SECRETS.name: SECRETS}
