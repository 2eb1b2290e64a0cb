"""A stand-in for the district's e-mail provider, over real HTTP, for the demo and for tests.

The product does not import it and it imports nothing of the product: the two meet only at `MAILGUN_API_BASE`.
"""
