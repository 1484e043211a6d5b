"""Documents in a bucket. Used only when DOCUMENTS_URL names one, so that others never load its library."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError
from storages.backends.s3 import S3Storage


class DocumentBucket(S3Storage):
    """A bucket that fails as a disk does: with OSError, whatever was wrong with it."""

    def _save(self, name: str, content: Any) -> str:
        with _as_oserror():
            return str(super()._save(name, content))

    def _open(self, name: str, mode: str = "rb") -> Any:
        with _as_oserror():
            return super()._open(name, mode)

    def exists(self, name: str) -> bool:
        with _as_oserror():
            return bool(super().exists(name))

    def get_modified_time(self, name: str) -> datetime:
        with _as_oserror():
            changed: datetime = super().get_modified_time(name)
        return changed

    def delete(self, name: str) -> None:
        with _as_oserror():
            super().delete(name)

    def listdir(self, name: str) -> tuple[list[str], list[str]]:
        with _as_oserror():
            found: tuple[list[str], list[str]] = super().listdir(name)
        return found


@contextmanager
def _as_oserror() -> Iterator[None]:
    try:
        yield
    except (Boto3Error, BotoCoreError, ClientError) as error:
        raise OSError(f"The bucket did not do it: {error}") from error
