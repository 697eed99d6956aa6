"""The lab: Asterisk configuration, the table of scenarios and the truth that SIP tells."""
