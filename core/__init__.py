"""A handful of things that every room needs. It imports none of them."""
