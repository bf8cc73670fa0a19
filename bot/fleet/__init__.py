"""Where questions are answered, seen from outside: a port, and the ways to reach an evaluator service."""
