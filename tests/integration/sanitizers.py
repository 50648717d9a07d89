"""What a sanitizer says about any process of a test fails the test, also when that process was killed or its exit status not looked at.

Each report ends its process with a status that no program of ours uses, and goes into a file of a folder that is looked at in the end.
Programs built without sanitizers do not look at any of this.
"""
import contextlib
import os
import shutil
import tempfile

EXIT_STATUS = 86
VARIABLES = ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS")


class Reports:
    def __init__(self, folder):
        self.folder = folder

    def texts(self):
        for name in sorted(os.listdir(self.folder)):
            with open(os.path.join(self.folder, name), encoding="utf-8", errors="replace") as f:
                yield f.read()


@contextlib.contextmanager
def reports():
    """Everything started inside reports into one folder; what the environment asks for already stays asked for."""
    folder = tempfile.mkdtemp(prefix="tidelog-sanitizers-")
    before = {name: os.environ.get(name) for name in VARIABLES}
    for name, asked in before.items():
        ours = f"exitcode={EXIT_STATUS}:log_path={folder}/report"
        os.environ[name] = f"{asked}:{ours}" if asked else ours
    try:
        yield Reports(folder)
    finally:
        for name, asked in before.items():
            if asked is None:
                del os.environ[name]
            else:
                os.environ[name] = asked
        shutil.rmtree(folder, ignore_errors=True)
