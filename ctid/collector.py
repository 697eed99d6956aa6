"""Python's collector of garbage, for whoever holds much that is not cyclic."""

import gc


def calm_the_collector() -> None:
    """Collect garbage rarely: nothing here is cyclic, and open calls, or rows, are many.

    With Python's own thresholds a twelfth of all time goes into looking at them again and again.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)
