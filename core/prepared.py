"""Statements that each session of the database plans once. To plan a long one takes longer than to run it on few rows.

A plan is made for any values, and with the indexes, also while the tables are almost empty: it stays when they grow. It
expects few rows, and compares each of them with each. So for many rows PostgreSQL makes another plan, knowing how many.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from django.db.backends.utils import CursorWrapper

# psycopg2 reads the rows of the last of several statements.
_RUN = "SET LOCAL plan_cache_mode TO {mode}; EXECUTE {name} ({values})"
_GENERIC, _CUSTOM = "force_generic_plan", "force_custom_plan"
_IS_PREPARED = "SELECT EXISTS (SELECT FROM pg_prepared_statements WHERE name = %s)"
# To explain a statement makes its plan, which the session keeps. NULL stands for each value.
_PLAN = """
SET LOCAL plan_cache_mode TO force_generic_plan;
SET LOCAL enable_seqscan TO off;
EXPLAIN EXECUTE {name} ({nothing});
SET LOCAL enable_seqscan TO DEFAULT
"""


class Prepared:
    """A statement with the types of its parameters, which stand in it as ``%(name)s``; a percent sign is ``%%``.

    It runs in a transaction. Its name changes with its text, because a pool of sessions may keep one longer than a
    version of this program. The plan is used where no array of the parameters has more than ``few`` items; None stands
    for any number.
    """

    def __init__(self, name: str, sql: str, types: Mapping[str, str], *, few: int | None = 100) -> None:
        self._few = few
        self._name = f"{name}_{hashlib.sha256(sql.encode()).hexdigest()[:16]}"
        numbered = sql % {parameter: f"${number}" for number, parameter in enumerate(types, 1)}
        self._prepare = f"PREPARE {self._name} ({', '.join(types.values())}) AS {numbered}"
        nothing = ", ".join("NULL" for _ in types)
        self._plan = _PLAN.format(name=self._name, nothing=nothing)
        values = ", ".join(f"%({parameter})s::{type_}" for parameter, type_ in types.items())
        self._run = {mode: _RUN.format(mode=mode, name=self._name, values=values) for mode in (_GENERIC, _CUSTOM)}

    def execute(self, cursor: CursorWrapper, parameters: Mapping[str, Any]) -> None:
        """Run it; ``parameters`` has a value for each name, and may have others. The rows are the cursor's."""
        cursor.execute(_IS_PREPARED, [self._name])
        (is_prepared,) = cursor.fetchone()
        if not is_prepared:
            cursor.execute(self._prepare)
            cursor.execute(self._plan)
        cursor.execute(self._run[self._mode(parameters)], parameters)

    def _mode(self, parameters: Mapping[str, Any]) -> str:
        if self._few is None:
            return _GENERIC
        most = max((len(value) for value in parameters.values() if isinstance(value, list)), default=0)
        return _GENERIC if most <= self._few else _CUSTOM
