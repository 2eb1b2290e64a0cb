"""A large file needs no more memory than a small one."""

import tracemalloc
from importlib import import_module

import pytest

from imports.sources import open_source

bench = import_module("bench.import")


def peak(path) -> int:
    """Bytes that reading all messages of a file takes at most."""
    tracemalloc.start()
    try:
        source = open_source(path, bench.MAP, {})
        source.survey()
        for found, rows in source.messages():
            assert sum(len(part) for part in source.parts(found, rows))
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.thorough
@pytest.mark.slow
@pytest.mark.django_db
def test_memory_does_not_grow_with_the_rows(tmp_path, monkeypatch):
    monkeypatch.setattr("imports.sources.base.ROWS_A_COPY", 300)
    monkeypatch.setattr("imports.table._CHUNK", 2**12)
    sizes = [1000, 7000]
    files = [tmp_path / f"{size}.csv" for size in sizes]
    for file, size in zip(files, sizes, strict=True):
        bench.write_file(file, size, first=0)
    peak(files[1])  # fills the caches
    small, large = map(peak, files)
    assert large < 1.5 * small
