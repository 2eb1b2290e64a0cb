"""The environment, where a value may also stand in the file that NAME_FILE names."""

from environ import FileAwareEnv
from environ.fileaware_mapping import FileAwareMapping


class _Trimmed(FileAwareMapping):
    """Without the newline with which an editor ends a file; no value of ours ends with one."""

    def __getitem__(self, key: str) -> str:
        value: str = super().__getitem__(key)
        return value.strip()


class Env(FileAwareEnv):
    ENVIRON = _Trimmed()
