"""Settings: defaults that run at once, and every fault in one report."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from worker.errors import SettingsError
from worker.settings import (
    PREFIX,
    SETTINGS,
    ProviderName,
    Settings,
    read_settings,
    settings_from_environment,
)


def read(**values: str) -> Settings:
    return read_settings({PREFIX + name: text for name, text in values.items()})


def faults(**values: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        read(**values)
    return caught.value.faults


def test_an_empty_environment_is_enough() -> None:
    settings = read_settings({})
    assert settings.data_dir == Path("lettercourse-data")
    assert settings.database_url == "sqlite:///lettercourse-data/lettercourse.db"
    assert settings.broker_url == "memory://"
    assert settings.provider is ProviderName.MAILDIR
    assert settings.public_url == "http://127.0.0.1:8000"
    assert settings.sendgrid_url == "https://api.sendgrid.com"
    assert settings.secret_keys == ()
    assert (settings.send_rate, settings.send_window) == (0.0, 20)
    assert settings.smtp_url == settings.reply_domain == settings.inbound_listen == ""
    assert (settings.inbound_secret, settings.api_token, settings.authserv_id) == ((), "", "")
    assert (settings.sendgrid_batch, settings.sendgrid_sandbox) == (1, False)


def test_the_database_lies_in_the_data_folder_unless_named() -> None:
    assert read(DATA_DIR="/var/lib/x").database_url == "sqlite:////var/lib/x/lettercourse.db"
    named = read(DATA_DIR="/var/lib/x", DATABASE_URL="postgresql+psycopg://u:p@db/course")
    assert named.database_url == "postgresql+psycopg://u:p@db/course"


def test_an_empty_variable_counts_as_unset_and_space_around_is_dropped() -> None:
    settings = read(SMTP_URL="", SECRET_KEYS="  ", PROVIDER=" Maildir ", SEND_WINDOW=" 5\n")
    assert settings.provider is ProviderName.MAILDIR
    assert settings.secret_keys == ()
    assert settings.send_window == 5


def test_keys_are_separated_by_commas_or_space_oldest_first() -> None:
    old, new = "a" * 16, "b" * 16
    for text in (f"{old},{new}", f"{old} {new}", f" {old} ,\n {new}, "):
        assert read(SECRET_KEYS=text).secret_keys == (old, new)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("PUBLIC_URL", "https://letters.example.org/", "https://letters.example.org"),
        ("PUBLIC_URL", "https://example.org/course/", "https://example.org/course"),
        ("PUBLIC_URL", "http://localhost:8000", "http://localhost:8000"),
        ("PUBLIC_URL", "http://127.1.2.3", "http://127.1.2.3"),
        ("PUBLIC_URL", "http://[::1]:8000/", "http://[::1]:8000"),
        ("SENDGRID_URL", "http://127.0.0.1:9/", "http://127.0.0.1:9"),
        ("BROKER_URL", "redis://:word@redis:6379/0", "redis://:word@redis:6379/0"),
        ("BROKER_URL", "rediss://redis", "rediss://redis"),
        ("SMTP_URL", "smtp://me:p%40ss@mail.example.org:587", None),
        ("SMTP_URL", "smtps://mail.example.org?starttls=never", None),
        ("SMTP_URL", "smtp://[::1]:25", None),
        ("DATABASE_URL", "sqlite:////tmp/x.db", None),
        ("DATABASE_URL", "postgresql://u:p@db:5432/x?sslmode=require", None),
        ("REPLY_DOMAIN", "Reply.Example.ORG", "reply.example.org"),
        ("SEND_RATE", "0.5", 0.5),
        ("SEND_RATE", "12", 12.0),
        ("SEND_WINDOW", "1000", 1000),
        ("SMTP_CONNECTIONS", "100", 100),
        ("DKIM_SELECTOR", "Letters.2026", "letters.2026"),
        ("DKIM_DOMAIN", "Example.org", "example.org"),
    ],
)
def test_what_can_be_used_is_taken(name: str, text: str, value: object) -> None:
    taken = getattr(read(**{name: text}), name.lower())
    assert taken == (text if value is None else value)


@pytest.mark.parametrize(
    ("name", "text", "word"),
    [
        ("PUBLIC_URL", "http://letters.example.org", "https"),
        ("PUBLIC_URL", "letters.example.org", "https://"),
        ("PUBLIC_URL", "ftp://letters.example.org", "https://"),
        ("PUBLIC_URL", "https://", "https://"),
        ("PUBLIC_URL", "https://example.org:99999", "https://"),
        ("PUBLIC_URL", "https://example.org?x=1", "leave out"),
        ("PUBLIC_URL", "https://me:secret@example.org", "leave out"),
        ("PUBLIC_URL", "https://exa mple.org", "https://"),
        ("PUBLIC_URL", "https://example.org/>\r\nBcc: x", "https://"),
        ("PUBLIC_URL", "https://münchen.example", "https://"),
        ("PUBLIC_URL", "https://[::1", "https://"),
        ("PROVIDER", "pigeon", "smtp or sendgrid"),
        ("BROKER_URL", "amqp://localhost", "redis://"),
        ("BROKER_URL", "redis://", "redis://"),
        ("BROKER_URL", "memory", "memory://"),
        ("DATABASE_URL", "sqlite://", "sqlite:///"),
        ("DATABASE_URL", "sqlite:///:memory:", "sqlite:///"),
        ("DATABASE_URL", "postgres://u:p@db/x", "sqlite:///"),
        ("DATABASE_URL", "postgresql://u:p@db", "sqlite:///"),
        ("DATABASE_URL", "mysql://u:p@db/x", "sqlite:///"),
        ("SMTP_URL", "mail.example.org:25", "smtp://"),
        ("SMTP_URL", "smtp://", "smtp://"),
        ("SMTP_URL", "smtp://me:p#ss@host:25", "smtp://"),
        ("SECRET_KEYS", "short", "openssl"),
        ("SECRET_KEYS", "a" * 16 + "," + "a" * 16, "once"),
        ("SEND_RATE", "-1", "0 for no limit"),
        ("SEND_RATE", "nan", "0 for no limit"),
        ("SEND_RATE", "inf", "0 for no limit"),
        ("SEND_RATE", "fast", "0 for no limit"),
        ("SEND_RATE", "1e-300", "0 for no limit"),
        ("SMTP_CONNECTIONS", "0", "1 to 100"),
        ("SMTP_CONNECTIONS", "101", "1 to 100"),
        ("DKIM_SELECTOR", "a_b", "letters2026"),
        ("DKIM_DOMAIN", "no domain", "example.org"),
        ("SEND_WINDOW", "0", "1 to 1000"),
        ("SEND_WINDOW", "1001", "1 to 1000"),
        ("SEND_WINDOW", "2.5", "1 to 1000"),
        ("SEND_WINDOW", "²", "1 to 1000"),
        ("REPLY_DOMAIN", "reply@example.org", "reply.example.org"),
        ("REPLY_DOMAIN", "localhost", "reply.example.org"),
        ("DATA_DIR", "what?", "choose another"),
        ("PUBLIC_URI", "https://example.org", "LETTERCOURSE_PUBLIC_URL"),
        ("COLOUR", "green", "remove it"),
    ],
)
def test_what_cannot_be_used_is_one_line_with_its_remedy(name: str, text: str, word: str) -> None:
    (fault,) = faults(**{name: text})
    assert fault.startswith(f"{PREFIX}{name}: ")
    assert fault.endswith(")")
    assert word in fault
    assert len(fault.splitlines()) == 1


@pytest.mark.parametrize(
    ("provider", "needed"), [("smtp", "SMTP_URL"), ("sendgrid", "SENDGRID_API_KEY")]
)
def test_a_provider_without_what_it_needs_is_a_fault(provider: str, needed: str) -> None:
    (fault,) = faults(PROVIDER=provider)
    assert fault.startswith(PREFIX + needed)
    read(PROVIDER=provider, SMTP_URL="smtp://localhost", SENDGRID_API_KEY="SG.x")


def test_a_dkim_key_without_a_name_in_the_dns_is_a_fault() -> None:
    (fault,) = faults(DKIM_KEY="-----BEGIN PRIVATE KEY-----")
    assert fault.startswith(f"{PREFIX}DKIM_SELECTOR")
    assert "BEGIN" not in fault


def test_all_faults_are_reported_at_once() -> None:
    found = faults(
        PROVIDER="smtp", SEND_RATE="x", SEND_WINDOW="x", PUBLIC_URL="x", SECRET_KEY="x" * 32
    )
    names = [fault.partition(":")[0].removeprefix(PREFIX) for fault in found]
    assert sorted(names) == ["PUBLIC_URL", "SECRET_KEY", "SEND_RATE", "SEND_WINDOW", "SMTP_URL"]


def test_no_secret_is_shown_in_a_value_or_a_fault() -> None:
    secret = "hunter2hunter2hunter2"
    settings = read(
        DATABASE_URL=f"postgresql://u:{secret}@db/x",
        BROKER_URL=f"redis://:{secret}@redis",
        SMTP_URL=f"smtp://u:{secret}@host",
        SENDGRID_API_KEY=secret,
        DKIM_KEY=secret,
        DKIM_SELECTOR="letters",
        INBOUND_SECRET=secret,
        SECRET_KEYS=secret,
    )
    assert secret not in repr(settings)
    spoiled = faults(
        DATABASE_URL=f"mysql://u:{secret}@db/x",
        BROKER_URL=f"amqp://:{secret}@redis",
        SMTP_URL=f"http://u:{secret}@host",
        PUBLIC_URL=f"https://u:{secret}@host",
        SENDGRID_URL=f"https://u:{secret}@host:x",
        SECRET_KEYS=f"{secret},{secret}",
    )
    assert len(spoiled) == 6
    assert secret not in "".join(spoiled)


@hypothesis_settings(deadline=None)
@given(st.dictionaries(st.sampled_from([setting.name for setting in SETTINGS]), st.text()))
def test_any_text_is_settings_or_faults(environment: dict[str, str]) -> None:
    report = None
    try:
        read_settings(environment)
    except SettingsError as error:
        report = error
    if report is not None:
        assert 0 < len(report.faults) == len(str(report).splitlines())


def test_the_table_holds_every_setting_and_its_defaults_are_valid() -> None:
    assert [setting.field for setting in SETTINGS] == [each.name for each in fields(Settings)]
    assert all(setting.meaning.endswith(".") for setting in SETTINGS)
    assert {setting.name.removeprefix(PREFIX) for setting in SETTINGS} == {
        *("DATA_DIR", "DATABASE_URL", "BROKER_URL", "PROVIDER", "SMTP_URL", "SENDGRID_API_KEY"),
        *("SENDGRID_URL", "SENDGRID_EVENT_KEY", "INBOUND_SECRET", "PUBLIC_URL", "REPLY_DOMAIN"),
        *("SECRET_KEYS", "SEND_RATE", "SEND_WINDOW", "SENDGRID_BATCH", "SENDGRID_SANDBOX"),
        *("INBOUND_LISTEN", "AUTHSERV_ID", "API_TOKEN", "SIGN_OF_LIFE"),
        *("SMTP_CONNECTIONS", "DKIM_KEY", "DKIM_SELECTOR", "DKIM_DOMAIN"),
        *("JOURNAL_DIR",),
        *("LOG_FORMAT", "LOG_LEVEL"),
    }


def test_the_process_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for setting in SETTINGS:
        monkeypatch.delenv(setting.name, raising=False)
    monkeypatch.setenv("LETTERCOURSE_SEND_WINDOW", "7")
    assert settings_from_environment().send_window == 7


def test_every_secret_is_known_to_whoever_must_not_show_it(tmp_path: Path) -> None:
    read = read_settings(
        {
            "LETTERCOURSE_DATA_DIR": str(tmp_path),
            "LETTERCOURSE_DATABASE_URL": "postgresql://ada:for-the-database@db/letters",
            "LETTERCOURSE_BROKER_URL": "redis://:for-the-broker@redis:6379/0",
            "LETTERCOURSE_PROVIDER": "smtp",
            "LETTERCOURSE_SMTP_URL": "smtp://ada:for-the-mail@mail:587",
            "LETTERCOURSE_SENDGRID_API_KEY": "SG.for-the-api",
            "LETTERCOURSE_INBOUND_SECRET": "for-inbound-1 for-inbound-2",
            "LETTERCOURSE_API_TOKEN": "for-programs-of-others",
            "LETTERCOURSE_SECRET_KEYS": "for-signing-links-1 for-signing-links-2",
        }
    )
    assert set(read.secrets) == {
        "for-the-database",
        "for-the-broker",
        "for-the-mail",
        "SG.for-the-api",
        "for-inbound-1",
        "for-inbound-2",
        "for-programs-of-others",
        "for-signing-links-1",
        "for-signing-links-2",
    }


@pytest.mark.parametrize(("name", "text"), [("LOG_FORMAT", "yaml"), ("LOG_LEVEL", "loud")])
def test_how_to_log_is_one_of_a_few_words(name: str, text: str) -> None:
    with pytest.raises(SettingsError, match=f'LETTERCOURSE_{name}: "{text}" is no log'):
        read_settings({f"LETTERCOURSE_{name}": text})


def test_a_file_holds_what_a_variable_would_for_every_setting(tmp_path: Path) -> None:
    texts = {
        "data_dir": "/var/lib/x",
        "database_url": "postgresql://u:secret@db/course",
        "broker_url": "redis://:secret@host/0",
        "provider": "smtp",
        "smtp_url": "smtp://u:secret@host",
        "sendgrid_batch": "7",
        "sendgrid_sandbox": "yes",
        "inbound_listen": "lmtp://127.0.0.1:8024",
        "public_url": "https://letters.example.org",
        "sendgrid_url": "https://api.example.org",
        "reply_domain": "reply.example.org",
        "send_rate": "7",
        "send_window": "7",
        "smtp_connections": "3",
        "dkim_domain": "example.org",
        "log_format": "json",
        "log_level": "debug",
    }
    given, in_files = {}, {}
    for setting in SETTINGS:
        given[setting.name] = texts.get(setting.field, "something-with-over-16-characters")
        file = tmp_path / setting.field
        file.write_text(f"\n{given[setting.name]} \n")
        in_files[f"{setting.name}_FILE"] = str(file)
    assert read_settings(in_files) == read_settings(given) != read_settings({})


def test_a_file_that_cannot_be_used_is_one_line_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text(" \n")
    (tmp_path / "image").write_bytes(b"\xff\xfe")
    (tmp_path / "window").write_text("many")
    (tmp_path / "key").write_text("a key of a provider")
    assert faults(
        API_TOKEN_FILE=str(tmp_path / "none"),
        SMTP_URL_FILE=str(tmp_path),
        SECRET_KEYS_FILE=str(tmp_path / "empty"),
        INBOUND_SECRET_FILE=str(tmp_path / "image"),
        SEND_WINDOW_FILE=str(tmp_path / "window"),
        SENDGRID_API_KEY="another key",
        SENDGRID_API_KEY_FILE=str(tmp_path / "key"),
        SENDGRID_URI_FILE="x",
    ) == [
        f"LETTERCOURSE_{line}"
        for line in (
            "SENDGRID_URI_FILE: there is no such setting"
            " (did you mean LETTERCOURSE_SENDGRID_URL_FILE?)",
            f'SMTP_URL_FILE: the file "{tmp_path}" cannot be read: Is a directory'
            " (check its path and that this user may read it)",
            "SENDGRID_API_KEY_FILE: LETTERCOURSE_SENDGRID_API_KEY is set too"
            " (unset one of the two)",
            f'INBOUND_SECRET_FILE: the file "{tmp_path}/image" cannot be read: it is no text'
            " (check its path and that this user may read it)",
            f'API_TOKEN_FILE: the file "{tmp_path}/none" cannot be read: No such file or directory'
            " (check its path and that this user may read it)",
            f'SECRET_KEYS_FILE: the file "{tmp_path}/empty" is empty'
            " (write the value to it, or unset the variable)",
            'SEND_WINDOW_FILE: "many" is no number of letters (use a whole number from 1 to 1000)',
        )
    ]
