"""What an effect is, and what answering one costs."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum, unique
from typing import ClassVar, Generic, TypeVar

from limen.audit import AuditEvent

A = TypeVar("A")
A_co = TypeVar("A_co", covariant=True)
R = TypeVar("R")


@unique
class Access(StrEnum):
    """What answering costs; "no store read" is only true because these differ."""

    COMPUTE = "compute"
    MEMORY = "memory"
    READ = "read"
    WRITE = "write"
    SEND = "send"


class Effect(Generic[A_co]):
    """A question whose answer has type `A_co`."""

    __slots__ = ()
    access: ClassVar[Access]


class Reading(Effect[A_co]):
    """An effect that reads the store and changes nothing."""

    __slots__ = ()
    access = Access.READ


@dataclass(frozen=True, slots=True)
class Writing(Effect[A_co]):
    """An effect that changes the store, wholly or not at all.

    `events` is what the audit log says of it if it does what it is asked. A store keeps them
    in the same transaction, so that none is lost; `limen.effects.told` says which.
    """

    access = Access.WRITE
    events: tuple[AuditEvent, ...] = field(default=(), kw_only=True, compare=False, repr=False)
