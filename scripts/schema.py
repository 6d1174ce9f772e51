"""Writes components/schema.json: what the components look like to other languages. `make schema` runs it."""

import json
from pathlib import Path

from components.provider import provider

FILE = Path("components/schema.json")
FILE.write_text(json.dumps(json.loads(provider().schema or ""), indent=2) + "\n", encoding="utf-8")
print(f"{FILE} is written. What changed in it changes for users of other languages: git diff {FILE}")
