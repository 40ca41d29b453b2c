"""People's places, choices and consent, the areas of the city, and the audience with its matching."""
