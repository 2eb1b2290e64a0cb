"""What we know of each provider, said once. It knows how to ask, and nothing of messages, events or deliveries."""
