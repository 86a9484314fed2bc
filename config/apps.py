"""The app of wiring and HTTP policy: system checks and commands, no tables."""

from django.apps import AppConfig

from config.checks import OF_SETTINGS, register_checks
from config.row_checks import OF_ROWS


class SignalboxConfig(AppConfig):
    """Installed for its checks and commands; nothing imports it."""

    name = "config"
    verbose_name = "Signalbox"

    def ready(self) -> None:
        """The checks of config/checks.py and config/row_checks.py take part in every `manage.py check`."""
        register_checks((*OF_SETTINGS, *OF_ROWS))
