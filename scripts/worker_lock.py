"""Prints the entries of requirements.lock, hashes and all, for the libraries that the embedding worker pins."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def entries(lock: str) -> dict[str, list[str]]:
    """Library → its lines in the lock, the first without the marker, which is about the machine that installs."""
    found: dict[str, list[str]] = {}
    name = ""
    for line in lock.splitlines():
        if line and not line[0].isspace() and not line.startswith("#"):
            name = line.partition("==")[0]
            found[name] = [line.partition(" ")[0] + " \\"]
        elif line.strip().startswith("--hash="):
            found[name].append(line)
    return found


def main() -> None:
    """Fails when the lock has another version than the worker pins."""
    locked = entries((ROOT / "requirements.lock").read_text(encoding="utf-8"))
    for line in (ROOT / "lambda" / "embedder" / "requirements.txt").read_text(encoding="utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        lines = locked.get(line.partition("==")[0], [])
        if not lines or lines[0].split()[0] != line.strip():
            sys.exit(f"requirements.lock does not have {line.strip()}: make the two agree (make lock)")
        print("\n".join(lines))


if __name__ == "__main__":
    main()
