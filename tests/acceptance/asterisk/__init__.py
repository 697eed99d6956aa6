"""A private Asterisk, SIPp actors and recorders for the acceptance tests."""
