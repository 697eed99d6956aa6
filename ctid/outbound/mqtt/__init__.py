"""MQTT 5 to a broker: topics, one connection that is kept, and what the other side tells."""
