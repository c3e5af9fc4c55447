"""The cases of `limen.testing.StrategySuite`, one subject a module."""
