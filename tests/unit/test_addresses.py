import socket
import ssl
from pathlib import Path

import pytest
from pydantic import ValidationError

from dispatcher.addresses import Address, Kind, why_unreachable
from dispatcher.broker_options import broker_options
from dispatcher.errors import SettingsError
from dispatcher.settings import Settings

SECRET = "s3cret:/@?#[%]+é"
ENCODED = "s3cret%3A%2F%40%3F%23%5B%25%5D%2B%C3%A9"
SENTINELS = f"redis+sentinel://dispatcher:{ENCODED}@s1:26379,s2,s3:26380/campaigns/2"


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    file = tmp_path / "ca.pem"
    file.write_text("an authority")
    return file


def test_one_server_with_what_is_usual_left_out() -> None:
    found = Address.read("redis://store")

    assert found.kind is Kind.REDIS
    assert found.hosts == (("store", 6379),)
    assert (found.username, found.password, found.database, found.tls) == (None, None, 0, None)


def test_sentinels_are_listed_and_the_primary_is_named() -> None:
    found = Address.read(SENTINELS)

    assert found.kind is Kind.SENTINEL
    assert found.hosts == (("s1", 26379), ("s2", 26379), ("s3", 26380))
    assert (found.service, found.database) == ("campaigns", 2)
    assert (found.username, found.password) == ("dispatcher", SECRET)


def test_sentinels_may_ask_for_a_password_of_their_own() -> None:
    found = Address.read(
        "redis+sentinel://s1/campaigns?sentinel_username=app&sentinel_password=p%26"
    )

    assert found.sentinel_sign_in == {"username": "app", "password": "p&"}
    assert found.password is None


def test_rabbitmq_has_a_vhost() -> None:
    found = Address.read(f"amqp://broker:{ENCODED}@rabbit/%2Fsms")

    assert found.kind is Kind.AMQP
    assert not found.is_redis
    assert (found.hosts, found.path, found.password) == ((("rabbit", 5672),), "/sms", SECRET)


def test_a_password_given_apart_needs_no_encoding() -> None:
    found = Address.read("rediss://dispatcher@store:6380/1", password=SECRET)

    assert (found.username, found.password) == ("dispatcher", SECRET)
    assert found.urls("redis") == [f"redis://dispatcher:{ENCODED}@store:6380/1"]


def test_an_ipv6_address_keeps_its_port() -> None:
    found = Address.read("redis://[2001:db8::7]:6380/0")

    assert found.hosts == (("2001:db8::7", 6380),)
    assert found.urls("redis") == ["redis://[2001:db8::7]:6380/0"]


def test_tls_is_verified_unless_it_is_said_otherwise(authority: Path) -> None:
    usual = Address.read(f"rediss://store?ssl_ca_certs={authority}").tls
    trusting = Address.read("rediss://store?ssl_cert_reqs=none").tls

    assert usual is not None
    assert trusting is not None
    assert usual.of_redis == {
        "ssl_ca_certs": str(authority),
        "ssl_cert_reqs": ssl.CERT_REQUIRED,
        "ssl_check_hostname": True,
    }
    assert usual.of_amqp == {"ca_certs": str(authority), "cert_reqs": ssl.CERT_REQUIRED}
    assert trusting.of_redis == {"ssl_cert_reqs": ssl.CERT_NONE, "ssl_check_hostname": False}


@pytest.mark.parametrize(
    ("url", "says"),
    [
        (f"http://{SECRET}", "begin it with one of redis, rediss"),
        ("", "begin it with one of"),
        ("store:6379", "begin it with one of"),
        ("redis://", "a host is missing"),
        (f"redis://u:{SECRET}@store:6379/0", "percent-encode"),
        ("redis://u:p@store:port/0", "percent-encode"),
        ("redis://store:70000/0", "percent-encode"),
        ("redis://store/zero", "the database is a number"),
        ("redis://store/-1", "the database is a number"),
        ("redis://s1,s2/0", r"for Sentinels begin it with redis\+sentinel"),
        ("redis+sentinel://s1,s2", "name the primary"),
        ("redis+sentinel://s1,,s2/campaigns", "a host is missing"),
        ("redis://store?timeout=3", "words of no meaning here: timeout"),
        ("redis://store?ssl_cert_reqs=none", "no TLS: begin it with rediss"),
        ("rediss://store?ssl_cert_reqs=optional", "ssl_cert_reqs is required"),
        ("rediss://store?ssl_ca_certs=/nowhere/ca.pem", "there is no file /nowhere/ca.pem"),
        ("rediss://store?ssl_ca_certs", "percent-encode"),
        ("redis://store?sentinel_password=p", "names none"),
        ("redis://user:s3cret/word@store:6379/0", "percent-encode"),
    ],
)
def test_what_cannot_be_read_is_refused_without_showing_it(url: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says) as refusal:
        Address.read(url)

    assert "s3cret" not in str(refusal.value)


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("redis://dispatcher:secret@store", "store:6379/0"),
        ("redis://[::1]:6380/2", "[::1]:6380/2"),
        (SENTINELS, "s1:26379,s2:26379,s3:26380/campaigns/2"),
        ("amqp://dispatcher:secret@rabbit/sms", "rabbit:5672/sms"),
        ("amqp://rabbit", "rabbit:5672"),
    ],
)
def test_a_place_is_told_without_who_signs_in(url: str, place: str) -> None:
    assert Address.read(url).place == place


def test_a_host_that_nobody_knows_is_told_from_one_that_does_not_answer() -> None:
    error = ConnectionError("Error -2 connecting to nowhere:6379")
    error.__context__ = socket.gaierror(-2, "Name or service not known")

    assert why_unreachable("Redis", error) == "Redis did not answer (no such host)"


def test_no_password_is_shown() -> None:
    shown = repr(Address.read(f"{SENTINELS}?sentinel_password={ENCODED}"))

    assert "s3cret" not in shown
    assert "campaigns" in shown


@pytest.mark.parametrize("name", ["redis_url", "broker_url", "result_url"])
def test_a_setting_that_cannot_be_read_is_named_and_its_value_not(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(f"DISPATCHER_{name.upper()}", f"redis://u:{SECRET}@store")

    with pytest.raises(SettingsError, match=f"{name.upper()}: it cannot be read") as refusal:
        Settings.from_env()

    assert "s3cret" not in str(refusal.value)


@pytest.mark.parametrize("name", ["redis_url", "broker_url", "result_url"])
def test_an_unverified_certificate_is_for_demos(name: str) -> None:
    url = "rediss://store?ssl_cert_reqs=none"

    with pytest.raises(ValidationError, match="anybody in between"):
        Settings.model_validate({name: url})
    assert Settings.model_validate({name: url, "demo": True}).demo


def test_campaigns_are_kept_in_redis_only() -> None:
    with pytest.raises(ValidationError, match="nowhere else"):
        Settings.model_validate({"redis_url": "amqp://rabbit"})


def test_a_broker_that_keeps_no_results_needs_a_redis_for_them() -> None:
    with pytest.raises(ValidationError, match="result_url: results are kept in Redis"):
        Settings.model_validate({"broker_url": "amqp://rabbit"})

    settings = Settings.model_validate(
        {"broker_url": "amqp://rabbit", "result_url": "redis://results/3"}
    )
    assert settings.result_address.hosts == (("results", 6379),)


def test_settings_show_no_password() -> None:
    settings = Settings.model_validate(
        {
            "redis_url": SENTINELS,
            "broker_url": f"redis://:{ENCODED}@broker",
            "result_password": SECRET,
            "broker_password": SECRET,
        }
    )

    assert settings.broker_address.password == SECRET
    assert "s3cret" not in f"{settings!r} {settings}"


def test_celery_is_told_of_sentinels_beside_the_address() -> None:
    settings = Settings.model_validate(
        {"broker_url": f"{SENTINELS}?sentinel_password=p", "visibility_timeout": 99}
    )

    options = broker_options(settings)

    urls = [f"sentinel://dispatcher:{ENCODED}@{host}/2" for host in ("s1:26379", "s2:26379")]
    assert options["broker_url"].startswith(";".join(urls))
    assert options["result_backend"] == options["broker_url"]
    transport = options["broker_transport_options"]
    assert transport["master_name"] == "campaigns"
    assert transport["sentinel_kwargs"]["password"] == "p"
    assert transport["visibility_timeout"] == 99
    assert options["result_backend_transport_options"]["master_name"] == "campaigns"


def test_celery_is_told_nothing_of_redis_about_rabbitmq(authority: Path) -> None:
    settings = Settings.model_validate(
        {
            "broker_url": f"amqps://broker@rabbit:5679/sms?ssl_ca_certs={authority}",
            "broker_password": SECRET,
            "result_url": f"rediss://results?ssl_ca_certs={authority}",
        }
    )

    options = broker_options(settings)

    assert options["broker_url"] == f"amqp://broker:{ENCODED}@rabbit:5679/sms"
    assert options["broker_transport_options"] == {"confirm_publish": True}
    assert options["broker_use_ssl"]["server_hostname"] == "rabbit"
    assert options["redis_backend_use_ssl"]["ssl_ca_certs"] == str(authority)
