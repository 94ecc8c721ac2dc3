"""Texts, pictures and recordings as a model reads them, kept compact until a batch is taken."""
