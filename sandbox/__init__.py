"""A stand-in for the district's providers of e-mail, voice and text, over real HTTP, for the demo and for tests.

The product does not import it and it imports nothing of the product: they meet only at `MAILGUN_API_BASE`,
`VOXOLOGY_API_BASE` and the addresses under which the product hears of calls and texts.
"""
