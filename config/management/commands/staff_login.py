"""`manage.py staff_login NAME`: a way into the staff pages."""

import secrets
from argparse import ArgumentParser

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """Makes a member of staff with all rights, or gives the one of this name a new password; prints it once."""

    help = "Make a member of staff with all rights, or a new password for the one of this name; it is printed once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The name to log in with."""
        parser.add_argument("name")

    def handle(self, *, name: str, **options: object) -> None:
        """The name and its new password are on standard output; the password is kept nowhere else."""
        password = secrets.token_urlsafe(12)
        member, _ = get_user_model().objects.get_or_create(username=name)
        member.is_staff = member.is_superuser = member.is_active = True
        member.set_password(password)
        member.save()
        self.stdout.write(f"{name} {password}")
