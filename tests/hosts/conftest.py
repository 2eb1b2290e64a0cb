from tests.examples import many

# They start many processes and databases, so they run in CI alone.
collect_ignore = [] if many() else ["test_hosts.py", "test_restore.py"]
