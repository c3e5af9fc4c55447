"""What another system has: its users, and the sessions of a server that still runs beside."""
