"""What axe finds on our pages that is not ours: the framework's own faults, by name, each with its reason.

A fault that a later version of the framework no longer has must leave this list: the tests fail then.
"""

from dataclasses import dataclass

__all__ = ["FAULTS", "Fault"]


@dataclass(frozen=True)
class Fault:
    """One fault: axe's `rule`, the elements that have it, where, and why it cannot be cured from here.

    `places` are the pages that show it, by their names in `recorded_pages`; all of them without any.
    """

    rule: str
    css: str
    reason: str
    places: tuple[str, ...] = ()


FAULTS = (
    Fault(
        "list",
        'ul[data-testid="stSidebarNavItems"]',
        "st.navigation with sections (1.67) puts a div for each section between the list and its entries.",
    ),
    Fault(
        "listitem",
        'ul[data-testid="stSidebarNavItems"] li',
        "The same div: an entry's parent is no list.",
    ),
)
