"""The advisor: questions, rules as data, and a result that says which rules made it."""
