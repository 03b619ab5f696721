"""What is set about an account; a part of `dispatcher.settings`."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, model_validator

# It becomes part of key names and, in braces, the cluster's hash tag.
AccountName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")]


class AccountSettings(BaseModel):
    """One set of API credentials, and the secret its webhooks carry.

    Attributes:
        username: sent as the `sfusername` header, with `password` (document, "Authentification").
        token: sent as a Bearer token instead of both (live dialect).
        dedicated: nobody but this dispatcher sends, tops up by itself or cancels on the account, so
            that its balance may prove what became of lost answers. A promise: whoever breaks it by
            just the price of a lost batch makes people get it twice, or not at all.
        webhook_secret: the part of the webhook URL only the provider knows.
        old_webhook_secret: still accepted, while the provider's setting is being changed.
        webhook_signature: what the provider signs webhooks with (live dialect); unset accepts
            unsigned ones.
        old_webhook_signature: still accepted, as with the secret.
        rate: segments a second that all workers together send on it; None for as many as they can.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    username: str | None = None
    password: SecretStr | None = None
    token: SecretStr | None = None
    dedicated: bool = False
    webhook_secret: SecretStr | None = Field(default=None, min_length=16)
    old_webhook_secret: SecretStr | None = Field(default=None, min_length=16)
    webhook_signature: SecretStr | None = Field(default=None, min_length=16)
    old_webhook_signature: SecretStr | None = Field(default=None, min_length=16)
    rate: float | None = Field(default=None, gt=0, le=1_000_000, allow_inf_nan=False)

    @model_validator(mode="after")
    def _one_way_to_sign_in(self) -> Self:
        if self.token is None and (self.username is None or self.password is None):
            raise ValueError("give username and password, or token")
        return self
