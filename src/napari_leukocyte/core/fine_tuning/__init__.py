"""A model made better on the user's own images, compared before and after, and judged."""
