from __future__ import annotations

import subprocess
import sys

import jinja2
import pytest
from markupsafe import Markup

from tests.report.markup import check_self_contained
from voyant.report import page as page_module
from voyant.report.page import render_page


@pytest.fixture
def template(monkeypatch):
    """Render a template of the test's own, inside the real frame and with the real pieces."""

    def render(source: str, **context: object) -> str:
        loader = jinja2.ChoiceLoader(
            [jinja2.DictLoader({"test.html.j2": source}), page_module._environment().loader]
        )
        environment = page_module._environment().overlay(loader=loader)
        monkeypatch.setattr(page_module, "_environment", lambda: environment)
        return render_page("test.html.j2", context, title="</title><script>alert(1)</script>")

    return render


def in_main(body: str) -> str:
    frame = '{% extends "base.html.j2" %}{% import "parts.html.j2" as ui %}'
    return f"{frame}{{% block main %}}{body}{{% endblock %}}"


def test_a_page_is_whole_and_keeps_its_policy(template):
    page = check_self_contained(template(in_main("<p>{{ said }}</p>"), said="<b>'\"&"))
    assert page.texts["p"] == ["<b>'\"&"]
    assert page.texts["title"] == ["</title><script>alert(1)</script>"]


def test_a_name_the_context_does_not_have_is_an_error(template):
    with pytest.raises(jinja2.UndefinedError, match="forgotten"):
        template(in_main("{{ forgotten }}"))


def test_no_style_sheet_or_script_could_end_itself_early():
    for text in (page_module._style("page"), page_module._style("profile"), page_module._script()):
        assert "</" not in text
        assert "<!--" not in text


@pytest.mark.parametrize(
    ("status", "word"),
    [
        ("ok", "ok"),
        ("info", "note"),
        ("warn", "warning"),
        ("critical", "critical"),
        ("not_assessed", "not assessed"),
    ],
)
def test_a_badge_says_its_status_in_words(template, status, word):
    page = check_self_contained(template(in_main("{{ ui.badge(status) }}"), status=status))
    assert word in page.texts["span"]


def test_a_table_scrolls_by_keyboard_and_names_its_columns(template):
    body = '{% call ui.table("Costs", [("What", false), ("How much", true)]) %}<tr>{% endcall %}'
    page = check_self_contained(template(in_main(body.replace("<tr>", "<tr><td>1</td></tr>"))))
    region = {"class": "scroll", "role": "region", "aria-label": "Costs", "tabindex": "0"}
    assert ("div", region) in page.elements
    assert ("th", {"scope": "col", "class": "n"}) in page.elements


def test_the_header_holds_a_verdict(template):
    body = '{% call ui.header("Drift", "lead") %}{{ ui.badge("ok", "steady") }}{% endcall %}'
    page = check_self_contained(template(in_main(body)))
    assert page.texts["h1"] == ["Drift"]
    assert "steady" in page.texts["span"]


def test_markup_is_printed_and_text_is_escaped(template):
    page = check_self_contained(
        template(in_main("<p>{{ a }}{{ b }}</p>"), a=Markup("<i>x</i>"), b="<i>y</i>")
    )
    assert page.texts["i"] == ["x"]
    assert page.texts["p"] == ["<i>y</i>"]


def test_templates_load_only_when_a_page_is_rendered():
    code = (
        "import sys, voyant.report, voyant.report.format;"
        "sys.exit(bool({'jinja2', 'pydantic'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.fixture
def compiled(monkeypatch, tmp_path):
    """Give a folder for compiled templates, and a way to render with what lies there."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(page_module._CompiledBeside, "_folder", tmp_path / "__pycache__")

    def render(source):
        environment = jinja2.Environment(
            loader=jinja2.DictLoader({"a.j2": source}),
            autoescape=True,
            bytecode_cache=page_module._CompiledBeside(),
        )
        return environment.get_template("a.j2").render(name="<b>")

    return tmp_path / "__pycache__", render


def compiles(monkeypatch):
    """Count how often a template is compiled from now on."""
    counted = []
    compile_it = jinja2.Environment.compile

    def compile_and_count(self, *args, **options):
        counted.append(args)
        return compile_it(self, *args, **options)

    monkeypatch.setattr(jinja2.Environment, "compile", compile_and_count)
    return counted


def test_a_template_is_compiled_once_and_again_when_it_changes(compiled, monkeypatch):
    folder, render = compiled
    counted = compiles(monkeypatch)
    assert render("one {{ name }}") == render("one {{ name }}") == "one &lt;b&gt;"
    assert len(counted) == 1
    assert render("two {{ name }}") == "two &lt;b&gt;"
    assert len(counted) == 2
    assert [path.suffix for path in folder.iterdir()] == [f".{sys.implementation.cache_tag}"]


def test_spoilt_compiled_templates_are_made_again(compiled):
    folder, render = compiled
    render("one {{ name }}")
    (path,) = folder.iterdir()
    for spoilt in (b"", b"nonsense", path.read_bytes()[:-7]):
        path.write_bytes(spoilt)
        assert render("one {{ name }}") == "one &lt;b&gt;"


def test_where_nothing_may_be_written_pages_are_rendered_all_the_same(compiled, monkeypatch):
    folder, render = compiled
    folder.write_text("a file where the folder should be")
    assert render("one {{ name }}") == "one &lt;b&gt;"
    folder.unlink()
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert render("one {{ name }}") == "one &lt;b&gt;"
    assert not folder.exists()
