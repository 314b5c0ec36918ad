"""Between meaning and HTTP: how a request is spelled, and what an answer says. Both ends of the wire use it."""
