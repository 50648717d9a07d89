#!/usr/bin/env python3
"""Checks the documentation: links between files and to headings lead somewhere, docs/README.md lists every page, paths in the README
exist, docs/configuration.md is what the option tables render, and the table of requests in docs/protocol.md what ApiVersions lists (if the
programs that render both are given). `--write` writes these two instead of comparing them.

Usage: docs.py [--write] [RENDER_CONFIGURATION RENDER_REQUESTS]"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
LINK = re.compile(r"(?<!!)\[[^\]\n]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
REQUESTS = re.compile(r"^(\| key \| request \| versions \|\n\|---\|---\|---\|\n)(?:\|.*\n)+", re.MULTILINE)
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


def output(program):
    return subprocess.run([program], check=True, capture_output=True, text=True).stdout


def rendered(root, render_configuration, render_requests):
    """The pages that are made in part or as a whole, as they should be."""
    configuration, protocol = root / "docs" / "configuration.md", root / "docs" / "protocol.md"
    yield configuration, output(render_configuration)
    text = protocol.read_text(encoding="utf-8")
    if not REQUESTS.search(text):
        raise SystemExit("docs/protocol.md: no table of requests")
    yield protocol, REQUESTS.sub(lambda found: found.group(1) + output(render_requests), text, count=1)


def check_rendered(root, renderers):
    for page, text in rendered(root, *renderers):
        if text != page.read_text(encoding="utf-8"):
            yield f"{page.relative_to(root)}: not what the program has: `make docs`"


def main():
    arguments = sys.argv[1:]
    if arguments[:1] == ["--write"]:
        for page, text in rendered(ROOT, *arguments[1:]):
            page.write_text(text, encoding="utf-8")
        return 0
    violations = [violation for page in pages(ROOT) for violation in check_links(ROOT, page)]
    violations += check_index(ROOT)
    if arguments:
        violations += check_rendered(ROOT, arguments)
    for violation in violations:
        print(violation)
    print(f"docs: {len(pages(ROOT))} pages, {len(violations)} violations")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
