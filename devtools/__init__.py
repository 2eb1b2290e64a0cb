"""A real PostgreSQL and a real Valkey beside the product, for demo, tests and measurements.

engines    which server binaries there are
home       where their state lives, and under whose account they run
processes  children that end with the command that started them
servers    starts both, recovers from a kill -9, hands out DATABASE_URL and REDIS_URL
run, test, bench   what bin/run, bin/test and bin/bench do
"""
