"""What the extras `postgres` and `s3` open: a ledger that a team shares."""

from __future__ import annotations

from headgate.kit.doors import Door

POSTGRES = Door(
    name="postgres",
    reference="headgate.ledger.postgres",
    extra="postgres",
    packages=("psycopg",),
    purpose="keep a ledger in PostgreSQL",
)
S3 = Door(
    name="s3",
    reference="headgate.ledger.engines.s3",
    extra="s3",
    packages=("boto3", "cryptography"),
    purpose="keep the content of a ledger in an S3-compatible store",
)

DOORS: dict[str, Door] = {door.name: door for door in (POSTGRES, S3)}
