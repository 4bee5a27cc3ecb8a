"""Write ``docs/reference/pack.md`` and the editors' schema again: ``python -m tests.generate_pack_reference``."""

from pathlib import Path

from tuodi.batch.packs import SHELF
from tuodi.core.policy.describe_reference import reference_page, schema_text

ROOT = Path(__file__).parent.parent
FILES = {ROOT / "docs" / "reference" / "pack.md": reference_page, SHELF / "policy.schema.json": schema_text}

if __name__ == "__main__":
    for path, text in FILES.items():
        path.write_text(text(), "utf-8")
