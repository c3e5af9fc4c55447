"""What keeps what the server must remember: in memory, in a database, or nowhere."""
