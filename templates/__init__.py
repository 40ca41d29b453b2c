"""Data only: the words, per channel and purpose, their translations, and the pages."""
