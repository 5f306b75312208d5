"""Accounting: every step says how many went in, how many came out, and why the rest did not."""

from collections import Counter
from dataclasses import dataclass, field

from wasabi import msg

from clinical_distilled.errors import InputError


@dataclass
class Account:
    """Counts of one step: ``taken = kept + sum(dropped)``.

    Attributes
    ----------
    what : str
        What is counted, in the plural: "mentions", "notes".
    taken, kept : int
        How many went in and how many came out.
    dropped : Counter
        How many did not, by reason.
    """

    what: str
    taken: int = 0
    kept: int = 0
    dropped: Counter[str] = field(default_factory=Counter)

    @property
    def share_dropped(self) -> float:
        """The share of what went in that was dropped, 0 to 1."""
        return sum(self.dropped.values()) / self.taken if self.taken else 0.0

    def __iadd__(self, other: "Account") -> "Account":
        """Add the counts of another account of the same thing."""
        self.taken += other.taken
        self.kept += other.kept
        self.dropped.update(other.dropped)
        return self

    def check(self, max_share_dropped: float = 1.0) -> None:
        """Raise unless the counts add up and the losses stay within a share.

        Raises
        ------
        AssertionError
            If the counts do not add up: a defect of the step.
        InputError
            If more than `max_share_dropped` was lost.
        """
        if self.taken != self.kept + sum(self.dropped.values()):
            raise AssertionError(f"{self.what}: {self.taken} in, {self.kept} out, {dict(self.dropped)} dropped")
        if self.share_dropped > max_share_dropped:
            raise InputError(
                f"{self.share_dropped:.1%} of the {self.what} were lost ({self}), "
                f"at most {max_share_dropped:.1%} may be. Look at the reasons, or raise the limit."
            )

    def __str__(self) -> str:
        """One line: in = out + dropped (reason)."""
        reasons = "".join(f" + {count} {reason}" for reason, count in sorted(self.dropped.items()))
        return f"{self.taken} {self.what} = {self.kept} kept{reasons}"

    def print(self, title: str) -> None:
        """Print the line under a title."""
        msg.info(f"{title}: {self}")

    def to_json(self) -> dict[str, object]:
        """Return the counts as plain JSON values."""
        return {"taken": self.taken, "kept": self.kept, "dropped": dict(sorted(self.dropped.items()))}
