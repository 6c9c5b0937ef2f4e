"""The difficulty classes of one-cell crops (thesis section 3.3)."""

__all__ = ["DIFFICULTIES"]

DIFFICULTIES = {
    1: "easy",
    2: "several separate cells",
    3: "half cells",
    4: "difficult",
    5: "adjacent platelets",
    6: "smudge cell",
    7: "platelets imaged",
    8: "adjacent cells",
}
"""What each class is called; the highest that applies is the one."""
