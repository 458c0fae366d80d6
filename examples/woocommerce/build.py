#!/usr/bin/env python3
"""Builds galaxypay-woocommerce.zip, which a shop uploads. The same files give the same bytes.

Needs msgfmt (Debian: gettext) for the translations.
"""
import pathlib
import shutil
import subprocess
import sys
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
PLUGIN = HERE / "galaxypay-woocommerce"
LICENSE = HERE.parent.parent / "LICENSE"
FILE_TIME = (2026, 1, 1, 0, 0, 0)  # of every file in the archive, so that the bytes do not depend on the clock


def translation(path):
    """The compiled form of a .po file, as WordPress reads it."""
    return subprocess.run(["msgfmt", "--check-format", "--output-file=-", str(path)], check=True, stdout=subprocess.PIPE).stdout


def files():
    """All files of the plugin: name in the archive and content."""
    for path in PLUGIN.rglob("*"):
        if path.is_file() and path.suffix != ".mo":
            name = path.relative_to(HERE).as_posix()
            yield name, path.read_bytes()
            if path.suffix == ".po":
                yield name[:-3] + ".mo", translation(path)
    yield PLUGIN.name + "/LICENSE", LICENSE.read_bytes()


def main():
    if shutil.which("msgfmt") is None:
        sys.exit("msgfmt is not installed. On Debian: apt install gettext")
    target = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "galaxypay-woocommerce.zip"
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in sorted(files()):
            entry = zipfile.ZipInfo(name, FILE_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, content)
    print(target)


if __name__ == "__main__":
    main()
