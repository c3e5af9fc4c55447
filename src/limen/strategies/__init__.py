"""How the server remembers a sign-in: `session`, `jwt`, `hybrid`; one flow file each."""

from limen.strategies.base import Strategy as Strategy
from limen.strategies.hybrid import HybridStrategy as HybridStrategy
from limen.strategies.jwt import JwtStrategy as JwtStrategy
from limen.strategies.session import SessionStrategy as SessionStrategy
