"""With whose credentials, and how patiently, is object storage asked?"""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from voyant.core.errors import ConfigurationError
from voyant.objects.address import ObjectAddress
from voyant.objects.bucket import Bucket
from voyant.objects.told import told

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import SecretStr

__all__ = ["ObjectAccess"]

_RETRIES: Final = 4
_RETRY_SECONDS: Final = 60
#: Any of these, and there is no need to look further for credentials of S3.
_SAID: Final = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SKIP_SIGNATURE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectAccess:
    """Opens buckets. What is None comes from the SDK's own environment variables and chain.

    Attributes:
        s3_access_key_id: Of S3.
        s3_secret_access_key: Of S3.
        s3_session_token: Of S3, where credentials are temporary.
        retries: How often a request that failed for the server's or the network's sake is sent
            again.
    """

    s3_access_key_id: SecretStr | None = field(default=None, repr=False)
    s3_secret_access_key: SecretStr | None = field(default=None, repr=False)
    s3_session_token: SecretStr | None = field(default=None, repr=False)
    retries: int = _RETRIES

    @classmethod
    def of(cls, setting: Callable[[str], object]) -> ObjectAccess:
        """Return the access that settings describe.

        Args:
            setting: Gives a setting by its name; None for one that is not set.
        """
        names = ("s3_access_key_id", "s3_secret_access_key", "s3_session_token")
        given: dict[str, Any] = {name: setting(name) for name in names}
        return cls(**given)

    def bucket(self, address: ObjectAddress) -> Bucket:
        """Open the bucket of an address; nothing is asked of it yet.

        Raises:
            ConfigurationError: The extra is not installed, or credentials cannot be used.
        """
        try:
            from obstore.exceptions import BaseError  # noqa: PLC0415 - an extra
            from obstore.store import from_url  # noqa: PLC0415 - an extra
        except ImportError:
            raise ConfigurationError(
                f"{str(address)!r} is in object storage, and obstore is not installed.",
                remedy="Install it: pip install 'voyant[s3]'.",
            ) from None
        options: dict[str, Any] = {
            # An endpoint of plain HTTP is used where AWS_ENDPOINT_URL says so, and nowhere else.
            "client_options": {"allow_http": True, "connect_timeout": "5s", "timeout": "120s"},
            "retry_config": {
                "max_retries": self.retries,
                "retry_timeout": timedelta(seconds=_RETRY_SECONDS),
            },
        }
        if address.scheme == "s3":
            options |= self._s3_options()
        try:
            store = from_url(address.root, **options)
        except (BaseError, OSError, TypeError, ValueError) as error:
            raise told(error, "open", address) from None
        return Bucket(store, address.at(""))

    def _s3_options(self) -> dict[str, Any]:
        given = {
            "access_key_id": self.s3_access_key_id,
            "secret_access_key": self.s3_secret_access_key,
            "session_token": self.s3_session_token,
        }
        config = {k: v.get_secret_value() for k, v in given.items() if v is not None}
        if config:
            return {"config": config}
        # The SDK's own variables, by the SDK's own rules: profiles and single sign-on are boto's.
        is_said = any(os.environ.get(name) for name in _SAID)
        if is_said or importlib.util.find_spec("boto3") is None:
            return {}
        return _from_profile()


def _from_profile() -> dict[str, Any]:
    """Let boto3, where it is installed, find the credentials: profile, single sign-on, role."""
    import boto3  # noqa: PLC0415 - costs 200 ms, and is optional
    from botocore.exceptions import BotoCoreError  # noqa: PLC0415 - the same

    try:
        session = boto3.Session()
        if session.get_credentials() is None:
            return {}
    except BotoCoreError as error:
        raise ConfigurationError(
            f"The credentials of S3 cannot be used: {error}.", remedy="Check AWS_PROFILE."
        ) from None
    from obstore.auth.boto3 import Boto3CredentialProvider  # noqa: PLC0415 - needs boto3

    return {"credential_provider": Boto3CredentialProvider(session)}
