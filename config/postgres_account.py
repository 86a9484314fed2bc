"""Under which account PostgreSQL runs. It refuses to run as root, so root lends it the account `nobody`."""

import os
import pwd
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Account:
    """A user and a group to run programs as; None means: as we are."""

    uid: int | None = None
    gid: int | None = None

    @classmethod
    def for_postgres(cls) -> "Account":
        """Our own account, or `nobody` when we are root. No user is created."""
        if os.geteuid() != 0:
            return cls()
        nobody = pwd.getpwnam("nobody")
        return cls(nobody.pw_uid, nobody.pw_gid)

    @property
    def is_lent(self) -> bool:
        """True when programs run under an account other than our own."""
        return self.uid is not None

    def give(self, path: Path) -> None:
        """The account owns the path, which this process has just made."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)

    @property
    def groups(self) -> list[int] | None:
        """Supplementary groups for subprocess: none for a lent account, unchanged otherwise."""
        return [] if self.is_lent else None

    def run(self, command: Sequence[str | Path], *, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """The finished command, run as the account in the folder / (it may not be able to enter ours)."""
        arguments = [str(part) for part in command]
        try:
            return subprocess.run(  # noqa: S603
                arguments,
                cwd="/",
                input=stdin,
                capture_output=True,
                text=True,
                check=False,
                user=self.uid,
                group=self.gid,
                extra_groups=self.groups,
            )
        except OSError as fault:
            return subprocess.CompletedProcess(arguments, 126, "", str(fault))

    def can_write(self, folder: Path) -> bool:
        """True when the account can reach the folder and write there; asked of the system, not guessed from modes."""
        return self.run(["test", "-w", folder, "-a", "-x", folder]).returncode == 0
