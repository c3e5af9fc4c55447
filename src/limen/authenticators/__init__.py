"""How somebody proves who they are, once."""

from limen.authenticators.base import Authenticator as Authenticator
from limen.authenticators.password import PasswordAttempt as PasswordAttempt
from limen.authenticators.password import PasswordAuthenticator as PasswordAuthenticator
