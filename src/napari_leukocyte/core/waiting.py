"""How torch's threads wait for each other."""

import os

__all__ = ["wait_asleep"]


def wait_asleep() -> None:
    """Let threads that wait for each other sleep instead of spin; only before torch loads, and unless the user says.

    Spinning threads are a little quicker on an idle computer, and several times slower beside another busy program,
    whose time they burn while the one that they wait for does not run.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
