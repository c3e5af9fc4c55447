"""Programs that measure inside a process of their own and print one line of JSON."""
