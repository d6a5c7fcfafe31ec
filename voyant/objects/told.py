"""What does an error of object storage mean, without the secrets its own words may hold?"""

from __future__ import annotations

import re
from typing import Final

from voyant.core.errors import ObjectStoreError
from voyant.objects.address import SCHEMES, ObjectAddress

__all__ = ["told"]

_CODE: Final = re.compile(r"<Code>(\w+)</Code>")
_HOST: Final = re.compile(r"https?://(?:[^/@\s]*@)?([^/\s?]+)")
_REGION: Final = re.compile(r"(?:expecting '?|<Region>)([a-z0-9-]+)")
_STATUS: Final = re.compile(r"status code: (\d{3})")
_NO_BUCKET: Final = ("NoSuchBucket", "ContainerNotFound", "specified bucket does not exist")
_WRONG_REGION: Final = (
    "AuthorizationHeaderMalformed",
    "IllegalLocationConstraintException",
    "PermanentRedirect",
    "incorrectly configured region",
)
_METADATA_SERVICES: Final = ("169.254.169.254", "169.254.170.", "metadata.google.internal")


def told(  # noqa: PLR0911 - a case after the other
    error: Exception, verb: str, address: ObjectAddress
) -> ObjectStoreError:
    """Return what went wrong, told from obstore's error: none of its own words are passed on.

    Its text holds the whole answer of the server, and of a proxy; only codes, a region and the
    name of a host are taken from there.

    Args:
        error: What obstore raised.
        verb: What was tried: `read`, `write`, `list`, `remove`.
        address: On what.
    """
    text, kind = str(error), type(error).__name__
    code = next(iter(_CODE.findall(text)), "")
    what = f"Cannot {verb} {str(address)!r}"
    if any(word in text for word in _NO_BUCKET):
        return ObjectStoreError(
            f"{what}: there is no bucket {address.bucket!r}.",
            remedy="Check its name, and that AWS_ENDPOINT_URL, if set, is the right server.",
        )
    if isinstance(error, FileNotFoundError):
        return ObjectStoreError(f"{what}: it is not there.", remedy="Check the key.")
    if any(word in text for word in _WRONG_REGION):
        region = next(iter(_REGION.findall(text)), "")
        where = f"it is in {region}" if region else "it is in another region"
        return ObjectStoreError(
            f"{what}: the bucket was asked in the wrong region; {where}.",
            remedy=f"Set AWS_REGION={region or '...'}.",
        )
    if any(host in text for host in _METADATA_SERVICES):
        return ObjectStoreError(
            f"{what}: there are no credentials.", remedy=_credentials_of(address)
        )
    status = next(iter(_STATUS.findall(text)), "")
    if kind in {"PermissionDeniedError", "UnauthenticatedError"} or status in {"401", "403"}:
        return ObjectStoreError(
            f"{what}: access is denied{f' ({code})' if code else ''}.",
            remedy=f"Check what the credentials allow. {_credentials_of(address)}",
        )
    if "error sending request" in text or "timed out" in text:
        host = next(iter(_HOST.findall(text)), SCHEMES[address.scheme])
        return ObjectStoreError(
            f"{what}: {host} does not answer.",
            remedy="Check the network, the proxy and AWS_ENDPOINT_URL.",
        )
    because = ", ".join(filter(None, (code, f"HTTP {status}" if status else ""))) or kind
    return ObjectStoreError(f"{what}: {because}.", remedy="Try again, or ask whoever runs it.")


def _credentials_of(address: ObjectAddress) -> str:
    if address.scheme == "gs":
        return "Set GOOGLE_APPLICATION_CREDENTIALS, or use the machine's own service account."
    if address.scheme != "s3":
        return "Set AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY, or log in."
    return (
        "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE (with voyant[aws]), "
        "or use the machine's own role."
    )
