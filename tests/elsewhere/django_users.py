"""Makes the users of a real Django project: `python django_users.py ENGINE NAME PORT USER`."""

from __future__ import annotations

import sys

import django
from django.conf import settings
from django.contrib.auth import hashers
from django.core.management import call_command

PASSWORD = "correct horse ba\u0301ttery"  # not in the form that Limen normalises to


# Django's own hashers, at a cost that a test can pay.
class Sha256(hashers.PBKDF2PasswordHasher):
    iterations = 1_000


class Sha1(hashers.PBKDF2SHA1PasswordHasher):
    iterations = 1_000


class Argon2(hashers.Argon2PasswordHasher):
    memory_cost = 1_024


class BCryptSha256(hashers.BCryptSHA256PasswordHasher):
    rounds = 4


class BCrypt(hashers.BCryptPasswordHasher):
    rounds = 4


class Scrypt(hashers.ScryptPasswordHasher):
    work_factor = 2**10


HASHERS = ("Sha256", "Sha1", "Argon2", "BCryptSha256", "BCrypt", "Scrypt")


def main(engine: str, name: str, port: str, user: str) -> None:
    database = {"ENGINE": engine, "NAME": name, "HOST": "127.0.0.1", "PORT": port, "USER": user}
    settings.configure(
        DATABASES={"default": database if port else {"ENGINE": engine, "NAME": name}},
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth"],
        PASSWORD_HASHERS=[
            *(f"django_users.{one}" for one in HASHERS),
            "django.contrib.auth.hashers.MD5PasswordHasher",
        ],
        USE_TZ=True,
    )
    django.setup()
    call_command("migrate", verbosity=0)

    from django.contrib.auth.hashers import make_password
    from django.contrib.auth.models import User

    def add(username: str, **fields: object) -> None:
        person = User(username=username, email=f"{username}@Example.org".lower(), **fields)
        person.save()

    for algorithm in (
        "pbkdf2_sha256",
        "pbkdf2_sha1",
        "argon2",
        "bcrypt_sha256",
        "bcrypt",
        "scrypt",
    ):
        add(algorithm, password=make_password(PASSWORD, hasher=algorithm))
    hashed = make_password(PASSWORD, hasher="argon2")
    add("Boss", password=hashed, is_superuser=True, first_name="Bo", last_name="Ss")
    User(username="bob@example.org", email="ada@example.org", password=hashed).save()
    add("gone", password=hashed, is_active=False)
    add("social", password=make_password(None))
    add("old", password=make_password(PASSWORD, hasher="md5"))
    User(username="nomail", email="", password=hashed).save()


if __name__ == "__main__":
    main(*sys.argv[1:])
