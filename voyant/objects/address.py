"""Does a text name something in object storage, and what: which bucket, which key?"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from voyant.core.errors import ConfigurationError

__all__ = ["SCHEMES", "ObjectAddress", "is_object_address"]

#: Scheme -> whose service it is.
SCHEMES: Final = {
    "s3": "S3",
    "s3a": "S3",
    "gs": "Google Cloud Storage",
    "az": "Azure",
    "abfs": "Azure",
    "abfss": "Azure",
}
_ADDRESS: Final = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<bucket>[^/]*)/?(?P<key>.*)", re.DOTALL
)


def is_object_address(text: object) -> bool:
    """Say whether a text is the address of something in object storage.

    >>> is_object_address("s3://bucket/a.parquet"), is_object_address("data/a.parquet")
    (True, False)
    """
    found = _ADDRESS.fullmatch(text) if isinstance(text, str) else None
    return found is not None and found["scheme"] in SCHEMES


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectAddress:
    """A bucket, and a key or the beginning of keys in it.

    Attributes:
        scheme: `s3`, `gs`, `az` ...
        bucket: The bucket, or on Azure the container, with its account where the address has one.
        key: Without a slash at its beginning or end; empty for the whole bucket.
    """

    scheme: str
    bucket: str
    key: str = ""

    @classmethod
    def parse(cls, text: str) -> ObjectAddress:
        """Read an address.

        >>> ObjectAddress.parse("s3://bucket/data/orders/").key
        'data/orders'

        Raises:
            ConfigurationError: No bucket, another scheme, a password or a query in it.
        """
        found = _ADDRESS.fullmatch(text)
        if found is None or found["scheme"] not in SCHEMES:
            raise ConfigurationError(
                f"{_shown(text)!r} is no address in object storage.",
                remedy="Write it as s3://bucket/key, gs://bucket/key or az://container/key.",
            )
        bucket, key = found["bucket"], found["key"]
        if not bucket or ":" in bucket:
            raise ConfigurationError(
                f"{_shown(text)!r} names no bucket.",
                remedy="Write it as s3://bucket/key; credentials belong into the environment.",
            )
        key = key.strip("/")
        if any(part in {".", "..", ""} for part in key.split("/")) and key:
            raise ConfigurationError(
                f"{_shown(text)!r} has an empty part, or one of dots.", remedy="Check the address."
            )
        scheme = "s3" if found["scheme"] == "s3a" else found["scheme"]
        return cls(scheme=scheme, bucket=bucket, key=key)

    @property
    def root(self) -> str:
        """The bucket's own address."""
        return f"{self.scheme}://{self.bucket}"

    @property
    def name(self) -> str:
        """The last part of the key; the bucket where there is no key."""
        return self.key.rpartition("/")[2] or self.bucket

    def at(self, key: str) -> ObjectAddress:
        """Return the address of another key in the bucket."""
        return ObjectAddress(scheme=self.scheme, bucket=self.bucket, key=key)

    def __truediv__(self, name: str) -> ObjectAddress:
        """Return the address of a key below this one."""
        return self.at(f"{self.key}/{name}" if self.key else name)

    def __str__(self) -> str:
        """Return it as it is written."""
        return f"{self.root}/{self.key}" if self.key else self.root


def _shown(text: str) -> str:
    return re.sub(r"(?<=://)[^/@]*:[^/@]*@", "***@", text)
