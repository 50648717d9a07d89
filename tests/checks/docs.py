#!/usr/bin/env python3
"""Checks the documentation: links between files and to headings lead somewhere, docs/README.md lists every page, paths in the README
exist, and docs/configuration.md is what the option tables render (if the program that renders is given)."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
LINK = re.compile(r"(?<!!)\[[^\]\n]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+\s+(.*)$", re.MULTILINE)


def anchor(heading):
    """As web hosts make them: lower case, punctuation dropped, spaces to hyphens."""
    text = re.sub(r"[`*]", "", heading.strip().lower())
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def pages(root):
    return [root / "README.md", *sorted((root / "docs").rglob("*.md"))]


def prose(path):
    return FENCE.sub("", path.read_text(encoding="utf-8"))


def check_links(root, page):
    for target in LINK.findall(prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, fragment = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        where = page.relative_to(root)
        if not file.exists():
            yield f"{where}: {target} does not exist"
        elif fragment and file.suffix == ".md" and fragment not in map(anchor, HEADING.findall(prose(file))):
            yield f"{where}: {target}: no such heading"


def check_index(root):
    index = root / "docs" / "README.md"
    if not index.exists():
        yield "docs/README.md: missing"
        return
    listed = {(index.parent / target.partition("#")[0]).resolve() for target in LINK.findall(prose(index))}
    for page in sorted((root / "docs").glob("*.md")):
        if page != index and page.resolve() not in listed:
            yield f"docs/README.md: does not list {page.name}"


def check_configuration(root, renderer):
    rendered = subprocess.run([renderer], check=True, capture_output=True, text=True).stdout
    if rendered != (root / "docs" / "configuration.md").read_text(encoding="utf-8"):
        yield "docs/configuration.md: not what the option tables say: `make docs`"


def main():
    violations = [violation for page in pages(ROOT) for violation in check_links(ROOT, page)]
    violations += check_index(ROOT)
    if len(sys.argv) > 1:
        violations += check_configuration(ROOT, sys.argv[1])
    for violation in violations:
        print(violation)
    print(f"docs: {len(pages(ROOT))} pages, {len(violations)} violations")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
