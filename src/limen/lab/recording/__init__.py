"""What a run records: what crossed the wire and what the store held, credentials replaced."""
