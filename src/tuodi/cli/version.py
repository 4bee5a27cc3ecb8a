"""``tuodi version``: the program and the packs that come with it."""

from __future__ import annotations

import platform
from typing import Any

from tuodi import __version__
from tuodi.batch.packs import pack_of, shelf
from tuodi.cli import exits
from tuodi.cli.output import print_json, table
from tuodi.core.engine.words_case import pack_digest


def run(args: Any) -> int:
    """Print versions and digests."""
    packs = {name: pack_digest(pack_of(name)) for name in shelf()}
    if args.json:
        digests = {name: f"sha256:{digest}" for name, digest in packs.items()}
        print_json({"tuodi": __version__, "python": platform.python_version(), "packs": digests})
        return exits.DONE
    print(f"tuodi {__version__}（Python {platform.python_version()}）\n")
    print(table(("政策包", "数据摘要"), [(name, f"sha256:{digest}") for name, digest in packs.items()]))
    return exits.DONE
