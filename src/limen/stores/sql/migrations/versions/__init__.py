"""The changes themselves, in order. One that was released is never edited."""
