"""`manage.py staff_login NAME`: a way into the staff pages."""

import secrets
from argparse import ArgumentParser

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand
from django.db import transaction

from runs.audit import note
from runs.management.operator import operator
from runs.models.project import DEFAULT_PROJECT_ID

GIVEN = "staff.login_given"


class Command(BaseCommand):
    """Makes a member of staff with all rights, or gives the one of this name a new password; prints it once."""

    help = "Make a member of staff with all rights, or a new password for the one of this name; it is printed once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The name to log in with."""
        parser.add_argument("name")

    def handle(self, *, name: str, **options: object) -> None:
        """The name and its new password are on standard output; the password is kept nowhere else."""
        password = secrets.token_urlsafe(12)
        with transaction.atomic():
            member, _ = get_user_model().objects.get_or_create(username=name)
            member.is_staff = member.is_superuser = member.is_active = True
            member.set_password(password)
            member.save()
            note(
                project_id=DEFAULT_PROJECT_ID,
                actor=operator(),
                action=GIVEN,
                resource="user",
                resource_id=str(member.pk),
                details={"name": name},
            )
        self.stdout.write(f"{name} {password}")
