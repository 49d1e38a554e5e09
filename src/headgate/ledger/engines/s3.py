"""The S3 protocol by boto3: endpoint, region and credentials by the usual variables and files of AWS."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from headgate.kit.errors import Refused
from headgate.ledger.database import Swept, Unreachable

__all__ = ["AESGCM", "S3Bucket"]

ABSENT = ("NoSuchKey", "404", "NoSuchVersion")
MANY = 1_000  # that one request deletes
LATER = (
    "SlowDown",
    "InternalError",
    "ServiceUnavailable",
    "503",
    "500",
    "RequestTimeout",
    "ConditionalRequestConflict",
)
PATIENCE = Config(connect_timeout=5, read_timeout=60, retries={"total_max_attempts": 4, "mode": "standard"})


class S3Bucket:
    """One bucket."""

    def __init__(self, name: str) -> None:
        self.name = name
        with self._translated():
            self._client: Any = boto3.client("s3", config=PATIENCE)

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        place = f"s3://{self.name}"
        try:
            yield
        except ClientError as error:
            code, said = error.response["Error"].get("Code", ""), error.response["Error"].get("Message", "")
            if code in LATER:
                raise self._down(f"{code}: {said}") from error
            steps = {
                "NoSuchBucket": "make the bucket, or name another one",
                "AccessDenied": "let these credentials get, put, delete and list objects and their versions",
            }
            step = steps.get(code, "look at the endpoint and the credentials (AWS_ENDPOINT_URL_S3, AWS_PROFILE, ...)")
            raise Refused("the object store refused", file=place, found=f"{code}: {said}", next_step=step) from error
        except BotoCoreError as error:
            if type(error).__name__ in (
                "NoCredentialsError",
                "PartialCredentialsError",
                "NoRegionError",
                "ProfileNotFound",
            ):
                step = "set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION, or AWS_PROFILE"
                raise Refused(
                    "no credentials for the object store", file=place, found=str(error), next_step=step
                ) from error
            raise self._down(str(error)) from error

    def _down(self, said: str) -> Unreachable:
        return Unreachable(
            "the object store does not answer",
            file=f"s3://{self.name}",
            found=said,
            next_step="run the same command again: it goes on where it ended",
        )

    def put(self, name: str, data: bytes) -> None:
        """Stores an object that must not be there; a second put of the same bytes by a retry is no conflict."""
        with self._translated():
            try:
                self._client.put_object(Bucket=self.name, Key=name, Body=data, IfNoneMatch="*")
            except ClientError as error:
                if error.response["Error"].get("Code") not in ("PreconditionFailed", "412"):
                    raise
                # An earlier attempt of this very request may have arrived, its answer not.
                if self.get(name, 0, len(data) + 1) != data:
                    raise

    def get(self, name: str, start: int, size: int) -> bytes | None:
        """A part of an object; None where there is no such object."""
        with self._translated():
            try:
                span = f"bytes={start}-{start + size - 1}"
                answer = self._client.get_object(Bucket=self.name, Key=name, Range=span)
                return bytes(answer["Body"].read())
            except ClientError as error:
                if error.response["Error"].get("Code") in (*ABSENT, "InvalidRange", "416"):
                    return None
                raise

    def versions(self, folder: str) -> Iterator[tuple[str, str]]:
        """(name, version) of everything under a folder, marks of deletion included."""
        with self._translated():
            for page in self._client.get_paginator("list_object_versions").paginate(Bucket=self.name, Prefix=folder):
                for one in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
                    yield one["Key"], one.get("VersionId") or "null"

    def delete(self, found: Sequence[tuple[str, str]]) -> list[str]:
        """Deletes versions for good; names those that are still there, and why."""
        left = []
        with self._translated():
            for start in range(0, len(found), MANY):
                listed = [{"Key": name, "VersionId": version} for name, version in found[start : start + MANY]]
                said = self._client.delete_objects(Bucket=self.name, Delete={"Objects": listed, "Quiet": True})
                left += [f"{self.name}/{one.get('Key')} ({one.get('Code')})" for one in said.get("Errors", ())]
        return left

    def abort_uploads(self, folder: str) -> None:
        """Ends uploads that were begun under a folder, and frees their parts."""
        with self._translated():
            pages = self._client.get_paginator("list_multipart_uploads").paginate(Bucket=self.name, Prefix=folder)
            for one in [upload for page in pages for upload in page.get("Uploads", ())]:
                self._client.abort_multipart_upload(Bucket=self.name, Key=one["Key"], UploadId=one["UploadId"])

    def copies(self) -> Swept:
        """Whether the bucket is copied elsewhere, as far as we may ask."""
        swept = Swept()
        try:
            self._client.get_bucket_replication(Bucket=self.name)
        except ClientError as error:
            if error.response["Error"].get("Code") in ("AccessDenied", "403"):
                swept.unseen.append(f"s3://{self.name}: whether it is replicated (s3:GetReplicationConfiguration)")
        except BotoCoreError as error:
            raise self._down(str(error)) from error
        else:
            swept.left.append(f"s3://{self.name} is replicated: objects there are sealed, and their keys are gone")
        return swept
