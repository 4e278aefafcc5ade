"""How inner loops are compiled: cached on disk, without the GIL."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from numba import njit

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Compile with exact arithmetic."""
    result: Function = njit(cache=True, nogil=True)(function)
    return result


def compiled_sums(function: Function) -> Function:
    """Compile with sums in the order that the processor likes: same input, same result."""
    result: Function = njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz"})(
        function
    )
    return result
