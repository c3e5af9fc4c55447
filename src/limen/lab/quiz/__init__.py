"""Questions about a run, made from its trace, and asked only if the trace has one answer."""

from limen.lab.quiz.deal import Quiz, deal

__all__ = ["Quiz", "deal"]
