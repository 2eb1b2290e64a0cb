"""The facts of each provider, stated once. This package can ask; it knows nothing of messages, events or deliveries."""
