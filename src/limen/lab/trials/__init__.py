"""What a page tries again on fresh servers: an edited credential, a full jar, a dump."""
