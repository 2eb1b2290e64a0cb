"""A line of each table of the matrix."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from accounts.models import User
from accounts.tools import SCOPED_RIGHTS, Right, Tool

R, W = Right.READ, Right.WRITE
OWN_GENERAL = (Right.MY_MESSAGES, Right.TYPE_GENERAL)
SHOWN, HIDDEN = "shown", "hidden"


class Line:
    """What lines about a right on a tool share."""

    tool: Tool | None
    right: Right
    also: tuple[Right, ...]

    @property
    def rights(self) -> list[tuple[Tool, Right]]:
        return [(self.tool, right) for right in (self.right, *self.also)] if self.tool else []

    @property
    def rights_to_everybodys(self) -> list[tuple[Tool, Right]]:
        """Those of the line, with the right that opens everybody's messages in the tool, if there is one."""
        everybodys = [(tool, right) for tool, right in SCOPED_RIGHTS.items() if tool is self.tool]
        return [*self.rights, *(cell for cell in everybodys if cell not in self.rights)]


@dataclass(frozen=True)
class Guarded(Line):
    name: str
    tool: Tool
    right: Right
    get: int
    htmx: int
    post: int
    export: int
    of: Callable[[], dict[str, Any]] = dict
    """Makes what the address is about, and says by which arguments."""
    data: Callable[[User], None] | None = None
    others: str | int = SHOWN
    also: tuple[Right, ...] = ()
    look: str = ""
    file: str = ""
    does: str = ""
    form: Callable[[], dict[str, Any]] = dict
    everybodys: dict[str, str] = field(default_factory=dict)
    """The values with which a list of own messages shows everybody's."""

    def row(self, kind: str) -> str:
        """The row of the audit trail that an answer to this kind of request leaves; "" for none."""
        if kind == "post":
            return self.does
        return self.file or self.look if kind == "export" else self.look


@dataclass(frozen=True)
class Open:
    name: str
    signed_out: tuple[int, int, int, int]
    signed_in: tuple[int, int, int, int]
    of: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Api(Line):
    name: str
    method: str
    tool: Tool | None
    right: Right
    answer: int
    of: Callable[[], dict[str, Any]] = dict
    query: str = ""
    body: object = None
    data: Callable[[User], None] | None = None
    others: str | int = SHOWN
    only: bool = True
    """Whether this right alone opens it; otherwise other rights do as well."""
    also: tuple[Right, ...] = ()
    row: str = ""
