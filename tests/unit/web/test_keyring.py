import pytest
from pydantic import SecretStr

from dispatcher.account_settings import AccountSettings
from dispatcher.errors import SettingsError
from dispatcher.web.keyring import Keyring


def account(new: str | None = None, old: str | None = None) -> AccountSettings:
    return AccountSettings(
        token=SecretStr("sandbox-token"),
        webhook_secret=SecretStr(new) if new else None,
        old_webhook_secret=SecretStr(old) if old else None,
    )


def test_each_secret_opens_its_own_account() -> None:
    keyring = Keyring(
        {"shop": account("shop-secret-number-1"), "clinic": account("clinic-secret-number-1")}
    )

    assert keyring.account_of("shop-secret-number-1") == "shop"
    assert keyring.account_of("clinic-secret-number-1") == "clinic"


def test_two_secrets_are_valid_while_one_replaces_the_other() -> None:
    keyring = Keyring({"shop": account("shop-secret-number-2", "shop-secret-number-1")})

    assert keyring.account_of("shop-secret-number-2") == "shop"
    assert keyring.account_of("shop-secret-number-1") == "shop"


@pytest.mark.parametrize(
    "wrong", ["", "shop-secret-number-", "shop-secret-number-12", "é\udc80", "x" * 100_000]
)
def test_any_other_secret_opens_nothing(wrong: str) -> None:
    keyring = Keyring({"shop": account("shop-secret-number-1")})

    assert keyring.account_of(wrong) is None


def test_an_account_without_a_secret_receives_nothing() -> None:
    keyring = Keyring({"shop": account("shop-secret-number-1"), "clinic": account()})

    assert keyring.account_of("") is None


def test_two_accounts_may_not_share_a_secret() -> None:
    accounts = {"shop": account("shared-secret-number"), "clinic": account("shared-secret-number")}

    with pytest.raises(SettingsError, match="'shop' and 'clinic'") as refused:
        Keyring(accounts)

    assert "shared-secret-number" not in str(refused.value)


@pytest.mark.parametrize("secret", ["sixteen/or/more/x", "sixteen or more x", "sixteen-ou-plus-é"])
def test_a_secret_that_does_not_fit_a_url_is_refused_without_being_shown(secret: str) -> None:
    with pytest.raises(SettingsError, match="'shop'") as refused:
        Keyring({"shop": account(secret)})

    assert secret not in str(refused.value)


def test_a_receiver_without_any_secret_says_which_setting_is_missing() -> None:
    with pytest.raises(SettingsError, match="DISPATCHER_ACCOUNTS__DEFAULT__WEBHOOK_SECRET"):
        Keyring({"shop": account()})
