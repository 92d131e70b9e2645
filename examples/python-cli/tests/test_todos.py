import json
import tempfile
import unittest
from pathlib import Path

from click.testing import CliRunner

from todos.cli import main


class TodosTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = Path(directory.name)
        self.write("app.py", "x = 1\n# TODO(ada): make it 2\n")
        self.write("lib/util.sh", "# FIXME quoting\n")

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def todos(self, *arguments):
        return CliRunner().invoke(main, [str(self.root), *arguments])

    def test_lines_name_the_place_tag_owner_and_text(self):
        lines = self.todos().output.splitlines()
        self.assertEqual(lines, ["app.py:2: TODO (ada): make it 2", "lib/util.sh:1: FIXME: quoting"])

    def test_tags_narrow_the_list(self):
        self.assertEqual(self.todos("--tag", "FIXME").output, "lib/util.sh:1: FIXME: quoting\n")

    def test_json_holds_the_same_notes(self):
        notes = json.loads(self.todos("--json").output)
        self.assertEqual([note["tag"] for note in notes], ["TODO", "FIXME"])

    def test_fail_turns_notes_into_exit_1(self):
        self.assertEqual(self.todos("--fail").exit_code, 1)
        self.assertEqual(self.todos("--fail", "--tag", "XXX").exit_code, 0)

    def test_installed_packages_and_binary_files_are_passed_over(self):
        self.write("node_modules/x/index.js", "// TODO not ours\n")
        (self.root / "picture.bin").write_bytes(b"\xff\xfeTODO")
        self.assertEqual(len(self.todos().output.splitlines()), 2)

    def test_the_word_in_a_sentence_or_a_string_is_no_note(self):
        self.write("README.md", "Lists every TODO of a tree\n")
        self.write("lib/names.py", 'TAGS = ["TODO", "FIXME"]\n')
        self.assertEqual(len(self.todos().output.splitlines()), 2)


if __name__ == "__main__":
    unittest.main()
