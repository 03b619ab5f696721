"""What is set about where Redis and the broker are; a part of `dispatcher.settings`."""

from functools import cached_property
from typing import Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings

from dispatcher.addresses import Address
from dispatcher.errors import SettingsError


class ConnectionSettings(BaseSettings):
    """The part of `Settings` that says where to connect to; explained there."""

    redis_url: SecretStr = SecretStr("redis://127.0.0.1:6379/0")
    redis_password: SecretStr | None = None
    redis_replicas: int = Field(default=0, ge=0)
    broker_url: SecretStr = SecretStr("redis://127.0.0.1:6379/1")
    broker_password: SecretStr | None = None
    result_url: SecretStr | None = None
    result_password: SecretStr | None = None
    demo: bool = False

    @cached_property
    def store_address(self) -> Address:
        """Where campaigns are kept."""
        return _read("redis", self.redis_url, self.redis_password)

    @cached_property
    def broker_address(self) -> Address:
        """Where hints are published."""
        return _read("broker", self.broker_url, self.broker_password)

    @cached_property
    def result_address(self) -> Address:
        """Where the results of tasks are kept that producers wait for."""
        if self.result_url is None:
            return self.broker_address
        return _read("result", self.result_url, self.result_password)

    @model_validator(mode="after")
    def _addresses_that_can_be_used(self) -> Self:
        if not self.store_address.is_redis:
            raise ValueError("redis_url: campaigns are kept in Redis or Valkey, and nowhere else")
        if not self.result_address.is_redis:
            raise ValueError(
                "result_url: results are kept in Redis: name one, for the broker is none"
            )
        for name in ("store", "broker", "result"):
            address: Address = getattr(self, f"{name}_address")
            if not address.verifies and not self.demo:
                raise ValueError(
                    f"the address of the {name} has ssl_cert_reqs=none: anybody in between could "
                    "read and send; name its authority by ssl_ca_certs, or set DISPATCHER_DEMO"
                )
        return self


def _read(name: str, url: SecretStr, password: SecretStr | None) -> Address:
    secret = None if password is None else password.get_secret_value()
    try:
        return Address.read(url.get_secret_value(), password=secret)
    except SettingsError as error:
        raise ValueError(f"{name}_url: {error}") from None
