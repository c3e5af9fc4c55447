"""The better-auth wire protocol, spoken to unmodified clients; see docs/better-auth.md."""
