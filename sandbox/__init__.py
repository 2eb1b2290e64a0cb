"""A stand-in for the district's providers of e-mail, voice and text, over real HTTP, for the demo and for tests.

The product and the stand-in do not import each other. They meet only at `MAILGUN_API_BASE`, `VOXOLOGY_API_BASE` and the
product's webhook addresses for calls and texts.
"""
