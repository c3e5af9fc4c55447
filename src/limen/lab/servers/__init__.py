"""The application under observation: one server, several processes, a store apart."""
