"""Makes the person who sets everything else up: without one, nobody could let anybody in."""

from __future__ import annotations

import sys
from getpass import getpass
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from releaseflow.people.account import ACCOUNT
from releaseflow.people.invitations import newcomer
from workflow.machine import begin
from workflow.steps import Refused


class Command(BaseCommand):
    help = (
        "Create the first administrator of an installation. Asks for the password twice, or reads it as one line from "
        "standard input where that is no terminal. Exit code 0, 1 when somebody is administrator already, or 2 for bad "
        "input."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", help="the address to sign in with")
        parser.add_argument("first_name")
        parser.add_argument("last_name", nargs="?", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        email = options["email"].strip().lower()
        names = {name: options[name].strip() for name in ("first_name", "last_name")}
        person = newcomer(email=email, **names)
        password = _asked() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
        try:
            person.set_password(password)
            person.full_clean()
            validate_password(password, person)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages), returncode=2) from None
        try:
            begin(ACCOUNT, "first_administrator", person, by=None)
        except Refused as refused:
            raise CommandError(str(refused)) from None
        self.stdout.write(f"{person.name} is administrator and signs in as {email}.")


def _asked() -> str:
    first = getpass("Password: ")
    if getpass("The same again: ") != first:
        raise CommandError("The two passwords differ.", returncode=2)
    return first
