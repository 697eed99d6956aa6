"""`python -m tests.benchmarks.deliveries_system`: the ticket system; prints its port."""

from tests.benchmarks.deliveries import serve

if __name__ == "__main__":
    serve()
