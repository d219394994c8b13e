#!/usr/bin/env python3
"""What the pages refer to is there: files, headings, Bazel targets; no heading stands alone, and
docs/README.md leads to every page beside it.

usage: links_test.py DOCS_README
"""

import os
import re
import sys
import unittest

ROOT = None  # Of the repository.
NAME = r"\b(?:[A-Z][a-z]+[A-Z]\w*|[a-z]+_[a-z_]*[a-z]\b|k[A-Z]\w+)"  # AaBb, aa_bb, kAa.
FOLDERS = "docs|examples|raft|raftpb|rafttest|storage|third_party|tools"


def read(path):
    with open(path) as file:
        return file.read()


def pages():
    """{path from the root: text} of all pages, without those that Bazel links to."""
    found = {}
    for folder, below, names in os.walk(ROOT):
        below[:] = [name for name in below if not name.startswith((".", "bazel-"))]
        for name in names:
            if name.endswith(".md"):
                path = os.path.join(folder, name)
                found[os.path.relpath(path, ROOT)] = read(path)
    return found


def words_of_code():
    found = set()
    for folder, below, names in os.walk(ROOT):
        below[:] = [name for name in below if not name.startswith((".", "bazel-"))]
        for name in names:
            found.add(name.split(".")[0])
            if not name.endswith((".md", ".svg", ".png")):
                with open(os.path.join(folder, name), errors="replace") as file:
                    found.update(re.findall(r"\w+", file.read()))
    return found


def prose(text):
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


def headings(text):
    """[(depth, text, has something below it)], where a deeper heading is something."""
    parts = re.split(r"^(#+) (.*)$", prose(text), flags=re.MULTILINE)
    depths, titles = [len(part) for part in parts[1::3]], parts[2::3]
    # Code below a heading counts, so look at the whole text.
    bodies = re.split(r"^#+ .*$", re.sub(r"^```.*?^```", "code", text,
                                         flags=re.MULTILINE | re.DOTALL), flags=re.MULTILINE)[1:]
    deeper = [after > depth for depth, after in zip(depths, depths[1:] + [0])]
    return [(depth, title, bool(body.strip()) or more)
            for depth, title, body, more in zip(depths, titles, bodies, deeper)]


def anchor(title):
    """As GitHub makes it."""
    kept = re.sub(r"[^\w\- ]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title).lower())
    return kept.replace(" ", "-")


class Links(unittest.TestCase):
    def setUp(self):
        self.pages = pages()
        self.assertIn("README.md", self.pages)
        self.assertGreater(len(self.pages), 10)

    def links(self, page):
        """[(path from the root, anchor)] of the links within the repository."""
        for link in re.findall(r"\]\(([^)\s]+)\)", prose(self.pages[page])):
            if "://" not in link:
                path, _, part = link.partition("#")
                path = os.path.join(os.path.dirname(page), path) if path else page
                yield os.path.normpath(path), part

    def test_links_lead_to_files_and_headings(self):
        for page in self.pages:
            for path, part in self.links(page):
                with self.subTest(page=page, link=path, part=part):
                    self.assertTrue(os.path.exists(os.path.join(ROOT, path)))
                    if part:
                        titles = [title for _, title, _ in headings(self.pages[path])]
                        self.assertIn(part, map(anchor, titles))

    def test_files_that_are_named_exist(self):
        for page, text in self.pages.items():
            for path in re.findall(rf"`((?:{FOLDERS})/[\w./-]+)`", prose(text)):
                with self.subTest(page=page, path=path):
                    self.assertTrue(os.path.exists(os.path.join(ROOT, path)))

    def test_targets_that_are_named_exist(self):
        for page, text in self.pages.items():
            for package, name in re.findall(rf"(?<!@raft)//((?:{FOLDERS})[\w/]*):(\w+)", text):
                with self.subTest(page=page, package=package, name=name):
                    build = read(os.path.join(ROOT, package, "BUILD.bazel"))
                    self.assertTrue(name == "all" or f'"{name}"' in build)

    def test_names_in_the_code_that_are_named_exist(self):
        known = words_of_code()
        for page, text in self.pages.items():
            for quoted in re.findall(r"`([^`\n]+)`", prose(text)):
                for name in re.findall(NAME, quoted):
                    self.assertTrue(name in known, f"{page}: there is no {name} ({quoted})")

    def test_no_heading_stands_alone(self):
        for page, text in self.pages.items():
            for _, title, filled in headings(text):
                self.assertTrue(filled, f"{page}: nothing below {title!r}")

    def test_the_first_page_leads_to_every_page_beside_it(self):
        beside = {page for page in self.pages if os.path.dirname(page) == "docs"}
        self.assertLessEqual(beside - {"docs/README.md"},
                             {path for path, _ in self.links("docs/README.md")})


if __name__ == "__main__":
    # The file itself, not Bazel's link to it: all that the pages name lies around it.
    ROOT = os.path.dirname(os.path.dirname(os.path.realpath(sys.argv[1])))
    unittest.main(argv=sys.argv[:1], verbosity=1)
