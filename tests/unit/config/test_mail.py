"""The mail server is one URL."""

import pytest

from config import env
from config.mail import MailServer, mail_server
from config.variables import VARIABLES


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("", MailServer("localhost", 25, "", "", "smtp")),
        ("smtp://mail.example", MailServer("mail.example", 25, "", "", "smtp")),
        ("smtp+tls://me:p%40ss%2F@mail.example", MailServer("mail.example", 587, "me", "p@ss/", "smtp+tls")),
        ("smtps://me@mail.example:4465", MailServer("mail.example", 4465, "me", "", "smtps")),
    ],
)
def test_a_url_names_the_server(url: str, server: MailServer) -> None:
    assert mail_server(url) == server


def test_the_url_is_a_secret() -> None:
    assert VARIABLES["EMAIL_URL"].secret


@pytest.mark.parametrize("text", ["duty", "@example.test", "a@b, c", "Duty <duty@example.test>"])
def test_what_is_no_address_stops_the_start(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALERT_EMAILS", text)
    with pytest.raises(env.InvalidVariable, match=r"ALERT_EMAILS: a mail address has the form name@host"):
        env.env_list("ALERT_EMAILS", env.mail_address)
