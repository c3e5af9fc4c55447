"""Sign-in for Python back ends."""
