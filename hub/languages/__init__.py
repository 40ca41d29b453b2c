"""The hub's own words in every language: catalogues of sentences, the glossary of hazards, and how far each language has got."""
