"""Runs a real PostgreSQL and a real Valkey for the demo, the tests and the measurements.

engines    finds the server programs
home       decides where the servers keep their state, and under which account they run
processes  starts children that end with the command that started them
servers    starts and ends both servers, also after a kill -9
running    holds the lock, and gives out DATABASE_URL and REDIS_URL
run, test, bench   are bin/run, bin/test and bin/bench
"""
