from collections import Counter
from pathlib import Path

from django.conf import settings
from django.core.management import call_command

from config.settings_reference import as_env_example, as_markdown
from config.variables import SECTIONS, VARIABLES


def test_the_pages_are_current() -> None:
    call_command("env_example", check=True)


def test_every_declared_variable_is_a_django_setting_of_the_same_name() -> None:
    missing = [name for name, variable in VARIABLES.items() if not variable.ignored and not hasattr(settings, name)]
    assert missing == []


def test_no_variable_is_declared_twice() -> None:
    names = Counter(variable.name for section in SECTIONS for variable in section.variables)
    assert [name for name, count in names.items() if count > 1] == []


def test_every_variable_stands_in_both_pages_and_ignored_ones_in_no_example() -> None:
    example, page = as_env_example(), as_markdown()
    for name, variable in VARIABLES.items():
        assert f"| {name} |" in page
        assert (f"\n#{name}=" in example) is not variable.ignored


def test_no_secret_has_a_default_that_could_be_mistaken_for_one() -> None:
    assert {v.name: v.default for v in VARIABLES.values() if v.secret and v.default} == {"RUNTIME_SENDER_TOKENS": "{}"}


def test_the_settings_read_no_variable_that_is_not_declared() -> None:
    text = Path(settings.BASE_DIR, "config", "settings.py").read_text()
    assert "os.environ" not in text
