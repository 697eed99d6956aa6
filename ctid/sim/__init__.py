"""A simulated PBX: recorded calls of a real Asterisk, played anew over AMI.

For `ctid demo`, tests and benchmarks. It takes part in no real call.
"""
