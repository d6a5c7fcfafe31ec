from __future__ import annotations

from pathlib import Path

import pytest

from voyant.artifacts.schemas.descriptions import field_descriptions
from voyant.core.config import Settings, get_settings, load_settings, redact_url
from voyant.core.errors import ConfigurationError


def write(name: str, text: str) -> Path:
    path = Path(name)
    path.write_text(text, encoding="utf-8")
    return path


def test_the_specifications_flags_are_on_by_default() -> None:
    settings = get_settings()
    assert settings.enable_quality is True
    assert settings.enable_drift is True
    assert settings.enable_charts is True
    assert settings.enable_narrative is True


@pytest.mark.parametrize("field", sorted(Settings.model_fields))
def test_every_field_is_documented(field: str) -> None:
    assert field_descriptions(Settings).get(field, "").endswith(".")


def test_each_source_wins_over_the_next(monkeypatch) -> None:
    def seen(settings: Settings) -> tuple[int, str]:
        return settings.query_max_rows, settings.source_of("query_max_rows")

    assert seen(get_settings()) == (1_000, "default")
    write("voyant.toml", "query_max_rows = 1\n")
    assert seen(get_settings()) == (1, "voyant.toml")
    write(".env", "VOYANT_QUERY_MAX_ROWS=2\n")
    assert seen(get_settings()) == (2, ".env")
    monkeypatch.setenv("VOYANT_QUERY_MAX_ROWS", "3")
    assert seen(get_settings()) == (3, "VOYANT_QUERY_MAX_ROWS")
    assert seen(load_settings(query_max_rows=4)) == (4, "argument")


def test_a_named_file_wins_over_the_variable_and_that_over_the_folders(monkeypatch) -> None:
    write("voyant.toml", 'tenant_id = "folder"\n')
    write("other.toml", 'tenant_id = "variable"\n')
    write("named.toml", 'tenant_id = "named"\n')
    assert get_settings().tenant_id == "folder"
    monkeypatch.setenv("VOYANT_CONFIG", "other.toml")
    assert get_settings().tenant_id == "variable"
    settings = load_settings("named.toml")
    assert (settings.tenant_id, settings.source_of("tenant_id")) == ("named", "named.toml")
    assert get_settings().tenant_id == "variable"


def test_tables_come_from_one_source() -> None:
    write("voyant.toml", '[tables]\norders = "a.csv"\n')
    assert load_settings().tables == {"orders": "a.csv"}
    assert load_settings(tables={"lines": "b.csv"}).tables == {"lines": "b.csv"}


def test_flags_of_all_sources_are_merged(monkeypatch) -> None:
    write("voyant.toml", "[flags]\na = false\nb = false\n")
    monkeypatch.setenv("VOYANT_FLAGS", '{"b": true}')
    settings = load_settings(flags={"c": True})
    assert settings.flags == {"a": False, "b": True, "c": True}
    assert settings.look_up_flag("a") == (False, "voyant.toml")
    assert settings.look_up_flag("b") == (True, "VOYANT_FLAGS")
    assert settings.look_up_flag("c") == (True, "argument")
    assert settings.look_up_flag("d") is None


def test_kpis_are_a_list_of_tables_in_the_file() -> None:
    write("voyant.toml", '[[kpis]]\nname = "revenue"\nsql = "SELECT 1"\ntarget = 3.5\n')
    assert get_settings().kpis == [{"name": "revenue", "sql": "SELECT 1", "target": 3.5}]


def test_sizes_may_have_units() -> None:
    assert load_settings(memory_limit="2GB").memory_limit == 2 * 1000**3
    assert load_settings(memory_limit="2GiB").memory_limit == 2 * 1024**3


@pytest.mark.parametrize("source", ["argument", "variable", ".env", "file"])
def test_drift_follows_quality_from_every_source(source: str, monkeypatch) -> None:
    values = {"enable_quality": False} if source == "argument" else {}
    if source == "variable":
        monkeypatch.setenv("VOYANT_ENABLE_QUALITY", "0")
    elif source == ".env":
        write(".env", "VOYANT_ENABLE_QUALITY=0\n")
    elif source == "file":
        write("voyant.toml", "enable_quality = false\n")
    settings = load_settings(**values)
    assert settings.enable_drift is False
    assert settings.source_of("enable_drift") == "follows enable_quality"
    assert load_settings(enable_drift=True, **values).enable_drift is True


def test_empty_variables_say_nothing(monkeypatch) -> None:
    monkeypatch.setenv("VOYANT_ENABLE_CHARTS", "")
    write(".env", "VOYANT_THREADS=\n")
    settings = get_settings()
    assert settings.enable_charts is True
    assert settings.source_of("enable_charts") == "default"
    assert settings.threads is None


def test_other_programs_variables_are_none_of_our_business(monkeypatch) -> None:
    monkeypatch.setenv("VOYANT_SOMETHING_ELSE", "x")
    write(".env", "VOYANT_ANOTHER=y\nDATABASE_URL=z\n")
    assert get_settings().tenant_id == "default"


def test_settings_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        get_settings().tenant_id = "x"  # type: ignore[misc]  # what is tested


def wrong(message: str):
    return pytest.raises(ConfigurationError, match=message)


def test_an_unknown_key_in_the_file_is_an_error_with_a_suggestion() -> None:
    write("voyant.toml", "enable_chart = false\n")
    with wrong(r"'enable_chart' in voyant\.toml\. Did you mean 'enable_charts'"):
        get_settings()


def test_an_unknown_argument_is_an_error_with_a_suggestion() -> None:
    with wrong("'thread' in the arguments.*'threads'"):
        load_settings(thread=2)


def test_a_named_file_must_exist(monkeypatch) -> None:
    with wrong("no configuration file 'gone.toml'"):
        load_settings("gone.toml")
    monkeypatch.setenv("VOYANT_CONFIG", "gone2.toml")
    with wrong("no configuration file 'gone2.toml'"):
        get_settings()


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with wrong("cannot be read"):
        load_settings(tmp_path)


@pytest.mark.parametrize("content", [b"enable_charts = maybe", b"\xff\xfe", b"a = 1\na = 2"])
def test_a_file_that_is_not_toml(content: bytes) -> None:
    Path("voyant.toml").write_bytes(content)
    with wrong("voyant.toml is not valid TOML"):
        get_settings()


def test_a_byte_order_mark_is_no_obstacle() -> None:
    Path("voyant.toml").write_bytes(b'\xef\xbb\xbftenant_id = "acme"\n')
    assert get_settings().tenant_id == "acme"


def test_a_dotenv_that_is_not_text() -> None:
    Path(".env").write_bytes(b"VOYANT_TENANT_ID=\xff\n")
    with wrong(r"\.env is not UTF-8"):
        get_settings()


def test_a_wrong_value_names_setting_value_and_source(monkeypatch) -> None:
    monkeypatch.setenv("VOYANT_THREADS", "-1")
    with wrong(r"'threads' is '-1' \(from VOYANT_THREADS\)"):
        get_settings()
    monkeypatch.delenv("VOYANT_THREADS")
    write("voyant.toml", 'enable_charts = "maybe"\n')
    with wrong(r"'enable_charts' is 'maybe' \(from voyant\.toml\)"):
        get_settings()
    with wrong(r"'query_timeout_seconds' is inf \(from argument\)"):
        load_settings(enable_charts=True, query_timeout_seconds=float("inf"))


def test_a_list_in_a_variable_must_be_json(monkeypatch) -> None:
    monkeypatch.setenv("VOYANT_KPIS", "revenue")
    with wrong("kpis.*JSON"):
        get_settings()


URL = "postgresql://ann:hunter2@db/shop"
SECRETS = [
    "database_url",
    "openlineage_url",
    "s3_access_key_id",
    "s3_secret_access_key",
    "s3_session_token",
    "warehouse_url",
    "warehouses",
]


def test_the_fields_that_are_secret_are_those_that_say_so() -> None:
    said = [
        name
        for name, field in Settings.model_fields.items()
        if "SecretStr" in str(field.annotation) or name.endswith("_url")
    ]
    assert sorted(said) == SECRETS


@pytest.mark.parametrize("field", SECRETS)
@pytest.mark.parametrize("value", [{"shop": {"url": URL}}, [URL], {"shop": [URL]}], ids=str)
def test_a_secret_of_the_wrong_type_is_not_shown(field, value) -> None:
    with wrong(rf"'{field}[a-z.]*' is \*\*\* ") as caught:
        load_settings(**{field: value})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("text", [f'"{URL}"', f'{{ shop = {{ url = "{URL}" }} }}', f'["{URL}"]'])
def test_a_warehouse_written_wrongly_in_a_file_is_not_shown(text) -> None:
    write("voyant.toml", f"warehouses = {text}\n")
    with wrong(r"'warehouses[a-z.]*' is \*\*\* \(from voyant\.toml\)") as caught:
        get_settings()
    assert "hunter2" not in str(caught.value)


def test_a_url_in_a_field_that_is_no_secret_has_no_password_in_messages() -> None:
    with wrong(r"'tables' is 'postgresql://ann:\*\*\*@db/shop' "):
        load_settings(tables=URL)


@pytest.mark.parametrize("field", SECRETS)
def test_settings_print_no_password(field) -> None:
    settings = load_settings(**{field: {"shop": URL} if field == "warehouses" else URL})
    for text in (repr(settings), str(settings)):
        assert "hunter2" not in text
        assert f"{field}=" in text


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("duckdb:///voyant.duckdb", "duckdb:///voyant.duckdb"),
        ("postgresql://ann@db/shop", "postgresql://ann@db/shop"),
        ("postgresql://ann:p@ss:w/rd@db/shop", "postgresql://ann:***@db/shop"),
        ("postgresql://ann:what?@db/shop", "postgresql://ann:***@db/shop"),
        ("s3://bucket/x?key=secret", "s3://bucket/x?***"),
        ("sc://spark:15002/shop;token=secret;user_id=ann", "sc://spark:15002/shop;***"),
    ],
)
def test_urls_are_shown_without_their_secrets(url: str, shown: str) -> None:
    assert redact_url(url) == shown


def test_settings_are_read_again_when_a_source_has_changed(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    first = get_settings()
    assert get_settings() is first
    monkeypatch.setenv("VOYANT_MAX_CHARTS", "3")
    assert get_settings().max_charts == 3
    monkeypatch.delenv("VOYANT_MAX_CHARTS")
    (tmp_path / "voyant.toml").write_text("max_charts = 4\n")
    assert get_settings().max_charts == 4
    (tmp_path / ".env").write_text("VOYANT_MAX_CHARTS=15\n")
    assert get_settings().max_charts == 15
    (tmp_path / "other.toml").write_text("max_charts = 2\n")
    (tmp_path / ".env").unlink()
    monkeypatch.setenv("VOYANT_CONFIG", "other.toml")
    assert get_settings().max_charts == 2
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.delenv("VOYANT_CONFIG")
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert get_settings().max_charts == first.max_charts
    (tmp_path / "elsewhere").rmdir()
    assert get_settings() is get_settings(), "there need be no current folder"
