"""`ctid demo`: the daemon as it is, in front of a simulated PBX, for people to look at."""
